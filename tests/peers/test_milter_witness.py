"""miltertest, another's reading of the protocol, as the MTA: versions 6 and 2, several messages, reports of failure."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import free_port
from tests.peers.milter import MilterProcess
from tests.peers.postfix import open_folder

pytestmark = pytest.mark.peers

STEPS = """\
function must(failed, words)
    if failed then mt.echo(words); error(words) end
end
-- miltertest takes the steps before the actions, whatever its manual says
function open(version, steps, actions)
    local conn = mt.connect("inet:" .. PORT .. "@127.0.0.1")
    must(conn == nil, "no connection")
    must(mt.negotiate(conn, version, steps, actions) ~= nil, "no agreement")
    return conn
end
function client(conn, address)
    must(mt.conninfo(conn, "client.example", address) ~= nil, "conninfo")
    must(mt.helo(conn, "client.example") ~= nil, "helo")
end
function envelope(conn, queue_id, user)
    mt.macro(conn, SMFIC_MAIL, "i", queue_id, "{auth_authen}", user)
    must(mt.mailfrom(conn, "<care@shop.example>", "SIZE=100") ~= nil, "mailfrom")
    must(mt.rcptto(conn, "<in-1@desk.example>") ~= nil, "rcptto")
end
function copy(conn)
    must(mt.header(conn, "X-Ticket-Status", "auto-closed") ~= nil, "header")
    must(mt.header(conn, "From", "care@shop.example") ~= nil, "header")
    must(mt.header(conn, "To", "anna@mail.example") ~= nil, "header")
end
function finish(conn, status, reason)
    must(mt.eom(conn) ~= nil, "eom")
    must(mt.getreply(conn) ~= SMFIR_ACCEPT, "not accepted: " .. mt.getreply(conn))
    must(not mt.eom_check(conn, MT_HDRDELETE, "X-Ticket-Status"), "the forged field stays")
    must(mt.eom_check(conn, MT_HDRINSERT, "X-Ticket-Status") ~= status, "status")
    local said = mt.getheader(conn, "X-Ticket-Reason", 0)
    must(string.gsub(said, "^ ", "") ~= reason, "reason: " .. said)
end
"""
VERSION_6 = """\
conn = open(6)
must(not mt.test_option(conn, SMFIP_NOBODY), "a body is wanted")
must(not mt.test_option(conn, SMFIP_NOEOH), "the end of the header section is wanted")
must(not mt.test_option(conn, SMFIP_NODATA), "DATA is wanted")
must(mt.test_option(conn, SMFIP_NOHDRS), "no header fields are wanted")
must(mt.test_option(conn, SMFIP_NORCPT), "no forward-paths are wanted")
must(not mt.test_action(conn, SMFIF_CHGHDRS), "no fields are changed")
must(mt.test_action(conn, SMFIF_CHGBODY), "the body is changed")
client(conn, "198.51.100.7")
envelope(conn, "4ABC", "")
copy(conn)
finish(conn, true, REASON)
envelope(conn, "5ABC", "desk")
copy(conn)
finish(conn, false, "platform-sent; channel=care; id=5ABC")
mt.disconnect(conn)
conn = open(6)
client(conn, "192.0.2.5")
envelope(conn, "6ABC", "")
must(mt.abort(conn) ~= nil, "abort")
envelope(conn, "7ABC", "")
copy(conn)
finish(conn, false, "platform-sent; channel=care; id=7ABC")
mt.disconnect(conn)
"""
VERSION_2 = """\
conn = open(2, 127, 63)
must(mt.test_option(conn, SMFIP_HDR_LEADSPC), "more than was offered")
client(conn, "198.51.100.7")
envelope(conn, "4ABC", "")
copy(conn)
if mt.test_option(conn, SMFIP_NOEOH) == false then mt.eoh(conn) end
finish(conn, true, REASON)
must(mt.getheader(conn, "X-Ticket-Reason", 0) ~= REASON, "a blank too many")
mt.disconnect(conn)
"""
NO_AGREEMENT = """\
conn = mt.connect("inet:" .. PORT .. "@127.0.0.1")
must(mt.negotiate(conn, 6, nil, SMFIF_ADDHDRS) == nil, "agreed although no field may be deleted")
"""
UNTOUCHED = """\
conn = open(6)
client(conn, "198.51.100.7")
must(mt.mailfrom(conn, "<>") ~= nil, "mailfrom")
must(mt.rcptto(conn, "<bob@elsewhere.example>") ~= nil, "rcptto")
copy(conn)
must(mt.eom(conn) ~= nil, "eom")
must(mt.getreply(conn) ~= SMFIR_ACCEPT, "not accepted")
must(mt.eom_check(conn, MT_HDRINSERT), "a field was inserted")
must(mt.eom_check(conn, MT_HDRDELETE), "a field was deleted")
mt.disconnect(conn, false)
"""
REASON = "outbound-copy; channel=care; id=4ABC"


@pytest.fixture(scope="module")
def milter() -> Iterator[tuple[MilterProcess, int, Path]]:
    port = free_port()
    with open_folder() as folder, MilterProcess(folder, f"inet:127.0.0.1:{port}").running() as process:
        yield process, port, folder


@pytest.mark.parametrize(
    "script",
    [VERSION_6, VERSION_2, NO_AGREEMENT, UNTOUCHED],
    ids=["version-6", "version-2", "no-agreement", "untouched"],
)
def test_miltertest_agrees(milter: tuple[MilterProcess, int, Path], script: str) -> None:
    _, port, folder = milter
    (folder / "script.lua").write_text(f'PORT = "{port}"\nREASON = "{REASON}"\n{STEPS}{script}')
    done = subprocess.run(
        ["miltertest", "-s", folder / "script.lua"], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr

"""X-Ticket-Why from a running relay, by SMTP and by milter: it leads to the decision that the journal keeps."""

import json
import re
import socket
import struct
from pathlib import Path

import pytest

from relay.links import is_signed
from tests.live import Helpdesk, Process, beside, channels, free_port
from tests.service.test_live_milter import answers, packet
from tests.service.test_live_spool import eventually, send

LINK = "stamp: {link: true}\nweb: {url: https://relay.company.com/}\n"
WHY = re.compile(rb"X-Ticket-Why:\s*https://relay\.company\.com/why/([0-9A-F-]+)\?s=([0-9a-f]{32})\r?\n")


def entries(relay: Process) -> list[dict]:
    return [json.loads(line) for line in beside(relay, "journal", "list", "--json").stdout.splitlines()]


def proved(relay: Process, octets: bytes) -> str:
    """Return the reference that the one link leads to, after a look at its signature."""
    (found,) = WHY.findall(octets)
    ref, proof = (part.decode() for part in found)
    key = (relay.folder / "var" / "web.key").read_bytes().strip()
    assert is_signed(ref, proof, key)
    return ref


@pytest.mark.parametrize("mode", ["pass-through", "pass-through-or-spool", "spool"])
def test_a_message_carries_a_link_to_its_decision_and_none_that_it_brought(tmp_path: Path, mode: str):
    smtp, desk = free_port(), Helpdesk()
    with desk.running():
        text = channels(smtp, desk.port, LINK).replace("mode: pass-through", f"mode: {mode}")
        with Process(tmp_path, text).running(smtp) as relay:
            assert send(smtp, "in@relay.company.net")[0] == 250
            eventually(lambda: desk.got)
            eventually(lambda: entries(relay))
            (entry,) = entries(relay)
        ref = proved(relay, desk.got[0].octets)
        assert ref == entry["ref"]
        assert f"id={ref}\r\n".encode() in desk.got[0].octets
        with relay.running(smtp):
            send(smtp, "in@relay.company.net")
            eventually(lambda: len(desk.got) == 2)
        assert proved(relay, desk.got[1].octets) != ref


def test_by_milter_the_link_leads_to_the_decision_and_not_to_the_mtas_queue_id(tmp_path: Path):
    folder = tmp_path / "run"
    folder.mkdir()
    path = folder / "milter.sock"
    text = f"""\
version: 1
channels:
  support: {{address: support@company.com, inbound: [in@relay.company.net]}}
listen: {{milter: ["unix:{path}"]}}
log: {{format: json}}
{LINK}"""
    relay = Process(tmp_path, text)
    relay.start()
    try:
        relay.waits_to_say('"event": "serving"')
        with socket.socket(socket.AF_UNIX) as mta:
            mta.settimeout(10)
            mta.connect(str(path))
            mta.sendall(packet(b"O", struct.pack(">III", 6, 0x1FF, 0x1FFFFF)))
            mta.sendall(packet(b"D", b"Ci\04ABC\0"))
            mta.sendall(packet(b"C", b"crm.example\0004" + struct.pack(">H", 25) + b"198.51.100.7\0"))
            mta.sendall(packet(b"M", b"<bounce@crm.example>\0") + packet(b"R", b"<in@relay.company.net>\0"))
            mta.sendall(packet(b"L", b"From\0 support@company.com\0"))
            mta.sendall(packet(b"L", b"X-Ticket-Why\0 https://bad.example/\0"))
            mta.sendall(packet(b"N") + packet(b"E") + packet(b"Q"))
            told = answers(mta)
        eventually(lambda: entries(relay))
        (entry,) = entries(relay)
    finally:
        assert relay.stop() == 0
    inserted = b"".join(
        data[4:].replace(b"\0", b":", 1)[:-1] + b"\r\n" for command, data in told if command == b"i"
    )
    ref = proved(relay, inserted)
    assert ref == entry["ref"] != entry["queue_id"]
    assert b"X-Ticket-Why" in b"".join(data for command, data in told if command == b"m")

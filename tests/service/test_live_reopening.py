"""A closed copy, a running relay, and somebody who wants the ticket open: the helpdesk is told exactly once."""

import email
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.live import Helpdesk, Process, beside, channels, free_port
from tests.service.test_live_links import entries
from tests.service.test_live_spool import COPY, SPOOL, eventually, listed, send


def journal(relay: Process, *arguments: str) -> subprocess.CompletedProcess[str]:
    return beside(relay, "journal", *arguments)


def text(smtp: int, desk: int, mode: str) -> str:
    more = channels(smtp, desk, f"{SPOOL}journal: {{keep_closed: 7d}}\n")
    return more.replace("mode: pass-through", f"mode: {mode}")


def ref_of(relay: Process) -> str:
    eventually(lambda: entries(relay))
    (entry,) = entries(relay)
    assert entry["verdict"] == "auto-closed"
    return entry["ref"]


@pytest.mark.parametrize("mode", ["spool", "pass-through-or-spool"])
def test_a_closed_copy_is_reopened_beside_the_running_relay_exactly_once(tmp_path: Path, mode: str):
    smtp, desk = free_port(), Helpdesk()
    with desk.running():
        with Process(tmp_path, text(smtp, desk.port, mode)).running(smtp) as relay:
            assert send(smtp, "in@relay.company.net")[0] == 250
            eventually(lambda: desk.got)
            assert b"X-Ticket-Status: auto-closed" in desk.got[0].octets
            ref = ref_of(relay)
            done = journal(relay, "reopen", ref)
            assert (done.returncode, done.stderr) == (0, "")
            eventually(lambda: len(desk.got) == 2)
            again = journal(relay, "reopen", ref)
            assert (again.returncode, again.stdout) == (1, "")
            assert "was reopened before" in again.stderr
            eventually(lambda: listed(relay) == [])
        with relay.running(smtp):
            assert "was reopened before" in journal(relay, "reopen", ref).stderr
    assert len(desk.got) == 2
    got = desk.got[1]
    assert (got.reverse_path, got.forward_paths) == ("support@company.com", ["in@relay.company.net"])
    message = email.message_from_bytes(got.octets)
    assert message["X-Ticket-Status"] == "open"
    assert message["X-Ticket-Reason"] == f"reopened; channel=support; id={ref}"
    assert message["From"] == message["To"] == "<support@company.com>"
    assert message["Subject"] == "Re: Hi"
    assert COPY in got.octets
    assert b"auto-closed" not in got.octets
    assert '"a fault of ours' not in relay.said()


def test_the_request_waits_for_a_helpdesk_that_is_down_and_for_a_relay_that_is(tmp_path: Path):
    smtp, desk = free_port(), Helpdesk(port=free_port())
    relay = Process(tmp_path, text(smtp, desk.port, "spool"))
    with relay.running(smtp):
        assert send(smtp, "in@relay.company.net")[0] == 250
        ref = ref_of(relay)
        assert journal(relay, "reopen", ref).returncode == 0
    assert "was reopened before" in journal(relay, "reopen", ref).stderr
    with desk.running(), relay.running(smtp):
        eventually(lambda: len(desk.got) == 2)
        eventually(lambda: listed(relay) == [])
    assert sorted(b"X-Ticket-Status: open" in got.octets for got in desk.got) == [False, True]


def test_when_keeping_is_turned_off_what_is_kept_goes(tmp_path: Path):
    smtp, desk = free_port(), Helpdesk()
    with desk.running():
        relay = Process(tmp_path, text(smtp, desk.port, "pass-through-or-spool"))
        with relay.running(smtp):
            assert send(smtp, "in@relay.company.net")[0] == 250
            ref = ref_of(relay)
        relay.config.write_text(relay.config.read_text().replace("keep_closed: 7d", "keep_closed: null"))
        with relay.running(smtp):
            done = journal(relay, "reopen", ref)
            assert (done.returncode, "is not kept" in done.stderr) == (1, True)
    assert len(desk.got) == 1


def test_a_closed_message_that_cannot_be_kept_goes_on_its_way_and_is_logged_and_counted(tmp_path: Path):
    smtp, web, desk = free_port(), free_port(), Helpdesk()
    with desk.running():
        made = text(smtp, desk.port, "pass-through-or-spool")
        made = made.replace("listen: {", f'listen: {{web: "127.0.0.1:{web}", ')
        with Process(tmp_path, made).running(smtp) as relay:
            spool = tmp_path / "var" / "spool"
            spool.rename(tmp_path / "gone")
            spool.write_text("in the way")
            assert send(smtp, "in@relay.company.net")[0] == 250
            relay.waits_to_say('"event": "a closed message is not kept"')
            with urllib.request.urlopen(f"http://127.0.0.1:{web}/metrics", timeout=10) as answer:
                counted = answer.read().decode()
    assert len(desk.got) == 1
    assert 'helpdesk_relay_spool_troubles_total{trouble="closed-not-kept"} 1.0' in counted

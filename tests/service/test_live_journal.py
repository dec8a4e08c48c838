"""A relay keeps a journal by itself: what it decided can be asked for while it runs, and mail never waits for it."""

import json
import shutil
import smtplib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import Got, Helpdesk, Process, beside, channels, free_port

COPY = b"From: support@company.com\r\nTo: anna@customer.example\r\nMessage-ID: <c%d@crm.example>\r\nX-Ticket-Status: auto-closed\r\n\r\nHi\r\n"


@pytest.fixture
def helpdesk() -> Iterator[Helpdesk]:
    with Helpdesk().running() as running:
        yield running


def relay_command(process: Process, *arguments: str) -> list[dict[str, object]]:
    done = beside(process, *arguments)
    if "there is no journal" in done.stderr:  # not yet
        return []
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def entries(process: Process, count: int) -> list[dict[str, object]]:
    for _ in range(100):
        listed = relay_command(process, "journal", "list", "--json")
        if len(listed) >= count:
            return listed
        time.sleep(0.1)
    raise AssertionError(listed)


def send(port: int, *numbers: int, rcpt: str = "in@relay.company.net") -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        for number in numbers:
            client.sendmail("bounce@crm.example", [rcpt], COPY % number)


def test_a_decision_can_be_asked_for_while_the_relay_runs(tmp_path: Path, helpdesk: Helpdesk) -> None:
    port = free_port()
    relay = Process(tmp_path, channels(port, helpdesk.port))
    with relay.running(port):
        send(port, 1)
        (listed,) = entries(relay, 1)
        (shown,) = relay_command(relay, "journal", "show", "--json", "c1@crm.example")
    assert (listed["verdict"], listed["channel"], listed["forward_paths"]) == (
        "auto-closed",
        "support",
        ["in@relay.company.net"],
    )
    assert shown["paths"] == [
        {"path": "in@relay.company.net", "state": "delivered", "words": "250 2.0.0 ticket 1", "hop": f"smtp://127.0.0.1:{helpdesk.port}", "told": None, "at": None}
    ]  # fmt: skip
    stamp = f"id={shown['queue_id']}".encode()
    assert stamp in helpdesk.got[0].octets
    assert (tmp_path / "var" / "journal").stat().st_mode & 0o777 == 0o700
    assert not list((tmp_path / "var").glob("spool*"))


class Busy(Helpdesk):
    """A helpdesk that takes nothing now; it answers, and so is asked again within half a minute."""

    now = True

    def _answer(self, line: str, envelope: Got) -> bytes:
        if self.now and line.startswith("RCPT"):
            return b"451 4.2.0 not now\r\n"
        return super()._answer(line, envelope)


def test_the_outcome_of_later_attempts_comes_to_stand_in_the_entry(tmp_path: Path) -> None:
    port, helpdesk = free_port(), Busy()
    with helpdesk.running():
        text = channels(port, helpdesk.port, "spool: {retry: [1s]}").replace(
            "mode: pass-through", "mode: pass-through-or-spool"
        )
        relay = Process(tmp_path, text)
        with relay.running(port):
            send(port, 1)
            (listed,) = entries(relay, 1)
            (shown,) = relay_command(relay, "journal", "show", "--json", str(listed["ref"]))
            assert [path["state"] for path in shown["paths"]] != ["delivered"]  # type: ignore[attr-defined]
            helpdesk.now = False
            for _ in range(300):
                (shown,) = relay_command(relay, "journal", "show", "--json", str(listed["ref"]))
                (path,) = shown["paths"]  # type: ignore[misc]
                if path["state"] == "delivered":
                    break
                time.sleep(0.1)
            assert path["state"] == "delivered"
            assert path["at"] is not None
    assert len(helpdesk.got) == 1


def test_mail_goes_on_while_the_journal_cannot_be_written_and_nothing_is_lost_of_it(
    tmp_path: Path, helpdesk: Helpdesk
) -> None:
    port = free_port()
    relay = Process(tmp_path, channels(port, helpdesk.port))
    with relay.running(port):
        send(port, 1)
        entries(relay, 1)
        folder = tmp_path / "var" / "journal"
        shutil.rmtree(folder)
        folder.write_text("in the way")
        send(port, *range(2, 30))
        relay.waits_to_say("the journal does not work now")
        assert len(helpdesk.got) == 29
        folder.unlink()
        folder.mkdir()
        assert len(entries(relay, 28)) == 28


def test_a_relay_starts_without_its_journal(tmp_path: Path, helpdesk: Helpdesk) -> None:
    port = free_port()
    relay = Process(
        tmp_path,
        channels(
            port, helpdesk.port, f'journal: {{url: "postgresql://nobody@127.0.0.1:{free_port()}/none"}}'
        ),
    )
    with relay.running(port):
        send(port, 1)
        relay.waits_to_say("the journal does not work now")
    assert len(helpdesk.got) == 1
    assert "the journal lost entries" in relay.said()


def test_a_field_that_had_to_be_stripped_although_it_was_signed_is_told(
    tmp_path: Path, helpdesk: Helpdesk
) -> None:
    port = free_port()
    relay = Process(tmp_path, channels(port, helpdesk.port))
    signed = (
        b"DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s;\r\n\th=from:x-ticket-status; bh=x; b=y\r\n"
        + COPY % 1
    )
    with relay.running(port):
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            client.sendmail("a@crm.example", ["in@relay.company.net"], signed)
        (listed,) = entries(relay, 1)
        (shown,) = relay_command(relay, "journal", "show", "--json", str(listed["ref"]))
    assert shown["broken_signatures"] == ["X-Ticket-Status"]


class Hesitant(Helpdesk):
    """A helpdesk that names whom it takes nothing for yet."""

    busy = True

    def _answer(self, line: str, envelope: Got) -> bytes:
        if self.busy and line.startswith("RCPT"):
            return f"451 4.2.1 not now for {line[8:].strip()}\r\n".encode()
        return super()._answer(line, envelope)


def octets_of(relay: Process) -> bytes:
    """Return all that the journal has on the disk, in small letters."""
    return b"".join(file.read_bytes() for file in (relay.folder / "var" / "journal").iterdir()).lower()


def test_who_is_forgotten_while_mail_waits_does_not_come_back_with_its_delivery(tmp_path: Path) -> None:
    mark = b"zoe.quince"
    with Hesitant().running() as desk:
        port = free_port()
        more = "spool: {retry: [1s]}\ntrusted: {relay: [127.0.0.0/8]}\n"
        text = channels(port, desk.port, more).replace(
            "mode: pass-through", f"mode: spool, elsewhere: 'smtp://127.0.0.1:{desk.port}'"
        )
        relay = Process(tmp_path, text)
        copy = COPY.replace(b"anna@customer.example", b"Zoe.Quince@Customer.example")
        paths = ["in@relay.company.net", "Zoe.Quince@Customer.example", "zoe.quince@customer.example"]
        with relay.running(port):
            with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
                client.sendmail("Zoe.Quince@customer.example", paths, copy % 1)
            entries(relay, 1)
            for _ in range(100):
                if octets_of(relay).count(mark) > 12:  # the entry, and what became of its forward-paths
                    break
                time.sleep(0.1)
            assert octets_of(relay).count(mark) > 12
            (gone,) = relay_command(relay, "journal", "forget", "--json", "zoe.quince@customer.example")
            assert gone == {"forgotten": 1}
            assert mark not in octets_of(relay)
            tried = relay.said().count('"event": "attempt"')
            relay.waits_to_say('"event": "attempt"', tried + 2)
            desk.busy = False
            for _ in range(100):
                if not relay_command(relay, "queue", "list", "--json"):
                    break
                time.sleep(0.1)
            send(port, 2)
            assert [each["message_id"] for each in entries(relay, 1)] == ["c2@crm.example"]
            assert [got.forward_paths for got in desk.got][:2] in (
                [paths[:1], paths[1:]],
                [paths[1:], paths[:1]],
            )
            assert mark not in octets_of(relay)
        assert mark not in octets_of(relay)

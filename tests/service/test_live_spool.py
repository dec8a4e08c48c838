"""The modes with a spool on real sockets: kept when the helpdesk is down, delivered once, reported when refused."""

import email
import email.policy
import json
import smtplib
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live import Helpdesk, Process, beside, channels, free_port

COPY = b"From: support@company.com\r\nTo: anna@customer.example\r\nSubject: Hi\r\n\r\nBody\r\n"
SPOOL = "spool: {retry: [1s], give_up_after: 1h}\n"


def text(smtp: int, desk: int, mode: str, more: str = "", deliver: str = "") -> str:
    found = channels(smtp, desk, SPOOL + more)
    return found.replace("mode: pass-through", f"mode: {mode}{deliver}, timeouts: {{connect: 2s, reply: 2s}}")


def queue(relay: Process, *arguments: str) -> subprocess.CompletedProcess[str]:
    return beside(relay, "queue", *arguments)


def listed(relay: Process, *arguments: str) -> list[dict]:
    return [json.loads(line) for line in queue(relay, "list", "--json", *arguments).stdout.splitlines()]


def eventually(condition: Callable[[], object], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def send(port: int, *paths: str, reverse_path: str = "bounce@crm.example") -> tuple[int, bytes]:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.ehlo()
        client.mail(reverse_path)
        for path in paths:
            assert client.rcpt(path)[0] == 250
        return client.data(COPY)


@pytest.mark.peers
@pytest.mark.parametrize("mode", ["spool", "pass-through-or-spool"])
def test_mail_for_a_helpdesk_that_is_down_is_kept_and_arrives_once_when_it_is_back(tmp_path: Path, mode: str):
    smtp, desk = free_port(), Helpdesk(port=free_port())
    with Process(tmp_path, text(smtp, desk.port, mode)).running(smtp) as relay:
        code, words = send(smtp, "in@relay.company.net")
        assert code == 250
        assert b"Kept as" in words
        (item,) = listed(relay)
        assert (item["hop"], item["channel"], item["reason"]) == ("helpdesk", "support", "outbound-copy")
        with desk.running():
            eventually(lambda: desk.got, 40)
            eventually(lambda: not listed(relay))
            time.sleep(1.5)
    (got,) = desk.got
    assert got.octets.startswith(b"X-Ticket-Status: auto-closed\r\n")
    assert got.octets.endswith(COPY)


@pytest.mark.peers
def test_what_waits_survives_the_end_of_the_process(tmp_path: Path):
    smtp, desk = free_port(), Helpdesk(port=free_port())
    relay = Process(tmp_path, text(smtp, desk.port, "spool"))
    with relay.running(smtp):
        send(smtp, "in@relay.company.net")
    with desk.running(), relay.running(smtp):
        eventually(lambda: desk.got, 40)
    assert len(desk.got) == 1


def test_the_happy_path_is_the_helpdesks_own_answer_and_stores_nothing(tmp_path: Path):
    smtp = free_port()
    with (
        Helpdesk().running() as desk,
        Process(tmp_path, text(smtp, desk.port, "pass-through-or-spool")).running(smtp) as relay,
    ):
        assert send(smtp, "in@relay.company.net") == (250, b"2.0.0 ticket 1")
        assert listed(relay) == []


def test_a_refusal_of_all_is_the_clients_and_a_mixed_answer_becomes_a_report(tmp_path: Path):
    smtp = free_port()
    with Helpdesk().running() as desk, Helpdesk().running() as world:
        deliver = f', reports: "smtp://127.0.0.1:{world.port}"'
        with Process(tmp_path, text(smtp, desk.port, "pass-through-or-spool", deliver=deliver)).running(
            smtp
        ) as relay:
            desk.refused.add("in+1@relay.company.net")
            code, words = send(smtp, "in+1@relay.company.net")
            assert (code, words) == (550, b"5.1.1 we do not know that one")
            assert send(smtp, "in+1@relay.company.net", "in@relay.company.net")[0] == 250
            eventually(lambda: world.got)
            eventually(lambda: not listed(relay))
    (report,) = world.got
    assert report.reverse_path == ""
    assert report.forward_paths == ["bounce@crm.example"]
    message = email.message_from_bytes(report.octets, policy=email.policy.default)
    assert message.get_content_type() == "multipart/report"
    status = next(part for part in message.walk() if part.get_content_type() == "message/delivery-status")
    assert "in+1@relay.company.net" in str(status)
    assert "5.1.1" in str(status)
    assert len(desk.got) == 1


def test_nobody_is_told_of_mail_without_a_reverse_path(tmp_path: Path):
    smtp = free_port()
    with Helpdesk().running() as desk, Helpdesk().running() as world:
        deliver = f', reports: "smtp://127.0.0.1:{world.port}"'
        with Process(tmp_path, text(smtp, desk.port, "spool", deliver=deliver)).running(smtp) as relay:
            desk.refused.add("in@relay.company.net")
            send(smtp, "in@relay.company.net", reverse_path="")
            eventually(lambda: '"event": "attempt"' in relay.said())
            eventually(lambda: not [item for item in listed(relay) if item["state"] == "waiting"])
    assert world.got == []


def test_an_address_that_only_its_domain_speaks_for_is_verified_at_rcpt(tmp_path: Path):
    smtp = free_port()
    with Helpdesk().running() as desk, Process(tmp_path, text(smtp, desk.port, "spool")).running(smtp):
        desk.refused.add("nobody@desk.company.com")
        with smtplib.SMTP("127.0.0.1", smtp) as client:
            client.ehlo()
            client.mail("mallory@bad.example")
            assert client.rcpt("nobody@desk.company.com")[0] == 550
            assert client.rcpt("somebody@desk.company.com")[0] == 250


@pytest.mark.peers
def test_the_operator_lists_holds_releases_and_deletes_beside_a_running_relay(tmp_path: Path):
    smtp, desk = free_port(), Helpdesk(port=free_port())
    with Process(tmp_path, text(smtp, desk.port, "spool", "drain: 2s\n")).running(smtp) as relay:
        for _ in range(3):
            send(smtp, "in@relay.company.net")
        first, second, third = listed(relay)
        assert queue(relay, "hold", str(first["id"])).returncode == 0
        assert [item["id"] for item in listed(relay, "--state", "held")] == [first["id"]]
        assert first["queue_id"] in queue(relay, "show", first["queue_id"]).stdout
        assert queue(relay, "delete", second["queue_id"]).returncode == 0
        assert queue(relay, "show", str(second["id"])).returncode == 1
        assert queue(relay, "delete").returncode == 64
        with desk.running():
            queue(relay, "retry", "--hop", "helpdesk")
            eventually(lambda: desk.got, 40)
            eventually(lambda: len(listed(relay)) == 1)
            assert queue(relay, "release", "--all").returncode == 0
            eventually(lambda: not listed(relay), 40)
            assert len(desk.got) == 2
    assert third["forward_paths"] == ["in@relay.company.net"]


def test_a_spool_that_there_is_none_of_yet_is_said_in_one_sentence(tmp_path: Path):
    (tmp_path / "channels.yaml").write_text(text(1, 2, "spool"))
    relay = Process(tmp_path, text(1025, 2526, "spool"))
    said = queue(relay, "list")
    assert said.returncode == 75
    assert len(said.stderr.splitlines()) == 1

"""Our milter beside a real Sendmail."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from relay.mail.fields import read_header
from tests.live import Got, Helpdesk, free_port
from tests.peers.milter import Case, MilterProcess, arrived, cases, octets_of
from tests.peers.postfix import open_folder, transmit
from tests.peers.sendmail import Sendmail

pytestmark = pytest.mark.peers

NETWORK = ("192.0.2.0/28", "127.9.2.0/28")
"""Sendmail has no XCLIENT, so clients of the platform come from a network of this machine's own."""
MENDED = {  # Sendmail makes another message of these before it shows it, judged as it is delivered
    "second-from-is-empty": ("auto-closed", "an empty From goes"),
    "nul-in-from": ("auto-closed", "the NUL goes"),
    "from-below-a-line-that-is-no-field": ("open", "the header section ends there"),
    "from-below-a-name-in-8-bit": ("open", "the header section ends there"),
    "mbox-line-further-down": ("open", "the header section ends there"),
    "blank-before-the-colon": ("open", "a first line that begins with From and a blank is an mbox line"),
}
REFUSED = {"bare-cr-in-from": 421, "no-recipient-at-all": 503}
NEVER = {"platform-by-login": "no login is set up"}
SENT = [case for case in cases() if case["id"] not in {*REFUSED, *NEVER}]
FORGED = "X-Ticket-Status: auto-closed\nx-ticket-status:\n one\n\ttwo\nX-Ticket-Why : me\nX-Ticket-Status:\n"
COPY = "From: care@shop.example\nTo: anna@mail.example\n"
COMPARED = ("verdict", "reason", "channel", "doubts", "author", "recipients")


@dataclass
class Stand:
    helpdesk: Helpdesk
    sendmail: Sendmail
    milter: MilterProcess

    def reply(self, case: Case) -> tuple[int, bytes]:
        address = case.get("client", "198.51.100.7").removeprefix("::ffff:")
        with self.sendmail.client(
            address.replace("192.0.2.", "127.9.2.").replace("198.51.100.", "127.8.1.")
        ) as client:
            return transmit(
                client,
                case.get("mail_from", "care@shop.example"),
                case.get("rcpt_to", ["in-1@desk.example"]),
                octets_of(case),
            )

    def send(self, case: Case) -> tuple[Got, dict[str, Any]]:
        before = len(self.milter.told())
        assert self.reply(case)[0] == 250
        (got,) = arrived(self.helpdesk, 1)
        (told,) = self.milter.told()[before:]
        return got, told


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    port = free_port()
    with open_folder() as folder, Helpdesk().running() as helpdesk:
        milter = MilterProcess(folder, f"inet:127.0.0.1:{port}", replace=NETWORK)
        with milter.running(), Sendmail(folder, helpdesk.port, port).running() as sendmail:
            yield Stand(helpdesk, sendmail, milter)


def stamps(got: Got) -> list[str]:
    return [
        f"{row.name.decode()}:{row.value.decode().rstrip()}"
        for row in read_header(got.octets).rows
        if row.name.lower().startswith(b"x-ticket-")
    ]


@pytest.mark.parametrize("case", SENT, ids=lambda case: case["id"])
def test_every_case_is_delivered_with_the_right_stamp(stand: Stand, case: Case) -> None:
    got, told = stand.send(case)
    closed = "X-Ticket-Status: auto-closed" in stamps(got)
    if case["id"] in MENDED:
        verdict, _ = MENDED[case["id"]]
        assert (told["verdict"], closed) == (verdict, verdict == "auto-closed")
        return
    assert closed is (case["verdict"] == "auto-closed")
    assert {key: told[key] for key in COMPARED if key in case} == {
        key: case[key] for key in COMPARED if key in case
    }


@pytest.mark.parametrize(
    "case", [case for case in cases() if case["id"] in REFUSED], ids=lambda case: case["id"]
)
def test_what_sendmail_refuses_is_not_judged(stand: Stand, case: Case) -> None:
    before = len(stand.milter.told())
    assert stand.reply(case)[0] == REFUSED[case["id"]]
    assert stand.milter.told()[before:] == []


def test_forged_fields_go_and_the_stamp_stands_on_top(stand: Stand) -> None:
    got, told = stand.send({"header": FORGED + COPY})
    assert stamps(got) == [
        "X-Ticket-Status: auto-closed",
        f"X-Ticket-Reason: outbound-copy; channel=care; id={told['id']}",
    ]
    assert [row.name for row in read_header(got.octets).rows][:3] == [
        b"X-Ticket-Status",
        b"X-Ticket-Reason",
        b"Received",
    ]
    assert f"with ESMTP id {told['id']}".encode() in got.octets


def test_several_messages_come_in_one_smtp_session_each_with_its_own_id(stand: Stand) -> None:
    before = len(stand.milter.told())
    with stand.sendmail.client("127.9.2.5") as client:
        for _ in range(2):
            assert transmit(client, "", ["in-1@desk.example"], octets_of({"header": COPY}))[0] == 250
        client.docmd("MAIL", "FROM:<anna@mail.example>")
        client.docmd("RCPT", "TO:<care@shop.example>")
        client.rset()
        assert transmit(client, "", ["in-1@desk.example"], octets_of({"header": COPY}))[0] == 250
    arrived(stand.helpdesk, 3)
    told = stand.milter.told()[before:]
    assert [one["reason"] for one in told] == ["platform-sent"] * 3
    assert len({one["id"] for one in told}) == 3


def test_mail_with_no_forward_path_of_the_helpdesk_keeps_its_fields(stand: Stand) -> None:
    got, told = stand.send({"header": FORGED + COPY, "rcpt_to": ["bob@other.example"]})
    assert told["verdict"] is None
    assert len(stamps(got)) == 4


def test_a_header_section_that_is_too_large_for_sendmail_never_arrives(stand: Stand) -> None:
    assert stand.reply({"header": COPY + f"X-Filler: {'x' * 80}\n" * 400})[0] == 552


def test_when_the_milter_is_gone_sendmail_puts_mail_off_and_then_takes_it(stand: Stand) -> None:
    milter = stand.milter
    assert milter.process is not None
    milter.process.kill()
    milter.process.wait()
    try:
        assert stand.reply({"header": COPY})[0] == 451
    finally:
        milter.start()
    assert stamps(stand.send({"header": COPY})[0])[0] == "X-Ticket-Status: auto-closed"

"""Our milter beside a real Postfix: what is judged, what leaves, and what happens when we are gone."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from relay.mail.fields import HeaderEdit, edited, read_header
from relay.stamp import stamp_rules
from tests.live import Got, Helpdesk, free_port
from tests.peers.milter import Case, MilterProcess, arrived, cases, octets_of
from tests.peers.postfix import Postfix, hand_over, open_folder, transmit

pytestmark = pytest.mark.peers

MAIN_CF = """\
smtpd_milters = {milter}
milter_default_action = tempfail
local_header_rewrite_clients =
message_drop_headers = content-length, return-path
smtpd_recipient_restrictions = check_recipient_access inline:{{ {{ hello@shop.example = 550 5.1.1 nobody }} }}
"""
OTHERWISE = {  # Postfix makes another message of these before it shows it, and that message is judged
    "nul-in-from": "the line ends at the NUL",
    "from-below-a-line-that-is-no-field": "the header section ends there",
    "from-below-a-name-in-8-bit": "the header section ends there",
    "mbox-line-further-down": "the header section ends there",
    "blank-before-the-colon": "a first line that begins with From and a blank is an mbox line",
}
MENDED = {  # Postfix mends these before it shows them, and sends them on so
    "second-from-in-other-case": "a blank before the colon goes",
    "delivery-report-in-doubt": "a blank before the colon goes",
    "bare-cr-in-from": "a bare CR becomes a blank",
    "line-that-is-no-field-below-from": "the header section ends there",
    "mbox-line-on-top": "it becomes the field X-Mailbox-Line",
}
NEVER = {"no-recipient-at-all": "there is no such mail transaction"}
SENT = [case for case in cases() if case["id"] not in NEVER]
WHOLE = [case for case in SENT if case["id"] not in {*OTHERWISE, *MENDED}]
COPY = "From: care@shop.example\nTo: anna@mail.example\n"
FORGED = "X-Ticket-Status: auto-closed\nx-ticket-status:\n one\n\ttwo\nX-Ticket-Why : me\n"
COMPARED = ("verdict", "reason", "channel", "doubts", "author", "recipients")


@dataclass
class Stand:
    """Postfix with our milter in front of a helpdesk."""

    helpdesk: Helpdesk
    postfix: Postfix
    milter: MilterProcess

    def send(self, case: Case) -> tuple[Got, dict[str, Any]]:
        """Send one message; return it as the helpdesk got it, and what the milter decided."""
        before = len(self.milter.told())
        assert self.reply(case)[0] == 250
        (got,) = arrived(self.helpdesk, 1)
        (told,) = self.milter.told()[before:]
        return got, told

    def reply(self, case: Case) -> tuple[int, bytes]:
        with self.postfix.client(case.get("client", "198.51.100.7"), case.get("auth", "")) as client:
            return transmit(
                client,
                case.get("mail_from", "care@shop.example"),
                case.get("rcpt_to", ["in-1@desk.example"]),
                octets_of(case),
            )


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with open_folder() as folder, Helpdesk().running() as helpdesk:
        milter = MilterProcess(folder, f"unix:{folder}/milter.sock", "milter: {socket_group: postfix}\n")
        postfix = Postfix(folder, helpdesk.port, MAIN_CF.format(milter=f"unix:{folder}/milter.sock"))
        with milter.running(), postfix.running():
            yield Stand(helpdesk, postfix, milter)


def stamps(got: Got) -> list[str]:
    return [
        f"{row.name.decode()}:{row.value.decode().rstrip()}"
        for row in read_header(got.octets).rows
        if row.name.lower().startswith(b"x-ticket-")
    ]


def without_own_received(octets: bytes) -> bytes:
    """Take out the Received field that Postfix puts on top: the first one."""
    own = next(row for row in read_header(octets).rows if row.name == b"Received")
    return octets.replace(own.octets, b"", 1)


@pytest.mark.parametrize("case", SENT, ids=lambda case: case["id"])
def test_every_case_is_delivered_with_the_right_stamp(stand: Stand, case: Case) -> None:
    got, told = stand.send(case)
    closed = "X-Ticket-Status: auto-closed" in stamps(got)
    if case["id"] in OTHERWISE:
        assert (told["verdict"], closed) == ("open", False)
        return
    assert closed is (case["verdict"] == "auto-closed")
    assert {key: told[key] for key in COMPARED if key in case} == {
        key: case[key] for key in COMPARED if key in case
    }
    reasons = [line for line in stamps(got) if line.startswith("X-Ticket-Reason")]
    if any(path.endswith("@mail.example") for path in case.get("rcpt_to", [])):
        assert reasons == []  # others get the message too
        return
    (reason,) = reasons
    assert reason.startswith(f"X-Ticket-Reason: {case['reason']}")
    assert f"id={told['id']}" in reason
    assert f"with ESMTP id {told['id']}" in got.octets.decode("utf-8", "replace").replace("ESMTPA", "ESMTP")


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: case["id"])
def test_what_leaves_postfix_is_what_our_smtp_path_would_send(stand: Stand, case: Case) -> None:
    got, _ = stand.send(case)
    inserted = tuple(tuple(line.split(": ", 1)) for line in stamps(got))
    content = octets_of(case)
    replacement, replaced = edited(content, HeaderEdit(stamp_rules().for_the_helpdesk, inserted))  # type: ignore[arg-type]
    assert without_own_received(got.octets) == replacement + content[replaced:]


def test_the_stamp_stands_above_the_received_field_of_postfix(stand: Stand) -> None:
    got, _ = stand.send({"header": FORGED + COPY})
    rows = read_header(got.octets).rows
    assert [row.name for row in rows] == [b"X-Ticket-Status", b"X-Ticket-Reason", b"Received", b"From", b"To"]


@pytest.mark.parametrize("address", ["192.0.2.5", "2001:db8::7", "::ffff:198.51.100.9"])
def test_the_client_is_whom_postfix_speaks_with(stand: Stand, address: str) -> None:
    _, told = stand.send({"header": COPY, "client": address})
    assert told["client"] == address.removeprefix("::ffff:")


def test_several_messages_come_in_one_smtp_session_each_with_its_own_id(stand: Stand) -> None:
    before = len(stand.milter.told())
    with stand.postfix.client("192.0.2.5") as client:
        for _ in range(2):
            assert (
                transmit(client, "care@shop.example", ["in-1@desk.example"], octets_of({"header": COPY}))[0]
                == 250
            )
        client.docmd("MAIL", "FROM:<anna@mail.example>")
        client.docmd("RCPT", "TO:<care@shop.example>")
        client.rset()
        assert (
            transmit(client, "care@shop.example", ["in-1@desk.example"], octets_of({"header": COPY}))[0]
            == 250
        )
    arrived(stand.helpdesk, 3)
    told = stand.milter.told()[before:]
    assert [(one["reason"], one["recipients"][1:]) for one in told] == [
        ("platform-sent", ["in-1@desk.example in envelope"])
    ] * 3
    assert len({one["id"] for one in told}) == 3


def test_mail_with_no_forward_path_of_the_helpdesk_is_not_touched(stand: Stand) -> None:
    got, told = stand.send({"header": FORGED + COPY, "rcpt_to": ["bob@other.example"]})
    assert told["verdict"] is None
    content = octets_of({"header": FORGED + COPY})
    assert without_own_received(got.octets) == content.replace(b"X-Ticket-Why : me", b"X-Ticket-Why: me")


def test_where_others_get_the_message_too_it_has_the_status_alone(stand: Stand) -> None:
    got, told = stand.send({"header": FORGED + COPY, "rcpt_to": ["bob@other.example", "in-1@desk.example"]})
    assert sorted(got.forward_paths) == ["bob@other.example", "in-1@desk.example"]
    assert stamps(got) == ["X-Ticket-Status: auto-closed"]
    assert told["reason"] == "outbound-copy"


def test_a_forward_path_that_postfix_refused_is_evidence(stand: Stand) -> None:
    got, told = stand.send({"header": COPY, "rcpt_to": ["hello@shop.example", "in-1@desk.example"]})
    assert got.forward_paths == ["in-1@desk.example"]
    assert told["reason"] == "self-addressed"
    assert "hello@shop.example in envelope" in told["recipients"]


def test_a_forward_path_that_postfix_refused_makes_no_transaction_the_helpdesks(stand: Stand) -> None:
    _, told = stand.send({"header": COPY, "rcpt_to": ["hello@shop.example", "bob@other.example"]})
    assert told["verdict"] is None


LONG_LIST = ",\n ".join(f"a{number:05}@mail.example" for number in range(12_000))


@pytest.mark.parametrize(
    "header",
    [
        f"From: care@shop.example\nTo: {LONG_LIST}, care@shop.example\n",
        "From: care@shop.example\nTo: anna@mail.example\nX-Long: " + "x" * 250_000 + "\n",
        "From: care@shop.example\nTo: anna@mail.example\n" + f"X-Filler: {'x' * 80}\n" * 1200,
    ],
    ids=["a-long-list", "a-long-field", "a-long-section"],
)
@pytest.mark.parametrize("rewritten", [False, True], ids=["as-sent", "rewritten"])
def test_what_postfix_may_have_cut_stays_open(stand: Stand, header: str, rewritten: bool) -> None:
    if rewritten:
        stand.postfix.set("local_header_rewrite_clients", "static:all")
    try:
        got, told = stand.send({"header": header})
    finally:
        if rewritten:
            stand.postfix.set("local_header_rewrite_clients", "")
    assert (told["reason"], told["header"]) == ("unreadable", "cut")
    assert stamps(got) == [f"X-Ticket-Reason: unreadable; id={told['id']}"]


def test_a_thousand_recipients_are_no_reason_to_doubt(stand: Stand) -> None:
    listed = ",\n ".join(f"a{number:05}@mail.example" for number in range(1000))
    _, told = stand.send({"header": f"From: care@shop.example\nTo: {listed}\n"})
    assert (told["reason"], told["header"]) == ("outbound-copy", "complete")


def test_by_default_postfix_hides_bcc(stand: Stand) -> None:
    case = {"header": COPY + "Bcc: care@shop.example\n"}
    assert stand.send(case)[1]["reason"] == "self-addressed"
    stand.postfix.set("message_drop_headers", "bcc, content-length, resent-bcc, return-path")
    try:
        assert stand.send(case)[1]["reason"] == "outbound-copy"
    finally:
        stand.postfix.set("message_drop_headers", "content-length, return-path")


def test_when_the_milter_dies_postfix_loses_nothing_and_takes_nothing_unstamped(stand: Stand) -> None:
    milter = stand.milter
    assert milter.process is not None
    with stand.postfix.client("198.51.100.7") as client:
        client.docmd("MAIL", "FROM:<care@shop.example>")
        milter.process.kill()
        milter.process.wait()
        try:
            in_hand = hand_over(client, ["in-1@desk.example"], octets_of({"header": COPY}))
            later = stand.reply({"header": COPY})
        finally:
            milter.start()
    after = stand.reply({"header": COPY})
    assert [code for code, _ in (in_hand, later, after)] == [451, 451, 250]
    (got,) = arrived(stand.helpdesk, 1)
    assert stamps(got)[0] == "X-Ticket-Status: auto-closed"


def test_where_postfix_is_told_to_accept_without_us_mail_goes_on_unstamped(stand: Stand) -> None:
    stand.milter.stop()
    stand.postfix.set("milter_default_action", "accept")
    try:
        assert stand.reply({"header": COPY})[0] == 250
    finally:
        stand.postfix.set("milter_default_action", "tempfail")
        stand.milter.start()
    (got,) = arrived(stand.helpdesk, 1)
    assert stamps(got) == []


def test_from_inside_its_chroot_postfix_finds_the_socket_as_the_manual_says() -> None:
    main_cf = "smtpd_milters = unix:/helpdesk-relay/milter.sock\nmilter_default_action = tempfail\n"
    with open_folder() as folder, Helpdesk().running() as helpdesk:
        postfix = Postfix(folder, helpdesk.port, main_cf, chroot=True)
        home = folder / "spool" / "helpdesk-relay"
        home.mkdir()
        shutil.chown(home, "root", "postfix")
        home.chmod(0o2750)
        milter = MilterProcess(folder, f"unix:{home}/milter.sock", "milter: {socket_group: postfix}\n")
        with milter.running(), postfix.running():
            swaks = [
                "swaks",
                "--server",
                "127.0.0.1",
                "--port",
                str(postfix.port),
                "--from",
                "care@shop.example",
            ]
            envelope = ["--to", "in-1@desk.example", "--h-To", "anna@mail.example"]
            subprocess.run([*swaks, *envelope], check=True, capture_output=True, timeout=60)
            (got,) = arrived(helpdesk, 1)
    assert stamps(got)[0] == "X-Ticket-Status: auto-closed"


def test_an_old_protocol_and_a_tcp_socket_do_the_same() -> None:
    port = free_port()
    with open_folder() as folder, Helpdesk().running() as helpdesk:
        milter = MilterProcess(folder, f"inet:127.0.0.1:{port}")
        main_cf = MAIN_CF.format(milter=f"inet:127.0.0.1:{port}") + "milter_protocol = 2\n"
        with milter.running(), Postfix(folder, helpdesk.port, main_cf).running() as postfix:
            stand = Stand(helpdesk, postfix, milter)
            began = time.monotonic()
            for case in SENT[:18]:
                got, told = stand.send(case)
                assert (told["verdict"], told["reason"]) == (case["verdict"], case["reason"])
                assert ("X-Ticket-Status: auto-closed" in stamps(got)) is (case["verdict"] == "auto-closed")
            got, _ = stand.send({"header": FORGED + COPY})
            assert without_own_received(got.octets).endswith(octets_of({"header": COPY}))
            assert len(stamps(got)) == 2
    assert time.monotonic() - began < 10

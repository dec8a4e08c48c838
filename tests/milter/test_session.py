"""The state machine: every packet in every state, and what a conversation comes to."""

import re
import struct
from itertools import product

import pytest

from relay.errors import PeerError
from relay.mail.envelope import HeaderState, Known, Source
from relay.milter import packets
from relay.milter.packets import Action, Command, Offer, Step
from relay.milter.session import TABLE, WANTED_STEPS, Session, State
from relay.milter.terms import Decision, LetThrough, Message, PutOff, Stamp, Terms
from tests.milter.mta import (
    BEGINNING,
    CRM_COPY,
    EVERYTHING,
    MESSAGE,
    VERSION_2,
    connect,
    envelope,
    fields,
    macros,
    offer,
    replies_in,
    said_as,
    say,
    texts,
)
from tests.samples import box

FORGED = re.compile(rb"x-ticket-status|x-ticket-reason|x-ticket-why")
BARE = Stamp()
STAMP = Stamp((("X-Ticket-Status", "auto-closed"), ("X-Ticket-Reason", "outbound-copy; id=4ABC")))

NEW, IDLE, ENVELOPE, CONTENT = State
NO = None
CELLS: dict[Command, tuple[State | None, State | None, State | None, State | None]] = {
    # the packet       after OPTNEG was never said, between messages, after MAIL, inside the content
    Command.OPTNEG: (IDLE, IDLE, NO, NO),
    Command.MACRO: (NO, IDLE, ENVELOPE, CONTENT),
    Command.CONNECT: (NO, IDLE, NO, NO),
    Command.HELO: (NO, IDLE, IDLE, IDLE),
    Command.MAIL: (NO, ENVELOPE, ENVELOPE, ENVELOPE),
    Command.RCPT: (NO, NO, ENVELOPE, NO),
    Command.DATA: (NO, NO, CONTENT, NO),
    Command.HEADER: (NO, NO, CONTENT, CONTENT),
    Command.EOH: (NO, NO, CONTENT, CONTENT),
    Command.BODY: (NO, NO, CONTENT, CONTENT),
    Command.BODYEOB: (NO, NO, IDLE, IDLE),
    Command.ABORT: (NO, IDLE, IDLE, IDLE),
    Command.QUIT: (NEW, IDLE, ENVELOPE, CONTENT),
    Command.QUIT_NC: (NO, IDLE, IDLE, IDLE),
    Command.UNKNOWN: (NO, IDLE, ENVELOPE, CONTENT),
}
WAY_TO = {
    NEW: b"",
    IDLE: BEGINNING,
    ENVELOPE: BEGINNING + envelope(),
    CONTENT: BEGINNING + envelope() + fields(CRM_COPY),
}
PAYLOADS = {
    Command.OPTNEG: struct.pack("!III", 6, 0x1FF, 0x1FFFFF),
    Command.MACRO: b"Mi\x004ABC\0",
    Command.CONNECT: b"client.example\x004\0\x19192.0.2.5\0",
    Command.MAIL: b"<care@shop.example>\0",
    Command.RCPT: b"<in-1@desk.example>\0",
    Command.HEADER: b"To\0 anna@mail.example\0",
}


class Desk:
    """Decides as it was told to, and keeps what it was asked."""

    def __init__(
        self, decision: Decision | Exception = STAMP, fallback: Decision = BARE, header_size: int = 1000
    ) -> None:
        self.decision = decision
        self.asked: list[Message] = []
        self.terms = Terms(self.decide, FORGED, fallback, header_size)

    def decide(self, message: Message) -> Decision:
        self.asked.append(message)
        if isinstance(self.decision, Exception):
            raise self.decision
        return self.decision

    def session(self, said: bytes = BEGINNING) -> Session:
        session = Session(lambda: self.terms)
        say(session, said)
        return session


def edits_in(octets: bytes) -> list[tuple[str, int, bytes]]:
    """What an answer asks for, as command, index and the rest."""
    *edits, final = replies_in(octets)
    assert final == (ord("a"), b"")
    return [(chr(command), int.from_bytes(payload[:4], "big"), payload[4:]) for command, payload in edits]


@pytest.mark.parametrize(("command", "state"), list(product(Command, State)), ids=lambda one: one.name)
def test_every_packet_in_every_state_does_what_the_table_says(command: Command, state: State) -> None:
    session = Desk().session(WAY_TO[state])
    assert session.state is state
    expected = CELLS[command][list(State).index(state)]
    packet = (command, PAYLOADS.get(command, b"words\0"))
    if expected is None:
        with pytest.raises(PeerError, match=f"{command.name} where {state.value}"):
            session.receive(packet, 0)
    else:
        session.receive(packet, 0)
        assert session.state is expected
    assert session.ended is (command is Command.QUIT)


def test_no_cell_is_left_out() -> None:
    assert {command for row in TABLE.values() for command in row} == set(Command) == set(CELLS)
    assert set(TABLE) == set(State)


@pytest.mark.parametrize("state", State)
def test_an_unknown_packet_is_the_end_of_its_connection_in_every_state(state: State) -> None:
    session = Desk().session(WAY_TO[state])
    with pytest.raises(PeerError, match="an unknown packet b'Z'"):
        session.receive((ord("Z"), b""), 0)


def test_we_ask_for_no_more_than_is_offered() -> None:
    session = Session(lambda: Desk().terms)
    for offered in (EVERYTHING, VERSION_2, Offer(4, 0x11, int(Step.NOBODY | Step.NR_HDR | Step.SKIP))):
        ((_, reply),) = replies_in(say(session, offer(offered)))
        answer = packets.read_offer(reply)
        assert answer.version == offered.version
        assert answer.actions & ~offered.actions == 0
        assert answer.steps == offered.steps & WANTED_STEPS
        assert answer.actions & Action.ADDHDRS
        assert answer.actions & Action.CHGHDRS


def test_of_a_newer_version_we_take_the_one_that_we_know() -> None:
    ((_, reply),) = replies_in(say(Session(lambda: Desk().terms), offer(Offer(7, 0x3FF, 0x7FFFFFFF))))
    assert packets.read_offer(reply) == Offer(6, 0x111, int(WANTED_STEPS))


def test_macros_are_asked_for_only_where_that_is_offered() -> None:
    ((_, reply),) = replies_in(say(Session(lambda: Desk().terms), offer(EVERYTHING)))
    assert reply[12:] == b"\0\0\0\2i {auth_authen}\0\0\0\0\3i {rcpt_mailer}\0\0\0\0\5i\0"
    ((_, reply),) = replies_in(say(Session(lambda: Desk().terms), offer(VERSION_2)))
    assert len(reply) == 12


@pytest.mark.parametrize(
    ("offered", "words"),
    [
        (Offer(1, 0x3F, 0x7F), "protocol version 1, which is too old"),
        (Offer(6, 0x10, 0), "header fields may not be changed"),
        (Offer(6, 0x01, 0), "header fields may not be changed"),
    ],
)
def test_with_an_mta_that_cannot_do_what_we_need_there_is_no_conversation(offered: Offer, words: str) -> None:
    with pytest.raises(PeerError, match=words):
        say(Session(lambda: Desk().terms), offer(offered))


def test_what_needs_no_reply_gets_none() -> None:
    session = Desk().session(offer(EVERYTHING))
    assert say(session, connect() + texts(Command.HELO, "c") + envelope() + fields(CRM_COPY)) == b""


def test_where_a_reply_is_wanted_every_packet_gets_one() -> None:
    session = Desk(LetThrough()).session(offer(Offer(2, 0x3F, 0)))
    said = (
        connect()
        + texts(Command.HELO, "c")
        + envelope()
        + fields(CRM_COPY)
        + said_as(Command.EOH)
        + said_as(Command.BODY, b"x")
    )
    assert say(session, said) == packets.CONTINUE * 8
    assert say(session, said_as(Command.BODYEOB)) == packets.ACCEPT
    said = (
        macros(Command.MAIL, i="1") + envelope() + said_as(Command.DATA) + said_as(Command.UNKNOWN, b"FOO\0")
    )
    assert say(session, said) == packets.CONTINUE * 4
    assert say(session, said_as(Command.ABORT) + said_as(Command.QUIT_NC) + said_as(Command.QUIT)) == b""


def test_the_stamp_goes_on_top_in_its_own_order() -> None:
    edits = edits_in(say(Desk().session(), MESSAGE))
    assert edits == [
        ("i", 0, b"X-Ticket-Reason\0 outbound-copy; id=4ABC\0"),
        ("i", 0, b"X-Ticket-Status\0 auto-closed\0"),
    ]


def test_without_leading_blanks_agreed_on_the_mta_puts_its_own() -> None:
    session = Desk().session(offer(VERSION_2))
    *_, (_, status), (final, _) = replies_in(say(session, MESSAGE))
    assert (status, final) == (b"\0\0\0\0X-Ticket-Status\0auto-closed\0", ord("a"))


def test_forged_fields_are_deleted_by_name_and_index_the_last_first() -> None:
    rows = [
        (b"X-Ticket-Status", b" a"),
        (b"Subject", b" x"),
        (b"x-ticket-why", b" b"),
        (b"X-TICKET-STATUS", b"\n folded"),
        (b"X-Ticket-Status ", b" c"),
    ]
    edits = edits_in(say(Desk(Stamp()).session(), envelope() + fields(rows) + said_as(Command.BODYEOB)))
    assert edits == [
        ("m", 3, b"X-Ticket-Status \0\0"),
        ("m", 2, b"X-TICKET-STATUS\0\0"),
        ("m", 1, b"x-ticket-why\0\0"),
        ("m", 1, b"X-Ticket-Status\0\0"),
    ]


def test_what_is_let_through_is_not_touched_forged_fields_or_not() -> None:
    said = envelope() + fields([(b"X-Ticket-Status", b" a")]) + said_as(Command.BODYEOB)
    assert say(Desk(LetThrough()).session(), said) == packets.ACCEPT


def test_what_is_put_off_is_a_temporary_failure() -> None:
    assert say(Desk(PutOff()).session(), MESSAGE) == packets.TEMPFAIL


def test_a_message_is_what_the_mta_told_of_it() -> None:
    desk = Desk()
    session = desk.session()
    say(session, macros(Command.MAIL, auth_type="PLAIN", auth_authen="desk"))
    say(session, texts(Command.MAIL, "<Care@Shop.example>", "SIZE=77", "BODY=8BITMIME", "SMTPUTF8"), now=5.0)
    say(session, texts(Command.RCPT, "<IN-1@desk.example>", "NOTIFY=NEVER"))
    say(
        session,
        fields(CRM_COPY) + macros(Command.EOH, i="4ABC") + macros(Command.BODYEOB) + said_as(Command.BODYEOB),
        now=9.0,
    )
    (message,) = desk.asked
    assert (message.queue_id, message.began) == ("4ABC", 5.0)
    assert (str(message.client.address), message.client.helo, message.client.user) == (
        "198.51.100.7",
        "client.example",
        "desk",
    )
    assert (message.reverse_path.text, message.reverse_path.size, message.reverse_path.smtputf8) == (
        "Care@Shop.example",
        77,
        True,
    )
    assert message.forward_paths == message.accepted == (box("in-1@desk.example"),)
    assert message.head == b"From: care@shop.example\r\nTo: anna@mail.example\r\n\r\n"
    assert message.known == Known(Source.GIVEN, Source.GIVEN, HeaderState.COMPLETE)


@pytest.mark.parametrize(
    "stage", [Command.MAIL, Command.RCPT, Command.DATA, Command.HEADER, Command.EOH, Command.BODYEOB]
)
def test_the_queue_id_may_come_with_any_step_of_the_message(stage: Command) -> None:
    desk = Desk()
    said = (
        texts(Command.MAIL, "<>")
        + texts(Command.RCPT, "<in-1@desk.example>")
        + fields(CRM_COPY)
        + said_as(Command.BODYEOB)
    )
    at = said.index(said_as(Command.BODYEOB)) if stage not in (Command.MAIL, Command.RCPT) else 0
    if stage is Command.RCPT:
        at = said.index(texts(Command.RCPT, "<in-1@desk.example>"))
    say(desk.session(), said[:at] + macros(stage, i="LATE") + said[at:])
    assert [message.queue_id for message in desk.asked] == ["LATE"]


def test_the_queue_id_and_the_user_of_one_message_are_not_those_of_the_next() -> None:
    desk = Desk()
    session = desk.session()
    say(session, macros(Command.MAIL, i="1", auth_authen="desk") + MESSAGE)
    say(session, envelope() + fields(CRM_COPY) + said_as(Command.BODYEOB))
    say(session, macros(Command.MAIL, i="3", auth_authen="desk") + envelope() + said_as(Command.ABORT))
    say(session, envelope() + fields(CRM_COPY) + said_as(Command.BODYEOB))
    assert [(message.queue_id, message.client.user) for message in desk.asked] == [
        ("4ABC", "desk"),
        ("", None),
        ("", None),
    ]


def test_a_forward_path_that_the_mta_refused_is_evidence_but_gets_nothing() -> None:
    desk = Desk()
    session = desk.session()
    say(
        session,
        texts(Command.MAIL, "<>")
        + macros(Command.RCPT, rcpt_mailer="error")
        + texts(Command.RCPT, "<care@shop.example>"),
    )
    say(session, macros(Command.RCPT, rcpt_mailer="smtp") + texts(Command.RCPT, "<in-1@desk.example>"))
    say(session, texts(Command.RCPT, "not an address") + fields(CRM_COPY) + said_as(Command.BODYEOB))
    (message,) = desk.asked
    assert message.forward_paths == (box("care@shop.example"), box("in-1@desk.example"))
    assert message.accepted == (box("in-1@desk.example"),)


def test_abort_ends_the_message_and_keeps_the_client() -> None:
    desk = Desk()
    session = desk.session()
    say(session, envelope(rcpt_to=["care@shop.example"]) + fields(CRM_COPY) + said_as(Command.ABORT))
    assert not session.busy
    say(session, MESSAGE)
    (message,) = desk.asked
    assert message.forward_paths == (box("in-1@desk.example"),)
    assert str(message.client.address) == "198.51.100.7"


def test_quit_nc_keeps_the_connection_and_forgets_the_client() -> None:
    desk = Desk()
    session = desk.session()
    say(
        session,
        said_as(Command.QUIT_NC) + MESSAGE + said_as(Command.QUIT_NC) + connect("192.0.2.9") + MESSAGE,
    )
    first, second = desk.asked
    assert (first.client.address, first.client.helo, first.known.client) == (None, "", Source.UNKNOWN)
    assert (str(second.client.address), second.known.client) == ("192.0.2.9", Source.GIVEN)


def test_a_message_is_handled_by_the_terms_that_were_in_force_at_its_mail() -> None:
    before, after = Desk(PutOff()), Desk(LetThrough())
    terms = [before.terms, after.terms]
    session = Session(lambda: terms.pop(0))
    say(session, BEGINNING)
    assert say(session, MESSAGE) == packets.TEMPFAIL
    assert say(session, MESSAGE) == packets.ACCEPT


@pytest.mark.parametrize(
    ("fallback", "answer"),
    [(Stamp(), packets.delheader(b"X-Ticket-Why", 1) + packets.ACCEPT), (PutOff(), packets.TEMPFAIL)],
)
def test_a_bug_where_it_is_decided_is_answered_by_the_fallback(fallback: Decision, answer: bytes) -> None:
    desk = Desk(ZeroDivisionError(), fallback)
    session = desk.session()
    say(session, envelope() + fields([(b"X-Ticket-Why", b" x")]))
    end = (Command.BODYEOB, b"")
    with pytest.raises(ZeroDivisionError):
        session.receive(end, 0)
    assert session.failed(end) == answer


def test_a_bug_elsewhere_is_not_answered_for_the_mta_may_not_be_waiting() -> None:
    session = Desk().session()
    say(session, envelope())
    assert session.failed((Command.HEADER, b"")) == b""
    assert Desk().session().failed((Command.BODYEOB, b"")) == b""


def test_macros_without_end_are_refused() -> None:
    with pytest.raises(PeerError, match="octets of macros"):
        say(Desk().session(), said_as(Command.MACRO, b"M" + bytes(70_000)))


def test_macros_before_packets_that_there_are_not_are_not_kept() -> None:
    desk = Desk()
    say(desk.session(), envelope() + fields(CRM_COPY) + macros(ord("Z"), i="NO") + said_as(Command.BODYEOB))
    assert desk.asked[0].queue_id == ""


def test_what_could_end_a_line_early_does_not_leave_in_a_stamp() -> None:
    (first, *_) = edits_in(say(Desk(Stamp((("X-A", "b\r\nBcc: c\0\xe4"),))).session(), MESSAGE))
    assert first == ("i", 0, b"X-A\0 b??Bcc: c??\0")

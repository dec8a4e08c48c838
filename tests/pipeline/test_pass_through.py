"""The story of a message in pass-through, with a scripted next hop in place of a real one."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from itertools import count

import pytest

from relay.channels import Channel, ChannelBook, Networks
from relay.delivery.faults import (
    AllBusyError,
    DroppedError,
    NoConnectionError,
    StaleConnectionError,
    UnknownOutcomeError,
)
from relay.delivery.route import Hop, Routes
from relay.errors import PeerError
from relay.events import Fault, HopTrouble, TransactionEnded
from relay.mail.address import parse_mailbox
from relay.mail.content import HeldContent
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.hop import parse_hop
from relay.mail.reply import Reply
from relay.pipeline import Means, PassThrough, Plan, message, pass_through
from relay.stamp import stamp_rules

DESK = parse_hop("smtp://desk.example")
BILLING_DESK = parse_hop("smtp://billing.example")
WORLD = parse_hop("smtp://out.example")
LMTP = parse_hop("lmtp://desk.example")
OK = Reply(250, "2.1.5", "Ok")
TAKEN = Reply(250, "2.0.0", "Taken as 4711")
COPY = b"From: support@company.com\r\nTo: anna@customer.example\r\nBcc: bob@customer.example\r\n\r\nBody\r\n"


class Exchange:
    """A next hop that answers as it is told and remembers what it was asked."""

    def __init__(self) -> None:
        self.said: list[object] = []
        self.answers: dict[str, Reply] = {}
        self.faults: dict[str, Exception] = {}
        self.final: Reply = TAKEN
        self.content = b""
        self.mail: Reply = OK

    def _fault(self, step: str) -> None:
        if step in self.faults:
            raise self.faults.pop(step)

    async def envelope(
        self, reverse_path: ReversePath, forward_paths: Sequence[ForwardPath], client: Client | None = None
    ) -> tuple[Reply, tuple[Reply, ...]]:
        self._fault("envelope")
        self.said.append(("MAIL", reverse_path.text, [path.text for path in forward_paths], client))
        self.size = reverse_path.size
        if not self.mail.positive:
            return self.mail, (self.mail,) * len(forward_paths)
        return self.mail, tuple(self.answers.get(path.text, OK) for path in forward_paths)

    async def rcpt(self, forward_path: ForwardPath) -> Reply:
        self._fault("rcpt")
        self.said.append(("RCPT", forward_path.text))
        return self.answers.get(forward_path.text, OK)

    async def data(self, chunks: Iterable[bytes]) -> tuple[Reply, ...]:
        self._fault("data")
        self.content = b"".join(chunks)
        return (self.final,)


class Hops:
    """Hands out one exchange a hop, and counts."""

    def __init__(self) -> None:
        self.exchanges: dict[Hop, Exchange] = {}
        self.acquired: list[tuple[Hop, bool]] = []
        self.out = 0
        self.fault: Exception | None = None

    async def acquire(self, hop: Hop, patience: float | None, *, fresh: bool = False) -> Exchange:
        if self.fault is not None:
            raise self.fault
        self.acquired.append((hop, fresh))
        self.out += 1
        return self.exchanges.setdefault(hop, Exchange())

    def release(self, exchange: object) -> None:
        self.out -= 1


def path(text: str) -> ForwardPath:
    mailbox = parse_mailbox(text)
    assert mailbox is not None
    return ForwardPath(text, mailbox)


def channel(name: str, address: str, *inbound: str) -> Channel:
    return Channel(name, path(address).mailbox, inbound=tuple(path(text).mailbox for text in inbound))


BOOK = ChannelBook(
    [
        channel("support", "support@company.com", "in@relay.example"),
        channel("billing", "billing@company.com"),
    ],
    domains=["desk.example"],
    trusted_trace=Networks(),
)


class Relay:
    """A pipeline around a scripted hop."""

    def __init__(self, helpdesk: Hop = DESK, *, may_relay: bool = False, header_size: int = 0) -> None:
        self.hops = Hops()
        self.events: list[object] = []
        numbers = count(1)
        self.means = Means(
            hops=self.hops,
            observe=self.events.append,
            new_queue_id=lambda: f"Q{next(numbers)}",
            now=lambda: datetime(2026, 1, 5, 10, 0, tzinfo=UTC),
            monotonic=lambda: 0.0,
        )
        self.plan = Plan(
            routes=Routes(
                BOOK, helpdesk, "relay.example", by_channel={"billing": BILLING_DESK}, elsewhere=WORLD
            ),
            stamp=stamp_rules(),
            hostname="relay.example",
            header_size=header_size,
            patience=1.0,
            tell_client=True,
            may_relay=lambda client: may_relay,
        )
        self.client = Client(ip_address("198.51.100.7"), helo="crm.example")

    def begin(self, reverse_path: ReversePath | None = None) -> PassThrough:
        return PassThrough(
            self.plan, self.means, self.client, reverse_path or ReversePath("bounce@crm.example")
        )

    @property
    def desk(self) -> Exchange:
        return self.hops.exchanges[DESK]

    def ended(self) -> TransactionEnded:
        (event,) = [event for event in self.events if isinstance(event, TransactionEnded)]
        return event


@pytest.fixture
def relay() -> Relay:
    return Relay()


async def test_an_outbound_copy_reaches_the_helpdesk_with_the_stamp_on_top_and_our_received_below(
    relay: Relay,
):
    transaction = relay.begin()
    assert await transaction.rcpt(path("in@relay.example")) == OK
    assert await transaction.content(HeldContent(COPY)) == TAKEN
    head, sep, rest = relay.desk.content.partition(b"From: ")
    assert head.splitlines() == [
        b"X-Ticket-Status: auto-closed",
        b"X-Ticket-Reason: outbound-copy; channel=support; id=Q1",
        b"Received: from crm.example ([198.51.100.7])",
        b"\tby relay.example with ESMTP id Q1;",
        b"\tMon, 5 Jan 2026 10:00:00 +0000",
    ]
    assert sep + rest == COPY
    assert relay.hops.out == 0


async def test_mail_for_the_channel_itself_stays_open_even_when_its_rcpt_was_refused(relay: Relay):
    transaction = relay.begin()
    await transaction.rcpt(path("in@relay.example"))
    relay.desk.answers["support@company.com"] = Reply(550, "5.1.1", "Unknown")
    assert (await transaction.rcpt(path("support@company.com"))).code == 550
    await transaction.content(HeldContent(COPY))
    assert relay.ended().verdict.reason.value == "self-addressed"
    assert b"X-Ticket-Status" not in relay.desk.content


async def test_a_forward_path_that_the_session_refused_is_evidence_too(relay: Relay):
    transaction = relay.begin()
    await transaction.rcpt(path("in@relay.example"))
    transaction.note(path("support@company.com"))
    await transaction.content(HeldContent(COPY))
    assert relay.ended().verdict.reason.value == "self-addressed"


async def test_every_rcpt_gets_the_hops_own_answer(relay: Relay):
    transaction = relay.begin()
    await transaction.rcpt(path("a@desk.example"))
    relay.desk.answers["b@desk.example"] = Reply(452, "4.2.2", "Mailbox full")
    assert await transaction.rcpt(path("b@desk.example")) == Reply(452, "4.2.2", "Mailbox full")
    assert [said[0] for said in relay.desk.said] == ["MAIL", "RCPT"]


async def test_a_stranger_cannot_relay_and_no_hop_hears_of_it(relay: Relay):
    reply = await relay.begin().rcpt(path("anna@customer.example"))
    assert (reply.code, reply.enhanced) == (550, "5.7.1")
    assert relay.hops.acquired == []


async def test_who_may_relay_reaches_elsewhere_without_stamp_and_without_bcc():
    relay = Relay(may_relay=True)
    transaction = relay.begin()
    await transaction.rcpt(path("anna@customer.example"))
    await transaction.content(HeldContent(b"X-Ticket-Status: auto-closed\r\n" + COPY))
    content = relay.hops.exchanges[WORLD].content
    assert b"X-Ticket" not in content
    assert b"Bcc" not in content
    assert content.startswith(b"Received: ")
    assert relay.ended().verdict is None


@pytest.mark.parametrize("other", ["billing@company.com", "anna@customer.example"])
async def test_a_forward_path_with_another_hop_is_deferred_and_still_counts(other: str):
    relay = Relay(may_relay=True)
    transaction = relay.begin()
    await transaction.rcpt(path("in@relay.example"))
    assert (await transaction.rcpt(path(other))).code == 452
    await transaction.content(HeldContent(COPY))
    assert other in [str(seen.mailbox) for seen in relay.ended().verdict.recipients]


async def test_a_channel_with_a_hop_of_its_own_is_reached_there(relay: Relay):
    await relay.begin().rcpt(path("billing@company.com"))
    assert relay.hops.acquired == [(BILLING_DESK, False)]


async def test_an_lmtp_hop_takes_one_forward_path_a_transaction():
    relay = Relay(LMTP)
    transaction = relay.begin()
    await transaction.rcpt(path("a@desk.example"))
    assert (await transaction.rcpt(path("b@desk.example"))).code == 452


async def test_a_refused_mail_is_the_answer_to_rcpt(relay: Relay):
    relay.hops.exchanges[DESK] = Exchange()
    relay.desk.mail = Reply(550, "5.7.1", "We do not like you")
    assert (await relay.begin().rcpt(path("in@relay.example"))).text == "We do not like you"
    assert relay.hops.out == 0


@pytest.mark.parametrize(
    ("fault", "code", "enhanced"),
    [
        (NoConnectionError("no route"), 451, "4.4.1"),
        (AllBusyError("all busy"), 451, "4.4.5"),
        (DroppedError("gone"), 451, "4.4.2"),
        (PeerError("rubbish"), 451, "4.4.2"),
    ],
)
@pytest.mark.parametrize("step", ["envelope", "rcpt", "data"])
async def test_whatever_the_hop_breaks_is_a_temporary_answer(
    relay: Relay, step: str, fault: Exception, code: int, enhanced: str
):
    relay.hops.exchanges[DESK] = Exchange()
    transaction = relay.begin()
    if step == "envelope":
        relay.desk.faults[step] = fault
        reply = await transaction.rcpt(path("in@relay.example"))
    else:
        await transaction.rcpt(path("in@relay.example"))
        relay.desk.faults[step] = fault
        if step == "rcpt":
            reply = await transaction.rcpt(path("a@desk.example"))
        else:
            reply = await transaction.content(HeldContent(COPY))
    assert (reply.code, reply.enhanced) == (code, enhanced)
    assert [event.next_hop for event in relay.events if isinstance(event, HopTrouble)] == [
        "smtp://desk.example:25"
    ]
    await transaction.abandon()
    assert relay.hops.out == 0


async def test_silence_after_the_final_dot_is_a_temporary_answer(relay: Relay):
    transaction = relay.begin()
    await transaction.rcpt(path("in@relay.example"))
    relay.desk.faults["data"] = UnknownOutcomeError("silence", (None,))
    assert await transaction.content(HeldContent(COPY)) == pass_through.NOT_CONFIRMED


async def test_a_kept_connection_that_is_gone_is_replaced_by_a_fresh_one(relay: Relay):
    relay.hops.exchanges[DESK] = Exchange()
    relay.desk.faults["envelope"] = StaleConnectionError("gone")
    assert (await relay.begin().rcpt(path("in@relay.example"))).positive
    assert relay.hops.acquired == [(DESK, False), (DESK, True)]


async def test_a_hop_that_takes_its_leave_with_421_does_not_end_the_clients_session(relay: Relay):
    transaction = relay.begin()
    await transaction.rcpt(path("in@relay.example"))
    relay.desk.final = Reply(421, "4.3.2", "Shutting down")
    assert (await transaction.content(HeldContent(COPY))).code == 451


async def test_a_slow_client_gives_the_connection_back_and_what_was_accepted_is_put_again(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pass_through, "HOLD_SECONDS", 0.01)
    transaction = relay.begin()
    await transaction.rcpt(path("in@relay.example"))
    await asyncio.sleep(0.05)
    assert relay.hops.out == 0
    await transaction.rcpt(path("a@desk.example"))
    await asyncio.sleep(0.05)
    assert await transaction.content(HeldContent(COPY)) == TAKEN
    assert [said[2] for said in relay.desk.said if said[0] == "MAIL"] == [
        ["in@relay.example"],
        ["in@relay.example", "a@desk.example"],
        ["in@relay.example", "a@desk.example"],
    ]


async def test_a_hop_that_takes_back_an_accepted_forward_path_defers_the_message(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pass_through, "HOLD_SECONDS", 0.01)
    transaction = relay.begin()
    await transaction.rcpt(path("in@relay.example"))
    await asyncio.sleep(0.05)
    relay.desk.answers["in@relay.example"] = Reply(550, "5.1.1", "Gone")
    assert (await transaction.content(HeldContent(COPY))).code == 451
    assert relay.desk.content == b""


async def test_a_client_that_falls_silent_after_a_refused_rcpt_gives_the_connection_back_too(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pass_through, "HOLD_SECONDS", 0.01)
    transaction = relay.begin()
    await transaction.rcpt(path("in@relay.example"))
    relay.desk.answers["a@desk.example"] = Reply(550, "5.1.1", "Nobody")
    assert (await transaction.rcpt(path("a@desk.example"))).code == 550
    await asyncio.sleep(0.05)
    assert relay.hops.out == 0
    assert await transaction.content(HeldContent(COPY)) == TAKEN


@pytest.mark.parametrize("refused", ["in@relay.example", "MAIL"])
async def test_a_hop_that_takes_back_an_accepted_forward_path_never_gets_the_message_for_the_others_alone(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, refused: str
):
    monkeypatch.setattr(pass_through, "HOLD_SECONDS", 0.01)
    transaction = relay.begin()
    await transaction.rcpt(path("in@relay.example"))
    await asyncio.sleep(0.05)
    full = Reply(452, "4.2.2", "Full")
    if refused == "MAIL":
        relay.desk.mail = full
    else:
        relay.desk.answers[refused] = full
    assert (await transaction.rcpt(path("a@desk.example"))).temporary
    assert relay.hops.out == 0
    assert await transaction.content(HeldContent(COPY)) == pass_through.CHANGED_ITS_MIND
    assert relay.desk.content == b""


async def test_a_hop_that_takes_its_leave_at_a_rcpt_still_gets_the_message_for_the_others(relay: Relay):
    transaction = relay.begin()
    await transaction.rcpt(path("in@relay.example"))
    relay.desk.answers["a@desk.example"] = Reply(421, "4.3.2", "Shutting down")
    assert (await transaction.rcpt(path("a@desk.example"))).code == 451
    assert relay.hops.out == 0
    assert await transaction.content(HeldContent(COPY)) == TAKEN
    assert relay.desk.said[-1][2] == ["in@relay.example"]


async def test_a_content_that_cannot_be_read_gives_the_connection_back(relay: Relay):
    class Damaged(HeldContent):
        def chunks_from(self, offset: int) -> Iterator[bytes]:
            raise OSError(5, "Input/output error")

    transaction = relay.begin()
    await transaction.rcpt(path("in@relay.example"))
    with pytest.raises(OSError, match="Input"):
        await transaction.content(Damaged(COPY, 10))
    assert relay.hops.out == 0


async def test_abandoning_gives_the_connection_back(relay: Relay):
    transaction = relay.begin()
    await transaction.rcpt(path("in@relay.example"))
    assert relay.hops.out == 1
    await transaction.abandon()
    assert relay.hops.out == 0


async def test_the_declared_size_grows_by_what_we_prepend(relay: Relay):
    await relay.begin(ReversePath("a@b.example", size=1000)).rcpt(path("in@relay.example"))
    assert relay.desk.size == 1000 + message.PREPENDED_AT_MOST


async def test_the_client_is_told_to_the_hop_only_where_that_is_wanted(relay: Relay):
    await relay.begin().rcpt(path("in@relay.example"))
    assert relay.desk.said[0][3] == relay.client


async def test_a_bug_while_judging_opens_the_ticket_and_is_reported(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
):
    class Trap(ChannelBook):
        def recipients_of(self, view):
            if view.unreadable is None:
                raise ZeroDivisionError
            return super().recipients_of(view)

    book = Trap(BOOK.channels)
    relay.plan = Plan(
        Routes(book, DESK, "relay.example"),
        stamp_rules(),
        "relay.example",
        0,
        1.0,
        True,
        lambda client: False,
    )
    transaction = relay.begin()
    await transaction.rcpt(path("in@relay.example"))
    assert await transaction.content(HeldContent(COPY)) == TAKEN
    assert relay.ended().verdict.reason.value == "unreadable"
    assert [type(event.error) for event in relay.events if isinstance(event, Fault)] == [ZeroDivisionError]
    assert b"X-Ticket-Status" not in relay.desk.content


async def test_forged_stamps_are_removed_from_a_header_section_that_is_too_large_to_judge():
    relay = Relay(header_size=1000)
    transaction = relay.begin()
    await transaction.rcpt(path("in@relay.example"))
    padding = b"X-Padding: " + b"x" * 5000 + b"\r\n"
    octets = padding + b"x-ticket-STATUS : auto-closed\r\n folded\r\n" + COPY
    assert await transaction.content(HeldContent(octets, 1000)) == TAKEN
    assert relay.ended().verdict.reason.value == "unreadable"
    assert relay.desk.content.endswith(padding + COPY)
    assert b"auto-closed" not in relay.desk.content


@pytest.mark.parametrize(
    "address", ["postmaster@company.com", "postmaster@relay.example", "PostMaster@desk.example"]
)
async def test_postmaster_of_every_domain_we_serve_reaches_the_helpdesk(relay: Relay, address: str):
    assert (await relay.begin().rcpt(path(address))).positive


async def test_postmaster_of_another_domain_is_a_stranger(relay: Relay):
    assert (await relay.begin().rcpt(path("postmaster@customer.example"))).code == 550


async def test_a_header_section_that_intake_cut_is_never_judged_by_its_beginning(relay: Relay):
    """The limit of the session may be another one than that of the book in force."""
    transaction = relay.begin()
    await transaction.rcpt(path("in@relay.example"))
    await transaction.content(
        HeldContent(
            COPY.replace(b"Bcc:", b"X-Pad: %b\r\nCc: support@company.com\r\nBcc:" % (b"x" * 500)), 100
        )
    )
    assert relay.ended().verdict.reason.value == "unreadable"

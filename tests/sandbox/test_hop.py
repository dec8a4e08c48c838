import datetime as dt

import pytest

from relay.errors import LocalProtocolError
from relay.mail.address import Mailbox
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.sandbox.hop import SandboxHop
from relay.sandbox.inbox import OCTETS_KEPT, SandboxInbox

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
ANN, BOB = (ForwardPath(f"{name}@desk.example", Mailbox(name, "desk.example")) for name in ("ann", "bob"))


@pytest.fixture
def hop() -> SandboxHop:
    return SandboxHop(SandboxInbox(), lambda: NOON)


async def test_every_forward_path_is_accepted_and_the_message_is_kept(hop: SandboxHop) -> None:
    exchange = hop.acquire()
    mail, rcpt = await exchange.mail_and_rcpt(ReversePath(""), ANN, Client())
    assert (mail.code, rcpt.code, (await exchange.rcpt(BOB)).code) == (250, 250, 250)
    replies = await exchange.data([b"Subject: x\r\n", b"\r\nbody\r\n"])
    assert [str(reply) for reply in replies] == ["250 2.0.0 Kept in the sandbox as message 1"] * 2
    (message,) = hop.inbox.messages()
    assert (message.reverse_path, message.forward_paths) == ("", ("ann@desk.example", "bob@desk.example"))
    assert (message.received_at, message.subject, message.octets) == (
        NOON,
        "x",
        b"Subject: x\r\n\r\nbody\r\n",
    )


async def test_a_large_message_is_counted_whole_and_kept_in_part(hop: SandboxHop) -> None:
    exchange = hop.acquire()
    await exchange.envelope(ReversePath("a@b.example"), (ANN,))
    await exchange.data(b"x" * 10_000 for _ in range(100))
    (message,) = hop.inbox.messages()
    assert (message.size, len(message.octets)) == (1_000_000, OCTETS_KEPT)


async def test_a_transaction_that_is_left_keeps_nothing(hop: SandboxHop) -> None:
    exchange = hop.acquire()
    await exchange.mail_and_rcpt(ReversePath(""), ANN)
    await exchange.rset()
    with pytest.raises(LocalProtocolError):
        await exchange.rcpt(ANN)
    with pytest.raises(LocalProtocolError):
        await exchange.data([b""])
    await exchange.mail_and_rcpt(ReversePath(""), ANN)
    hop.release(exchange)
    assert len(hop.inbox) == 0


async def test_exchanges_do_not_disturb_each_other(hop: SandboxHop) -> None:
    one, two = hop.acquire(), hop.acquire()
    await one.mail_and_rcpt(ReversePath("one@x.example"), ANN)
    await two.mail_and_rcpt(ReversePath("two@x.example"), BOB)
    await one.data([b"\r\n"])
    await two.data([b"\r\n"])
    assert [message.reverse_path for message in hop.inbox.messages()] == ["two@x.example", "one@x.example"]

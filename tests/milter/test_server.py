"""Connections of MTAs: what one does wrong ends it and no other."""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from relay.errors import BadSettingsError, UnavailableError
from relay.milter import packets
from relay.milter.packets import Command
from relay.milter.server import Milter
from relay.milter.terms import (
    Decision,
    LetThrough,
    MilterCut,
    MilterEvent,
    MilterFaulted,
    MilterLimits,
    MilterListener,
    MilterRefused,
    PutOff,
    Stamp,
)
from tests.milter.mta import BEGINNING, CRM_COPY, EVERYTHING, MESSAGE, envelope, fields, offer, said_as
from tests.milter.test_session import BARE, STAMP, Desk

INSERTIONS = [b"X-Ticket-Reason", b"X-Ticket-Status"]


class Mta:
    """One connection to a milter."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, milter: Milter) -> "Mta":
        return cls(*await asyncio.open_connection(*milter.addresses[0]))

    async def say(self, octets: bytes) -> None:
        self.writer.write(octets)
        await self.writer.drain()

    async def hears(self) -> tuple[bytes, bytes]:
        (length,) = struct.unpack("!I", await asyncio.wait_for(self.reader.readexactly(4), 5))
        reply = await self.reader.readexactly(length)
        return reply[:1], reply[1:]

    async def is_stamped(self) -> bool:
        names = []
        while (heard := await self.hears())[0] == b"i":
            names.append(heard[1][4:].split(b"\0")[0])
        assert heard[0] == b"a"
        return names == INSERTIONS

    async def is_cut_off(self) -> bool:
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.read(), 5) == b""
        return True

    def close(self) -> None:
        self.writer.close()

    async def gone(self) -> None:
        self.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


class Opened:
    """A milter on a free port, with what it reported."""

    def __init__(
        self,
        decision: Decision | Exception = STAMP,
        fallback: Decision = BARE,
        limits: MilterLimits | None = None,
    ) -> None:
        self.desk = Desk(decision, fallback)
        self.events: list[MilterEvent] = []
        self.milter = Milter(self.desk.terms, self.events.append, limits)
        self._mtas: list[Mta] = []

    async def mta(self) -> Mta:
        self._mtas.append(await Mta.to(self.milter))
        return self._mtas[-1]

    async def end(self) -> None:
        for mta in self._mtas:
            await mta.gone()
        await self.milter.stop(0)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


Open = Callable[..., Awaitable[Opened]]
TCP = MilterListener("127.0.0.1", 0)


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    all_opened: list[Opened] = []

    async def open_one(*arguments: object, **keys: object) -> Opened:
        one = Opened(*arguments, **keys)  # type: ignore[arg-type]
        await one.milter.listen([TCP])
        all_opened.append(one)
        return one

    yield open_one
    for one in all_opened:
        await one.end()


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError


async def test_a_message_octet_by_octet_is_answered_as_at_once(opened: Open) -> None:
    one = await opened()
    mta = await one.mta()
    for octet in BEGINNING + MESSAGE:
        await mta.say(bytes((octet,)))
    assert (await mta.hears())[0] == b"O"
    assert await mta.is_stamped()


async def test_several_messages_come_on_one_connection(opened: Open) -> None:
    one = await opened()
    mta = await one.mta()
    await mta.say(
        BEGINNING
        + MESSAGE
        + envelope()
        + said_as(Command.ABORT)
        + MESSAGE
        + said_as(Command.QUIT_NC)
        + MESSAGE
    )
    assert (await mta.hears())[0] == b"O"
    assert [await mta.is_stamped() for _ in range(3)] == [True] * 3
    await mta.say(said_as(Command.QUIT))
    assert await mta.is_cut_off()
    assert (len(one.desk.asked), one.events) == (3, [])


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (said_as(ord("Z")), "an unknown packet b'Z'"),
        (said_as(Command.RCPT, b"<a@b>\0"), "RCPT where between mail transactions"),
        (struct.pack("!I", packets.LARGEST_PACKET + 1), f"a packet of {packets.LARGEST_PACKET + 1} octets"),
        (struct.pack("!I", 0), "a packet of 0 octets"),
        (b"GET / HTTP/1.1\r\n\r\n", f"a packet of {int.from_bytes(b'GET ', 'big')} octets"),
        (said_as(Command.CONNECT, b"x"), "a connect without a family"),
    ],
    ids=["unknown", "out-of-place", "too-large", "empty", "http", "malformed"],
)
async def test_whoever_breaks_the_protocol_is_cut_off_and_nobody_else(
    opened: Open, said: bytes, words: str
) -> None:
    one = await opened()
    good, bad = await one.mta(), await one.mta()
    await good.say(BEGINNING + envelope())
    await bad.say(BEGINNING)
    await bad.hears()
    await bad.say(said)
    assert await bad.is_cut_off()
    assert [event.words for event in one.events if isinstance(event, MilterCut)] == [words]
    await good.say(fields(CRM_COPY) + said_as(Command.BODYEOB))
    assert (await good.hears())[0] == b"O"
    assert await good.is_stamped()


async def test_a_packet_of_the_largest_size_is_taken(opened: Open) -> None:
    one = await opened()
    mta = await one.mta()
    await mta.say(
        BEGINNING
        + envelope()
        + said_as(Command.BODY, bytes(packets.LARGEST_PACKET - 1))
        + said_as(Command.BODYEOB)
    )
    assert (await mta.hears())[0] == b"O"
    assert (await mta.hears())[0] == b"c"
    assert await mta.is_stamped()


async def test_a_packet_must_come_to_its_end_in_time_however_it_dribbles(opened: Open) -> None:
    one = await opened(limits=MilterLimits(packet_timeout=60, idle_timeout=7210))
    mta = await one.mta()
    await mta.say(BEGINNING)
    await mta.hears()
    (connection,) = one.milter.connections
    connection.look(time.monotonic() + 7000)
    await mta.say(b"\0\0")
    await asyncio.sleep(0.05)
    await mta.say(b"\0")
    await asyncio.sleep(0.05)
    connection.look(time.monotonic() + 59)
    assert one.events == []
    connection.look(time.monotonic() + 61)
    assert await mta.is_cut_off()
    (cut,) = one.events
    assert cut.words == "a packet did not come to its end within 60 seconds"


async def test_an_mta_that_says_nothing_for_hours_is_cut_off(opened: Open) -> None:
    one = await opened(limits=MilterLimits(idle_timeout=100))
    mta = await one.mta()
    await until(lambda: bool(one.milter.connections))
    (connection,) = one.milter.connections
    connection.look(time.monotonic() + 99)
    assert one.events == []
    connection.look(time.monotonic() + 101)
    assert await mta.is_cut_off()
    assert [event.words for event in one.events] == ["nothing was heard for 100 seconds"]


async def test_the_slow_are_looked_for_all_the_time(opened: Open) -> None:
    one = await opened(limits=MilterLimits(idle_timeout=0.1))
    mta = await one.mta()
    assert await mta.is_cut_off()


async def test_no_limit_is_no_limit(opened: Open) -> None:
    one = await opened(limits=MilterLimits(connections=0, packet_timeout=0, idle_timeout=0))
    mta = await one.mta()
    await mta.say(b"\0")
    await until(lambda: bool(one.milter.connections))
    (connection,) = one.milter.connections
    connection.look(time.monotonic() + 1e9)
    await mta.say((BEGINNING + MESSAGE)[1:])
    assert (await mta.hears())[0] == b"O"
    assert await mta.is_stamped()


async def test_connections_over_the_limit_are_closed_at_once(opened: Open) -> None:
    one = await opened(limits=MilterLimits(connections=1))
    first = await one.mta()
    await first.say(BEGINNING)
    await first.hears()
    second = await one.mta()
    assert await second.is_cut_off()
    assert [type(event) for event in one.events] == [MilterRefused]
    first.close()
    await until(lambda: not one.milter.connections)
    third = await one.mta()
    await third.say(BEGINNING)
    assert (await third.hears())[0] == b"O"


@pytest.mark.parametrize(("fallback", "reply"), [(Stamp(), b"a"), (PutOff(), b"t")])
async def test_a_bug_of_ours_is_answered_as_the_settings_say_and_ends_one_connection(
    opened: Open, fallback: Decision, reply: bytes
) -> None:
    one = await opened(ZeroDivisionError("ours"), fallback)
    mta = await one.mta()
    await mta.say(BEGINNING + MESSAGE)
    assert (await mta.hears())[0] == b"O"
    assert await mta.hears() == (reply, b"")
    assert await mta.is_cut_off()
    (event,) = one.events
    assert isinstance(event, MilterFaulted)
    assert repr(event.error) == "ZeroDivisionError('ours')"


async def test_an_mta_that_goes_away_takes_nothing_with_it(opened: Open) -> None:
    one = await opened()
    mta = await one.mta()
    await mta.say(BEGINNING + envelope())
    await mta.hears()
    mta.writer.transport.abort()
    await until(lambda: not one.milter.connections)
    assert one.events == []


async def test_an_mta_that_does_not_read_is_not_read_either(opened: Open) -> None:
    one = await opened()
    mta = await one.mta()
    mta.reader._transport.pause_reading()  # type: ignore[attr-defined]
    await mta.say(offer(EVERYTHING))
    await until(lambda: bool(one.milter.connections))
    (connection,) = one.milter.connections
    connection.pause_writing()
    await mta.say(BEGINNING + MESSAGE)
    await asyncio.sleep(0.05)
    assert one.desk.asked == []
    connection.resume_writing()
    await until(lambda: len(one.desk.asked) == 1)


async def test_a_reload_is_for_messages_that_begin_after_it(opened: Open) -> None:
    one = await opened()
    mta = await one.mta()
    await mta.say(BEGINNING + envelope())
    assert (await mta.hears())[0] == b"O"
    await asyncio.sleep(0.05)
    after = Desk(LetThrough())
    one.milter.reload(after.terms)
    await mta.say(fields(CRM_COPY) + said_as(Command.BODYEOB))
    assert await mta.is_stamped()
    await mta.say(MESSAGE)
    assert await mta.hears() == (b"a", b"")
    assert len(after.asked) == 1


async def test_stopping_lets_messages_in_hand_finish_and_sends_the_idle_away(opened: Open) -> None:
    one = await opened()
    idle, busy = await one.mta(), await one.mta()
    await idle.say(BEGINNING)
    await idle.hears()
    await busy.say(BEGINNING + envelope())
    await busy.hears()
    await until(lambda: len(one.milter.connections) == 2)
    await asyncio.sleep(0.05)
    stopping = asyncio.create_task(one.milter.stop(10))
    assert await idle.is_cut_off()
    await busy.say(fields(CRM_COPY) + said_as(Command.BODYEOB))
    assert await busy.is_stamped()
    assert await busy.is_cut_off()
    await asyncio.wait_for(stopping, 5)


async def test_what_is_not_done_when_the_drain_is_over_is_cut(opened: Open) -> None:
    one = await opened()
    mta = await one.mta()
    await mta.say(BEGINNING + envelope())
    await mta.hears()
    await asyncio.sleep(0.05)
    await one.milter.stop(0.1)
    assert await mta.is_cut_off()


async def test_stopping_twice_and_stopping_what_never_listened_is_nothing() -> None:
    one = Opened()
    await one.milter.stop(5)
    await one.milter.stop(5)


async def test_what_is_acknowledged_late_would_stall_an_mta_so_it_is_acknowledged_at_once(
    opened: Open,
) -> None:
    one = await opened()
    plain = await asyncio.to_thread(_message_seconds, one.milter.addresses[0])
    assert plain < 0.6, "twenty messages in packets of their own, with Nagle's algorithm on as MTAs have it"


def _message_seconds(address: tuple[str, int]) -> float:
    with socket.create_connection(address) as mta:
        mta.sendall(BEGINNING)
        mta.recv(1000)
        began = time.monotonic()
        for _ in range(20):
            for piece in (envelope(), fields(CRM_COPY[:1]), fields(CRM_COPY[1:]), said_as(Command.BODYEOB)):
                mta.send(piece)
            heard = b""
            while not heard.endswith(packets.ACCEPT):
                heard += mta.recv(1000)
        return time.monotonic() - began


async def test_a_port_in_use_is_said_in_one_sentence_and_nothing_changes(opened: Open) -> None:
    one, other = await opened(), Opened()
    port = one.milter.addresses[0][1]
    with pytest.raises(UnavailableError, match=rf"inet:127.0.0.1:{port} is in use by another program"):
        await other.milter.listen([TCP, MilterListener("127.0.0.1", port)])
    assert other.milter.addresses == ()
    await other.milter.stop(0)


@pytest.mark.parametrize(
    "listener", [MilterListener("192.0.2.1", 8891), MilterListener("127.0.0.1", 99999)], ids=str
)
async def test_an_address_that_is_not_this_machines_is_bad_settings(listener: MilterListener) -> None:
    with pytest.raises(BadSettingsError, match="no address that this machine can listen on"):
        await Opened().milter.listen([listener])


async def test_listening_again_keeps_what_is_open_and_closes_what_is_not_wanted(tmp_path: Path) -> None:
    one = Opened()
    first, second = (MilterListener(path=str(tmp_path / name)) for name in "ab")
    await one.milter.listen([first])
    kept = (tmp_path / "a").stat().st_ino
    await one.milter.listen([first, second])
    assert (tmp_path / "a").stat().st_ino == kept
    await one.milter.listen([second])
    assert names(tmp_path) == ["b"]
    await one.milter.stop(0)
    assert names(tmp_path) == []

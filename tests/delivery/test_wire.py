import asyncio
import time

import pytest

from relay.delivery.faults import DroppedError
from relay.delivery.wire import Wire
from relay.errors import PeerError
from tests.delivery.scripted import ScriptedHop


async def wired(hop: ScriptedHop) -> Wire:
    """A wire behind the greeting."""
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", hop.port)
    wire = Wire(transport)
    wire.send(b"", 1)
    assert (await wire.reply(5)).code == 220
    return wire


async def test_a_hop_that_takes_nothing_more_is_cut_off_when_we_close() -> None:
    async with ScriptedHop(deaf=True) as hop:
        wire = await wired(hop)
        wire.send(b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n", 3)
        assert [(await wire.reply(5)).code for _ in range(3)] == [250, 250, 354]
        wire.send(b"x" * 20_000_000, 0)
        wire.close()
        await wire.closed(0.05)
        with pytest.raises(PeerError, match="we have closed"):
            wire.send(b"x", 0)


async def test_a_wire_that_was_closed_hears_nothing_more() -> None:
    async with ScriptedHop() as hop:
        wire = await wired(hop)
        wire.abort()
        wire.data_received(b"250 too late\r\n")
        await wire.closed(5)
        with pytest.raises(PeerError, match="we have closed"):
            await wire.reply(5)


async def test_a_wire_that_breaks_says_so() -> None:
    async with ScriptedHop() as hop:
        wire = await wired(hop)
        wire.send(b"NOOP\r\n", 2)
        wire.connection_lost(ConnectionResetError(104, "Connection reset by peer"))
        with pytest.raises(DroppedError, match="reset by peer"):
            await wire.reply(5)
        wire.abort()
        await asyncio.sleep(0.01)


async def test_waiting_has_a_limit_even_where_a_reply_dribbles_in() -> None:
    async with ScriptedHop({"NOOP": b"250-no end\r\n"}) as hop:
        wire = await wired(hop)
        wire.send(b"NOOP\r\n" * 50, 1)
        dribble = asyncio.create_task(_dribble(hop))
        with pytest.raises(PeerError, match=r"within 0\.2 seconds"):
            await wire.reply(0.2)
        dribble.cancel()
        wire.abort()
        await wire.closed(5)


class _Still(asyncio.Transport):
    """A connection over which nothing goes."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None: ...
    def write(self, data: bytes) -> None: ...  # type: ignore[override]
    def close(self) -> None: ...


async def test_a_part_of_a_reply_at_the_very_moment_of_the_limit_does_not_lift_it() -> None:
    wire = Wire(_Still())
    wire.send(b"NOOP\r\n", 1)
    reply = asyncio.create_task(wire.reply(0.05))
    await asyncio.sleep(0.01)
    asyncio.get_running_loop().call_later(0.02, wire.data_received, b"25")
    time.sleep(0.06)  # noqa: ASYNC251 - the limit passes before the task has looked at what came
    with pytest.raises(PeerError, match=r"within 0\.05 seconds"):
        await asyncio.wait_for(reply, 0.5)
    assert not wire.usable


async def test_a_limit_that_passes_while_nobody_waits_harms_nothing() -> None:
    wire = Wire(_Still())
    wire.send(b"NOOP\r\n", 1)
    reply = asyncio.create_task(wire.reply(0.02))
    await asyncio.sleep(0)
    wire.data_received(b"250 ok\r\n")
    assert (await reply).code == 250
    await asyncio.sleep(0.05)
    assert wire.usable


async def test_a_reply_at_the_very_moment_of_the_limit_is_a_reply() -> None:
    wire = Wire(_Still())
    wire.send(b"NOOP\r\n", 1)
    reply = asyncio.create_task(wire.reply(0.05))
    await asyncio.sleep(0.01)
    asyncio.get_running_loop().call_later(0.02, wire.data_received, b"250 ok\r\n")
    time.sleep(0.06)  # noqa: ASYNC251
    assert (await reply).code == 250
    await asyncio.sleep(0.01)
    assert wire.usable


async def _dribble(hop: ScriptedHop) -> None:
    while True:
        await hop.say(b"250-a\r\n")
        await asyncio.sleep(0.02)

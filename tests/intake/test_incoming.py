"""The receiving end of a connection: octets to who waits, a bound on what is kept, the end."""

import asyncio
import gc
import ssl
from dataclasses import replace
from pathlib import Path
from weakref import ref

import pytest
from intake_fakes import TAKEN, House, calling, running, until

from relay.intake.incoming import ROOM, Incoming
from relay.intake.terms import IntakeLimits, ListenerSettings, Terms, TlsMode
from relay.intake.tls import server_context
from relay.mail.envelope import ForwardPath
from relay.mail.reply import Reply


class Transport(asyncio.Transport):
    """Remembers whether it is read from."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def pause_reading(self) -> None:
        self.told.append("pause")

    def resume_reading(self) -> None:
        self.told.append("resume")


def incoming_over(transport: Transport) -> Incoming:
    incoming = Incoming(asyncio.get_running_loop())
    incoming.transport = transport
    return incoming


async def test_octets_go_to_who_waits_and_nothing_is_kept() -> None:
    incoming = incoming_over(Transport())
    waiting = incoming.next_octets()
    incoming.data_received(b"a")
    assert await waiting == b"a"
    assert incoming.take_kept() == b""


async def test_what_comes_meanwhile_is_kept_in_its_order() -> None:
    incoming = incoming_over(Transport())
    waiting = incoming.next_octets()
    for octets in (b"a", b"bc", b"d"):
        incoming.data_received(octets)
    assert (await waiting, await incoming.next_octets()) == (b"a", b"bcd")
    waiting = incoming.next_octets()
    assert not waiting.done()
    incoming.data_received(b"e")
    assert await waiting == b"e"


async def test_a_client_is_not_read_from_while_there_is_no_room() -> None:
    transport = Transport()
    incoming = incoming_over(transport)
    incoming.data_received(b"x" * ROOM)
    assert transport.told == []
    incoming.data_received(b"y")
    incoming.data_received(b"z")
    assert transport.told == ["pause"]
    assert len(await incoming.next_octets()) == ROOM + 2
    assert transport.told == ["pause", "resume"]
    incoming.data_received(b"x" * ROOM)
    assert await incoming.next_octets() == b"x" * ROOM
    assert transport.told == ["pause", "resume"]


async def test_the_bound_holds_after_what_was_kept_is_thrown_away() -> None:
    transport = Transport()
    incoming = incoming_over(transport)
    incoming.data_received(b"x" * (ROOM + 1))
    assert len(incoming.take_kept()) == ROOM + 1
    incoming.data_received(b"x" * (ROOM + 1))
    assert transport.told == ["pause", "pause"]


async def test_what_was_stopped_goes_on_though_tls_came_on_top_of_it_meanwhile() -> None:
    plain, encrypted = Transport(), Transport()
    incoming = incoming_over(plain)
    incoming.data_received(b"x" * (ROOM + 1))  # with the last octets of the handshake, before it has returned
    incoming.transport = encrypted
    await incoming.next_octets()
    assert (plain.told, encrypted.told) == (["pause", "resume"], [])


async def test_nothing_is_read_from_a_connection_that_is_gone() -> None:
    transport = Transport()
    incoming = incoming_over(transport)
    incoming.data_received(b"x" * (ROOM + 1))
    incoming.connection_lost(None)
    assert len(await incoming.next_octets()) == ROOM + 1
    assert transport.told == ["pause"]


@pytest.mark.parametrize("tls", [TlsMode.NONE, TlsMode.IMPLICIT])
async def test_a_client_that_floods_a_busy_session_is_held_up_and_then_heard_out(
    house: House, terms: Terms, tls: TlsMode, certificate: tuple[Path, Path], trusting: ssl.SSLContext
) -> None:
    go_on = asyncio.Event()

    async def slowly(path: ForwardPath) -> Reply:
        await go_on.wait()
        return Reply(250, "2.1.5", "OK")

    house.answer_rcpt = slowly
    limits = IntakeLimits(junk_commands=0)
    terms = replace(terms, limits=limits, tls=server_context(*certificate))
    encrypted = trusting if tls is TlsMode.IMPLICIT else None
    async with (
        running(terms, ListenerSettings("127.0.0.1", 0, tls=tls)) as intake,
        calling(intake, tls=encrypted) as caller,
    ):
        await caller.hello()
        await caller.ask("MAIL FROM:<a@x.example>")
        caller.writer.write(b"RCPT TO:<b@y.example>\r\n" + b"NOOP\r\n" * 150_000 + b"DATA\r\nx\r\n.\r\n")
        (session,) = intake._reception._inside
        await until(lambda: len(session._kept) > ROOM)  # type: ignore[attr-defined]
        await asyncio.sleep(0.05)
        assert len(session._kept) <= ROOM + 256 * 1024  # type: ignore[attr-defined]
        go_on.set()
        caller.writer.write_eof() if encrypted is None else caller.writer.write(b"QUIT\r\n")
        heard = await asyncio.wait_for(caller.reader.read(), 20)
        assert str(TAKEN).encode() in heard
    assert house.delivered == [b"x\r\n"]


async def test_after_a_half_close_what_was_kept_is_heard_and_then_the_end() -> None:
    incoming = incoming_over(Transport())
    incoming.data_received(b"QUIT\r\n")
    assert incoming.eof_received() is True
    assert [await incoming.next_octets() for _ in range(3)] == [b"QUIT\r\n", b"", b""]


async def test_the_end_wakes_who_waits() -> None:
    for error in (None, ConnectionResetError()):
        incoming = incoming_over(Transport())
        waiting = incoming.next_octets()
        incoming.connection_lost(error)
        assert (await waiting, incoming.transport) == (b"", None)


async def test_of_a_broken_connection_nothing_more_is_heard() -> None:
    incoming = incoming_over(Transport())
    incoming.data_received(b"MAIL FROM:<a@x>\r\n")
    incoming.connection_lost(ConnectionResetError())
    assert await incoming.next_octets() == b""


async def test_what_comes_for_a_cancelled_session_disturbs_nobody() -> None:
    incoming = incoming_over(Transport())
    incoming.next_octets().cancel()
    incoming.data_received(b"a")
    incoming.eof_received()
    assert await incoming.next_octets() == b""


async def test_a_client_that_half_closes_behind_its_last_command_hears_all_and_the_end(terms: Terms) -> None:
    async with running(terms, ListenerSettings("127.0.0.1", 0)) as intake, calling(intake) as caller:
        caller.writer.write(b"NOOP\r\nQUIT\r\nNOOP\r\n")
        caller.writer.write_eof()
        heard = await asyncio.wait_for(caller.reader.read(), 20)
        assert [line[:3] for line in heard.splitlines()][-2:] == [b"250", b"221"]
        await until(lambda: not intake.sessions)


@pytest.mark.parametrize("leave", [b"QUIT\r\n", b"NOOP\r\n"], ids=["by QUIT", "without a word"])
async def test_what_a_session_held_is_free_at_its_end_without_the_garbage_collector(
    terms: Terms, leave: bytes
) -> None:
    async with running(terms, ListenerSettings("127.0.0.1", 0)) as intake:
        gc.collect()
        gc.disable()
        try:
            async with calling(intake) as caller:
                await caller.hello()
                session = ref(next(iter(intake._reception._inside)))
                assert session() is not None
                caller.writer.write(leave)
                await caller.reader.readline()
            await until(lambda: session() is None)
        finally:
            gc.enable()

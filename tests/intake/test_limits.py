"""Connections, junk, deadlines: who is sent away and when; and who is not."""

import asyncio
import contextlib
import os
import socket
import time
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from intake_fakes import TAKEN, Caller, FakeTransaction, House, calling, running, terms_of, until

from relay.channels.networks import Networks
from relay.deadline import Deadline
from relay.intake import connection
from relay.intake.events import Cause, SessionCut, SessionRefused
from relay.intake.limits import Doors
from relay.intake.terms import AuthMode, IntakeLimits, ListenerSettings, Terms, TlsMode
from relay.mail.reply import Reply

TOO_MANY = "421 4.7.0 Too many connections, please try again later"


def causes(house: House) -> list[Cause]:
    return [e.cause for e in house.events if isinstance(e, SessionCut | SessionRefused)]


class TestConnections:
    """limits.connections and connections_per_client"""

    async def test_one_client_has_only_so_many(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(connections_per_client=2)
        async with (
            running(terms_of(house, tmp_path, limits=limits)) as intake,
            contextlib.AsyncExitStack() as stack,
        ):
            first = await stack.enter_async_context(calling(intake))
            second = await stack.enter_async_context(calling(intake))
            assert (await first.hear())[:3] == (await second.hear())[:3] == "220"
            third = await stack.enter_async_context(calling(intake))
            assert await third.hear() == TOO_MANY
            assert await third.hear() == ""
            other = await stack.enter_async_context(calling(intake, source="127.0.9.2"))
            assert (await other.hear())[:3] == "220"
            await first.ask("QUIT")
            await first.close()
            await third.close()
            await until(lambda: intake.sessions == 2)
            again = await stack.enter_async_context(calling(intake))
            assert (await again.hear())[:3] == "220"
        assert causes(house)[0] == Cause.CONNECTIONS_PER_CLIENT

    async def test_all_together_have_only_so_many(self, house: House, tmp_path: Path) -> None:
        unlimited = Networks([ip_network("127.0.0.0/8")])
        terms = terms_of(house, tmp_path, limits=IntakeLimits(connections=2), unlimited=unlimited)
        async with (
            running(terms) as intake,
            calling(intake) as first,
            calling(intake, source="127.0.9.2") as second,
        ):
            assert (await first.hear())[:3] == (await second.hear())[:3] == "220"
            async with calling(intake, source="127.0.9.3") as third:
                assert await third.hear() == TOO_MANY
        assert causes(house)[0] == Cause.CONNECTIONS

    async def test_who_was_sent_away_and_does_not_go_keeps_nobody_else_out(
        self, house: House, tmp_path: Path
    ) -> None:
        limits = IntakeLimits(connections=3, connections_per_client=1)
        async with (
            running(terms_of(house, tmp_path, limits=limits)) as intake,
            contextlib.AsyncExitStack() as stack,
        ):
            heard = []
            for source in ("127.0.9.1",) * 6 + ("127.0.9.2", "127.0.9.3", "127.0.9.4"):
                caller = await stack.enter_async_context(calling(intake, source=source))
                heard.append((await caller.hear())[:3])
            doors = intake._reception.doors
            assert (doors.inside, doors.refused) == (9, 6)
        assert heard == ["220", *["421"] * 5, "220", "220", "421"]
        await until(lambda: not doors.inside)
        assert doors.refused == 0

    @pytest.mark.parametrize("right", ["unlimited", "xclient", "proxy"])
    async def test_who_is_trusted_or_speaks_for_others_is_not_one_client(
        self, house: House, tmp_path: Path, right: str
    ) -> None:
        trusted = Networks([ip_network("127.0.9.1/32")])
        rights = {"unlimited": trusted} if right == "unlimited" else {}
        listener = ListenerSettings("127.0.0.1", 0, **({right: trusted} if not rights else {}))
        terms = terms_of(house, tmp_path, limits=IntakeLimits(connections_per_client=1), **rights)
        async with running(terms, listener) as intake, calling(intake) as first, calling(intake) as second:
            for caller in (first, second):
                if right == "proxy":
                    await caller.say(b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00")
                assert (await caller.hear())[:3] == "220"

    async def test_behind_a_proxy_each_client_is_counted(self, house: House, tmp_path: Path) -> None:
        listener = ListenerSettings("127.0.0.1", 0, proxy=Networks([ip_network("127.0.9.1/32")]))
        terms = terms_of(house, tmp_path, limits=IntakeLimits(connections_per_client=1))
        async with running(terms, listener) as intake, contextlib.AsyncExitStack() as stack:
            heard = []
            for client in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
                caller = await stack.enter_async_context(calling(intake))
                await caller.say(f"PROXY TCP4 {client} 192.0.2.9 1 25\r\n".encode())
                heard.append((await caller.hear())[:3])
        assert heard == ["220", "421", "220"]

    async def test_over_implicit_tls_the_excess_is_closed_without_a_word(
        self, house: House, tmp_path: Path
    ) -> None:
        listener = ListenerSettings("127.0.0.1", 0, tls=TlsMode.IMPLICIT)
        terms = terms_of(house, tmp_path, limits=IntakeLimits(connections=1))
        async with running(terms, listener) as intake, calling(intake), calling(intake) as second:
            assert await second.reader.read() == b""

    def test_an_ipv6_client_is_its_64(self) -> None:
        doors = Doors()
        assert doors.enter(ip_address("2001:db8::1"), 1)
        assert not doors.enter(ip_address("2001:db8::2"), 1)
        assert doors.enter(ip_address("2001:db8:0:1::1"), 1)
        doors.leave(ip_address("2001:db8::1"))
        assert doors.enter(ip_address("2001:db8::3"), 1)


class TestJunk:
    """limits.junk_commands"""

    @pytest.mark.parametrize(
        "line",
        [
            "NOOP",
            "RSET",
            "HELP",
            "VRFY a",
            "EXPN a",
            "NONSENSE",
            "",
            "\x00ÿ",
            "MAIL",
            "RCPT TO:<b@y>",
            "DATA",
            "QUIT x",
            "AUTH PLAIN AAAA",
            "STARTTLS",
            "EHLO again.example",
            "XCLIENT ADDR=1.2.3.4",
            "MAIL FROM:<refused@x.example>",
            "MAIL FROM:<a@x> SIZE=99999999999",
            "MAIL FROM:<",
            "BDAT 5",
            "x" * 2500,
        ],
    )
    async def test_endless_junk_is_cut(self, house: House, tmp_path: Path, line: str) -> None:
        limits = IntakeLimits(junk_commands=5)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            await caller.hello()
            await caller.say((line.encode("latin-1") + b"\r\n") * 40)
            heard = []
            while reply := await caller.hear():
                heard.append(reply)
            assert len(heard) <= 7
            assert heard[-1] == "421 4.7.0 Too many errors or idle commands"
        assert causes(house) == [Cause.JUNK_COMMANDS]

    async def test_a_message_makes_good_for_junk(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(junk_commands=3)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            await caller.hello()
            for _ in range(5):
                assert (await caller.ask("NOOP"))[:3] == (await caller.ask("RSET"))[:3] == "250"
                assert await caller.send(b"x\r\n.\r\n") == str(TAKEN)
        assert causes(house) == []

    @pytest.mark.parametrize("line", ["GET / HTTP/1.1", "POST / HTTP/1.1", "CONNECT x:25 HTTP/1.1"])
    async def test_a_browser_is_sent_away_at_once(self, house: House, terms: Terms, line: str) -> None:
        async with running(terms) as intake, calling(intake) as caller:
            await caller.hear()
            assert (await caller.ask(line + "\r\nHost: x\r\n\r\nMAIL FROM:<a@x>"))[:9] == "421 4.7.0"
            assert await caller.hear() == ""
        assert causes(house) == [Cause.NOT_SMTP]


class TestDeadlines:
    """limits.command_timeout and data_rate"""

    async def test_a_silent_client_is_told_and_cut(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(command_timeout=0.2)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            await caller.hello()
            await caller.ask("MAIL FROM:<a@x>")
            assert await caller.hear() == "421 4.4.2 Timed out waiting for you"
            assert await caller.hear() == ""
            await until(lambda: not intake.sessions)
        assert causes(house) == [Cause.COMMAND_TIMEOUT]
        assert house.transactions[0].abandoned == 1

    async def test_a_client_that_drips_a_command_is_cut(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(command_timeout=0.3)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            await caller.hello()
            heard = asyncio.create_task(caller.hear())
            with contextlib.suppress(OSError):
                while not heard.done():
                    await caller.say(b"x")
                    await asyncio.sleep(0.02)
            assert (await heard)[:9] == "421 4.4.2"

    async def test_a_client_that_drips_data_is_cut(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(command_timeout=0.4, data_rate=1000)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            await caller.hello()
            for line in ("MAIL FROM:<a@x>", "RCPT TO:<b@y>", "DATA"):
                await caller.ask(line)
            heard = asyncio.create_task(caller.hear())
            with contextlib.suppress(OSError):
                while not heard.done():
                    await caller.say(b"x")
                    await asyncio.sleep(0.02)
            assert await heard == "421 4.4.2 Data comes too slowly"
        assert causes(house) == [Cause.DATA_RATE]
        assert house.delivered == []

    async def test_a_slow_but_steady_client_is_heard_out(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(command_timeout=0.4, data_rate=500)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            await caller.hello()
            for line in ("MAIL FROM:<a@x>", "RCPT TO:<b@y>", "DATA"):
                await caller.ask(line)
            for _ in range(25):
                await caller.say(b"x" * 50)
                await asyncio.sleep(0.05)
            await caller.say(b"\r\n.\r\n")
            assert await caller.hear() == str(TAKEN)
        assert causes(house) == []

    async def test_much_data_at_first_buys_no_rest_afterwards(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(command_timeout=0.3, data_rate=10)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            await caller.hello()
            for line in ("MAIL FROM:<a@x>", "RCPT TO:<b@y>", "DATA"):
                await caller.ask(line)
            await caller.say(b"x" * 100_000)
            assert (await caller.hear())[:9] == "421 4.4.2"

    @pytest.mark.parametrize("step", ["rcpt", "content"])
    async def test_our_own_work_has_no_deadline(self, tmp_path: Path, step: str) -> None:
        async def slow_rcpt(path: object) -> Reply:
            await asyncio.sleep(0.5 if step == "rcpt" else 0)
            return Reply(250, "2.1.5", "OK")

        async def slow_content(transaction: FakeTransaction) -> Reply:
            await asyncio.sleep(0.5 if step == "content" else 0)
            return TAKEN

        house = House(answer_rcpt=slow_rcpt, answer_content=slow_content)
        terms = terms_of(house, tmp_path, limits=IntakeLimits(command_timeout=0.15, data_rate=1))
        async with running(terms) as intake, calling(intake) as caller:
            await caller.hello()
            assert await caller.send(b"x\r\n.\r\n") == str(TAKEN)
            assert (await caller.ask("NOOP"))[:3] == "250"

    async def test_a_client_that_reads_no_replies_is_cut(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(command_timeout=0.3, junk_commands=0)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            caller.reader._transport.pause_reading()  # type: ignore[attr-defined]
            caller.writer.write(b"HELP\r\n" * 400_000)
            await until(lambda: causes(house) == [Cause.COMMAND_TIMEOUT], seconds=60)
            caller.writer.transport.abort()
            await until(lambda: not intake.sessions)

    @pytest.mark.parametrize("step", ["MAIL", "DATA"])
    async def test_what_comes_at_the_very_moment_of_the_deadline_is_not_taken_after_all(
        self, house: House, tmp_path: Path, step: str
    ) -> None:
        limits = IntakeLimits(command_timeout=0.2)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            await caller.hello()
            last = b"MAIL FROM:<a@x.example>\r\n"
            if step == "DATA":
                for line in ("MAIL FROM:<a@x.example>", "RCPT TO:<b@y.example>", "DATA"):
                    await caller.ask(line)
                last = b"x\r\n.\r\n"
            os.write(caller.writer.get_extra_info("socket").fileno(), last)
            time.sleep(0.3)  # noqa: ASYNC251 - the octets and the deadline meet in one turn of the loop
            assert (await caller.hear())[:9] == "421 4.4.2"
            await until(lambda: not intake.sessions)
        assert house.delivered == []
        assert [t.abandoned for t in house.transactions] == [1] * (step == "DATA")

    @pytest.mark.parametrize("last", [b"", b"QUIT\r\n"])
    async def test_a_client_that_reads_no_replies_and_half_closes_does_not_stay(
        self, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: bytes
    ) -> None:
        monkeypatch.setattr(connection, "_LINGER_SECONDS", 0.1)
        async with running(terms_of(house, tmp_path)) as intake, calling(intake) as caller:
            await caller.hello()
            await caller.ask("MAIL FROM:<a@x.example>")
            (session,) = intake._reception._inside
            transport = session.transport  # type: ignore[attr-defined]
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            caller.reader._transport.pause_reading()  # type: ignore[attr-defined]
            while not transport.get_write_buffer_size():
                await caller.say(b"RCPT TO:<b@y.example>\r\n" * 300)
                await asyncio.sleep(0.001)
            await caller.say(last)
            caller.writer.write_eof()
            await until(lambda: session.transport is None)  # type: ignore[attr-defined]
            assert not intake.sessions

    async def test_a_proxy_that_says_nothing_is_cut(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(handshake_timeout=0.2)
        listener = ListenerSettings("127.0.0.1", 0, proxy=Networks([ip_network("127.0.9.0/24")]))
        async with (
            running(terms_of(house, tmp_path, limits=limits), listener) as intake,
            calling(intake) as caller,
        ):
            await caller.say(b"PROXY TCP4 ")
            assert (await caller.hear())[:9] == "421 4.4.2"

    async def test_a_challenge_is_not_waited_for_for_ever(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(command_timeout=0.2)
        listener = ListenerSettings("127.0.0.1", 0, auth=AuthMode.OPTIONAL)
        async with (
            running(terms_of(house, tmp_path, limits=limits), listener) as intake,
            calling(intake) as caller,
        ):
            await caller.hello()
            assert (await caller.ask("AUTH LOGIN"))[:4] == "334 "
            assert (await caller.hear())[:9] == "421 4.4.2"


class TestDeadline:
    """One timer, looked at lazily"""

    async def test_it_expires_once_after_the_last_set(self) -> None:
        expired: list[float] = []
        loop = asyncio.get_running_loop()
        start = loop.time()
        deadline = Deadline(loop, lambda: expired.append(loop.time() - start))
        for _ in range(5):
            deadline.set(0.1)
            await asyncio.sleep(0.04)
        deadline.set(0.1)
        await asyncio.sleep(0.3)
        assert len(expired) == 1
        assert expired[0] >= 0.2

    async def test_a_nearer_one_is_not_missed(self) -> None:
        expired = asyncio.Event()
        deadline = Deadline(asyncio.get_running_loop(), expired.set)
        deadline.set(100)
        deadline.set(0.05)
        await asyncio.wait_for(expired.wait(), 5)

    async def test_cleared_or_stopped_or_zero_never_expires_and_may_be_set_again(self) -> None:
        expired: list[int] = []
        deadline = Deadline(asyncio.get_running_loop(), lambda: expired.append(1))
        deadline.set(0.03)
        deadline.clear()
        await asyncio.sleep(0.06)
        deadline.set(0.03)
        deadline.set(0)
        await asyncio.sleep(0.06)
        deadline.set(0.03)
        deadline.stop()
        await asyncio.sleep(0.06)
        assert expired == []
        deadline.set(0.03)
        await asyncio.sleep(0.06)
        assert expired == [1]


async def test_a_flood_of_replies_to_a_reading_client_arrives_whole(house: House, tmp_path: Path) -> None:
    limits = IntakeLimits(junk_commands=0)
    async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
        await caller.hello()

        async def flood(caller: Caller) -> None:
            for _ in range(200):
                await caller.say(b"NOOP\r\n" * 500)
            await caller.say(b"QUIT\r\n")

        task = asyncio.create_task(flood(caller))
        heard = bytearray()
        while octets := await asyncio.wait_for(caller.reader.read(4096), 20):
            heard += octets
        await task
    assert heard == b"250 2.0.0 OK\r\n" * 100_000 + b"221 2.0.0 Bye\r\n"

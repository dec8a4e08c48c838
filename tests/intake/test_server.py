"""Listeners: opened, reloaded, drained."""

import asyncio
import socket
import sys
from pathlib import Path

import pytest
from intake_fakes import TAKEN, FakeTransaction, House, calling, running, terms_of, until

from relay.errors import BadSettingsError, UnavailableError
from relay.intake.events import Cause, SessionBegun, SessionCut, SessionEnded
from relay.intake.server import Intake
from relay.intake.terms import IntakeLimits, ListenerSettings, Terms, TlsMode
from relay.mail.reply import Reply

STOPPING = "421 4.3.2 Shutting down, please try again later"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TestListening:
    """listen.smtp"""

    async def test_a_port_in_use_is_said_in_one_sentence(self, terms: Terms) -> None:
        async with running(terms) as intake:
            host, port = intake.addresses[0]
            with pytest.raises(
                UnavailableError,
                match=rf"^127\.0\.0\.1:{port} is in use by another program; [^.]*\(listen\.smtp\)$",
            ):
                await Intake(terms).listen([ListenerSettings(host, port)])

    @pytest.mark.parametrize("host", ["192.0.2.1", "not.a.host.invalid", "2001:db8::1"])
    async def test_an_address_that_is_not_ours_is_bad_settings(self, terms: Terms, host: str) -> None:
        with pytest.raises(BadSettingsError, match="no address that this machine can listen on"):
            await Intake(terms).listen([ListenerSettings(host, 2525)])

    async def test_a_port_that_is_none_is_bad_settings(self, terms: Terms) -> None:
        with pytest.raises(BadSettingsError, match="no address that this machine can listen on"):
            await Intake(terms).listen([ListenerSettings("127.0.0.1", 70000)])

    async def test_a_privileged_port_without_rights_is_bad_settings(self, terms: Terms) -> None:
        limit = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        script = (
            "import asyncio, os, pathlib\n"
            "from relay.intake.server import Intake\n"
            "from relay.intake.terms import ListenerSettings, Terms\n"
            "if os.getuid() == 0: os.setuid(65534)\n"
            "terms = Terms('h', pathlib.Path('/'), None, print)\n"
            "try: asyncio.run(Intake(terms).listen([ListenerSettings('127.0.0.1', 1)]))\n"
            "except Exception as error: print(type(error).__name__, error)\n"
        )
        if int(limit.read_text()) <= 1:  # noqa: ASYNC240
            return  # every port is open to everybody here: there is no privilege to lack
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
        assert said.startswith(b"BadSettingsError"), said
        assert b"127.0.0.1:1 needs rights that this process has not" in said

    async def test_if_one_listener_fails_none_stays_open(self, terms: Terms) -> None:
        port = free_port()
        intake = Intake(terms)
        with pytest.raises(BadSettingsError):
            await intake.listen([ListenerSettings("127.0.0.1", port), ListenerSettings("192.0.2.1", port)])
        assert intake.addresses == ()
        async with running(terms, ListenerSettings("127.0.0.1", port)) as other:
            assert other.addresses == (("127.0.0.1", port),)

    async def test_two_relays_may_share_a_port(self, terms: Terms) -> None:
        port = free_port()
        shared = ListenerSettings("127.0.0.1", port, reuse_port=True)
        async with running(terms, shared) as first, running(terms, shared) as second:
            assert first.addresses == second.addresses

    async def test_several_listeners_each_go_by_their_own_settings(
        self, house: House, tmp_path: Path
    ) -> None:
        from relay.intake.terms import AuthMode

        listeners = ListenerSettings("127.0.0.1", 0), ListenerSettings("127.0.0.2", 0, auth=AuthMode.REQUIRED)
        async with running(terms_of(house, tmp_path), *listeners) as intake:
            for number, reply in enumerate(["250 2.1.0", "530 5.7.0"]):
                async with calling(intake, number=number) as caller:
                    await caller.hello()
                    assert (await caller.ask("MAIL FROM:<a@x>"))[:9] == reply


class TestReload:
    """New settings, no session dropped"""

    async def test_new_sessions_go_by_the_new_terms_and_old_ones_by_theirs(
        self, house: House, tmp_path: Path
    ) -> None:
        old_terms = terms_of(house, tmp_path, limits=IntakeLimits(message_size=1000))
        async with running(old_terms) as intake, calling(intake) as old:
            await old.hello()
            intake.reload(terms_of(house, tmp_path, limits=IntakeLimits(message_size=2000)))
            assert "SIZE 1000" in await old.ask("EHLO client.example")
            async with calling(intake) as new:
                assert "SIZE 2000" in await new.hello()

    async def test_listeners_come_go_and_change(self, house: House, terms: Terms) -> None:
        ports = [free_port() for _ in range(3)]
        a, b, c = (ListenerSettings("127.0.0.1", port) for port in ports)
        async with running(terms, a, b) as intake, calling(intake) as on_a:
            await on_a.hello()
            required = ListenerSettings("127.0.0.1", ports[1], tls=TlsMode.REQUIRED)
            await intake.listen([required, c])
            assert intake.addresses == (("127.0.0.1", ports[1]), ("127.0.0.1", ports[2]))
            assert await on_a.send(b"x\r\n.\r\n") == str(TAKEN), "its listener is gone, its session is not"
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", ports[0])
            async with calling(intake) as on_b:
                await on_b.hello()
                assert (await on_b.ask("MAIL FROM:<a@x>"))[:3] == "530"


class TestStopping:
    """SIGTERM's part"""

    async def test_the_idle_are_told_and_nobody_new_is_let_in(self, house: House, terms: Terms) -> None:
        intake = Intake(terms)
        await intake.listen([ListenerSettings("127.0.0.1", 0)])
        address = intake.addresses[0]
        async with calling(intake) as idle, calling(intake) as silent:
            await idle.hello()
            await silent.hear()
            await asyncio.wait_for(intake.stop(30), 5)
            assert await idle.hear() == await silent.hear() == STOPPING
            assert await idle.hear() == ""
        assert intake.sessions == 0
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*address)

    async def test_a_running_transaction_is_finished(self, house: House, terms: Terms) -> None:
        intake = Intake(terms)
        await intake.listen([ListenerSettings("127.0.0.1", 0)])
        async with calling(intake) as busy:
            await busy.hello()
            await busy.ask("MAIL FROM:<a@x>")
            stopping = asyncio.create_task(intake.stop(30))
            await asyncio.sleep(0.05)
            assert (await busy.ask("RCPT TO:<b@y>"))[:3] == "250"
            assert (await busy.ask("DATA"))[:3] == "354"
            await busy.say(b"x\r\n.\r\nMAIL FROM:<c@x>\r\n")
            assert await busy.hear() == str(TAKEN)
            assert await busy.hear() == STOPPING
            assert await busy.hear() == ""
            await asyncio.wait_for(stopping, 5)
        assert house.delivered == [b"x\r\n"]

    async def test_after_the_drain_the_rest_is_cut(self, tmp_path: Path) -> None:
        cancelled: list[str] = []

        async def for_ever(transaction: FakeTransaction) -> Reply:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append("content")
                raise
            return TAKEN

        house = House(answer_content=for_ever)
        intake = Intake(terms_of(house, tmp_path))
        await intake.listen([ListenerSettings("127.0.0.1", 0)])
        async with calling(intake) as busy, calling(intake) as begun:
            for caller in (busy, begun):
                await caller.hello()
                for line in ("MAIL FROM:<a@x>", "RCPT TO:<b@y>", "DATA"):
                    await caller.ask(line)
            await busy.say(b"x\r\n.\r\n")
            await begun.say(b"x" * 3_000_000)
            await until(lambda: house.contents)
            await asyncio.wait_for(intake.stop(0.1), 5)
            assert await busy.hear() == await begun.hear() == STOPPING
        assert cancelled == ["content"]
        assert intake.sessions == 0
        assert [t.abandoned for t in house.transactions] == [0, 1]

    async def test_a_client_that_has_just_come_does_not_hold_it_up(self, terms: Terms) -> None:
        intake = Intake(terms)
        await intake.listen([ListenerSettings("127.0.0.1", 0)])
        async with calling(intake), calling(intake):
            await asyncio.wait_for(intake.stop(0), 5)
        assert intake.sessions == 0

    async def test_sessions_that_ended_leave_nothing_behind(self, house: House, terms: Terms) -> None:
        async with running(terms) as intake:
            for _ in range(20):
                async with calling(intake) as caller:
                    await caller.hello()
            await until(lambda: not intake.sessions)
        assert not [e for e in house.events if isinstance(e, SessionCut) and e.cause is not Cause.STOPPING]


class TestReported:
    """Sessions begun and ended."""

    async def test_every_session_that_begins_is_said_to_end(self, house: House, terms: Terms) -> None:
        async with running(terms) as intake:
            for _ in range(3):
                async with calling(intake) as caller:
                    await caller.hello()
            await until(lambda: not intake.sessions)
        assert [type(event) for event in house.sessions].count(SessionBegun) == 3
        assert [type(event) for event in house.sessions].count(SessionEnded) == 3

    async def test_a_client_that_is_sent_away_has_no_session(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(connections=1)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            await caller.hello()
            async with calling(intake) as refused:
                assert (await refused.hear())[:3] == "421"
            assert [type(event) for event in house.sessions] == [SessionBegun]

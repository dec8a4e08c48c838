"""Many clients, bad clients, big messages: the server keeps serving and its memory stays where it was."""

import asyncio
import contextlib
import gc
import random
import re
import resource
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from intake_fakes import Caller, House, calling, running, terms_of, until

from relay.intake.events import IntakeEvent
from relay.intake.server import Intake
from relay.intake.terms import AuthMode, IntakeLimits, ListenerSettings, Terms

WORDS = [
    b"EHLO x\r\n", b"HELO x\r\n", b"MAIL FROM:<a@x>\r\n", b"MAIL FROM:<boom@x.example>\r\n", b"MAIL FROM:<", b"RCPT TO:<b@y>\r\n",
    b"RCPT TO:<boom@y>\r\n", b"RCPT TO:<>\r\n", b"DATA\r\n", b".\r\n", b"\r\n.\r\n", b"\n.\n", b"RSET\r\n", b"NOOP\r\n", b"QUIT\r\n",
    b"STARTTLS\r\n", b"AUTH PLAIN\r\n", b"AUTH LOGIN AAAA\r\n", b"AUTH PLAIN AGEAYg==\r\n", b"*\r\n", b"XCLIENT ADDR=1.2.3.4\r\n",
    b"\x00", b"\xff\xfe", b"\r", b"\n", b" ", b"x" * 3000, b"\x16\x03\x01\x02\x00\x01", b"PROXY UNKNOWN\r\n", b"VRFY root\r\n",
    b"MAIL FROM:<boom-content@x.example>\r\n", b"GET / HTTP/1.1\r\n", b"BDAT 5 LAST\r\n", b"y" * 20_000, b"<>@,;:\\\"[]\r\n",
]  # fmt: skip
BEGINNINGS = [
    b"",
    b"EHLO x\r\n",
    b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n",
    b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n",
]
REPLY = re.compile(rb"(?:[2-5][0-9]{2}-[ -~]*\r\n)*[2-5][0-9]{2} [ -~]*\r\n")
INTERNALS = re.compile(rb"Error\b(?!s)|Traceback|secret|relay/|\.py|0x[0-9a-f]{6}|Exception")


def raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def resident() -> int:
    """Return our memory in KiB."""
    gc.collect()
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text("ascii"))[1])  # type: ignore[index]


async def malformed_session(intake: Intake, number: int) -> None:
    dice = random.Random(number)
    octets = dice.choice(BEGINNINGS) + b"".join(dice.choice(WORDS) for _ in range(dice.randrange(1, 16)))
    reader, writer = await asyncio.open_connection(
        *intake.addresses[0], local_addr=(f"127.0.9.{1 + number % 200}", 0)
    )
    with contextlib.suppress(ConnectionError):
        writer.write(octets)
        if dice.random() < 0.8:
            writer.write_eof()
            heard = await asyncio.wait_for(reader.read(), 30)
            assert re.fullmatch(rb"(?:" + REPLY.pattern + rb")*", heard), (octets, heard)
            assert not INTERNALS.search(heard), (octets, heard)
    if dice.random() < 0.3:
        writer.transport.abort()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def malformed_sessions(intake: Intake, numbers: range) -> None:
    for start in range(numbers.start, numbers.stop, 50):
        await asyncio.gather(
            *(malformed_session(intake, n) for n in range(start, min(start + 50, numbers.stop)))
        )
    await until(lambda: not intake.sessions)


def patient_terms(folder: Path) -> tuple[House, Terms]:
    house = House(keep=False)
    limits = IntakeLimits(auth_delay=0.0, connections_per_client=0)
    return house, replace(terms_of(house, folder, limits=limits), observe=forget)


def forget(event: IntakeEvent) -> None:
    """Keep nothing: an exception would keep its whole traceback."""


async def test_malformed_sessions_get_well_formed_replies_and_the_server_serves_on(tmp_path: Path) -> None:
    _, terms = patient_terms(tmp_path)
    async with running(terms, ListenerSettings("127.0.0.1", 0, auth=AuthMode.OPTIONAL)) as intake:
        await malformed_sessions(intake, range(600))
        async with calling(intake) as caller:
            await caller.hello()
            assert (await caller.send(b"x\r\n.\r\n"))[:3] == "250"


@pytest.fixture
def lasting_set_aside() -> Iterator[None]:
    """As a relay does: else garbage is looked for the more seldom, the more other tests have left in the process."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.peers
@pytest.mark.usefixtures("lasting_set_aside")
async def test_ten_thousand_malformed_sessions_leave_memory_flat(tmp_path: Path) -> None:
    _, terms = patient_terms(tmp_path)
    async with running(terms, ListenerSettings("127.0.0.1", 0, auth=AuthMode.OPTIONAL)) as intake:
        await malformed_sessions(intake, range(5000))  # until the heap has the size that so many at once need
        gc.collect()
        before, things = resident(), len(gc.get_objects())
        await malformed_sessions(intake, range(5000, 15_000))
        gc.collect()
        assert resident() - before < 8 * 1024
        assert len(gc.get_objects()) - things < 2000
        async with calling(intake) as caller:
            await caller.hello()
            assert (await caller.send(b"x\r\n.\r\n"))[:3] == "250"


async def slow_client(intake: Intake, stop: asyncio.Event) -> None:
    async with calling(intake, source="127.0.9.3") as caller:
        await caller.hello()
        for line in ("MAIL FROM:<slow@x>", "RCPT TO:<b@y>", "DATA"):
            await caller.ask(line)
        while not stop.is_set():
            await caller.say(b"x")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.5)


async def quick_client(intake: Intake, everybody: asyncio.Barrier, number: int) -> str:
    async with calling(intake, source="127.0.9.2") as caller:
        await caller.hello()
        await everybody.wait()
        return await caller.send(b"Subject: %d\r\n\r\n" % number + b"x" * 4000 + b"\r\n.\r\n")


async def test_a_thousand_clients_at_once_all_deliver_beside_three_hundred_slow_ones(tmp_path: Path) -> None:
    raise_file_limit()
    house, terms = patient_terms(tmp_path)
    stop = asyncio.Event()
    everybody = asyncio.Barrier(1000)
    async with running(terms) as intake:
        slow = [asyncio.create_task(slow_client(intake, stop)) for _ in range(300)]
        replies = await asyncio.gather(*(quick_client(intake, everybody, n) for n in range(1000)))
        assert intake.sessions >= 300
        stop.set()
        await asyncio.gather(*slow)
    assert {reply[:3] for reply in replies} == {"250"}
    assert house.contents == 1000


@contextlib.asynccontextmanager
async def own_process(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    script = str(Path(__file__).with_name("intake_process.py"))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, str(folder), stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process, int(await process.stdout.readline())
    finally:
        process.stdin.close()
        assert await process.wait() == 0


async def send_much(port: int, piece: bytes, times: int, gate: asyncio.Barrier) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    caller = Caller(reader, writer)
    await caller.hello()
    for line in ("MAIL FROM:<a@x>", "RCPT TO:<b@y>", "DATA"):
        await caller.ask(line)
    for number in range(times):
        await caller.say(piece)
        if number == times - 1:
            await gate.wait()  # all of them are at their last piece at once
    await caller.say(b".\r\n")
    reply = await asyncio.wait_for(caller.reader.readline(), 120)
    await caller.close()
    return reply.decode()


async def peak_memory(folder: Path, clients: int, mebibytes: int) -> int:
    """Send messages at the same time; return the server's peak of memory in MiB."""
    piece = (b"x" * 1022 + b"\r\n") * 1024
    async with own_process(folder) as (process, port):
        gate = asyncio.Barrier(clients)
        replies = await asyncio.gather(*(send_much(port, piece, mebibytes, gate) for _ in range(clients)))
        peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text("ascii"))  # noqa: ASYNC240
    assert peak is not None
    assert set(replies) == {f"250 2.0.0 {mebibytes * 1024 * 1024}\r\n"}
    return int(peak[1]) // 1024


async def test_ten_messages_of_ten_mebibytes_at_once_stay_out_of_memory(tmp_path: Path) -> None:
    assert await peak_memory(tmp_path, 10, 10) < 100


@pytest.mark.peers
async def test_fifty_messages_of_fifty_mebibytes_at_once_stay_under_300_mebibytes(tmp_path: Path) -> None:
    assert await peak_memory(tmp_path, 50, 50) < 300

"""The metrics wired: the spool and the journal are asked in the background, and a relay tells what passed through it."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from relay.errors import UnavailableError
from relay.journal.recorder import Recorder, Terms
from relay.journal.store import JournalPlace
from relay.mail.content import HeldContent
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.service.counting import Counting
from relay.service.log import EventLog
from relay.service.relay import Relay
from relay.settings.model import Settings
from relay.settings.parse import read_settings
from relay.spool.item import Depth, NewItem
from relay.spool.store import SpoolPlace, Store
from tests.journal.entries import event
from tests.live import Helpdesk, channels, free_port
from tests.metrics.happenings import Clock, number
from tests.samples import BOOK, box

COPY = b"From: support@company.com\r\nTo: anna@customer.example\r\n\r\nHi\r\n"


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


class Away:
    """A spool that answers as it is told to."""

    def __init__(self, answer: Callable[[], Awaitable[object]]) -> None:
        self.answer = answer

    async def depth(self) -> Depth:
        return await self.answer()


@asynccontextmanager
async def asking(spool: object, recorder: Recorder | None = None, **more: float) -> AsyncIterator[Counting]:
    counting = Counting(Clock(), queue_every=0.01, journal_every=0.01, **more)
    counting.start(lambda: spool, lambda: recorder)
    try:
        yield counting
    finally:
        await counting.stop()


async def test_what_is_in_the_spool_and_in_the_journal_is_known_soon(tmp_path: Path):
    store = await Store.open(SpoolPlace(tmp_path / "spool"), now=Clock())
    terms = Terms(JournalPlace(tmp_path / "journal"), BOOK, False, timedelta(days=30), 0)
    recorder = Recorder(lambda: terms, lambda _: None, Clock())
    await recorder.start()
    path = ForwardPath("in@desk.example", box("in@desk.example"))
    async with asking(store, recorder) as counting:
        metrics = counting.metrics
        await eventually(lambda: number(metrics, "queue_items", state="waiting") == 0)
        await store.put(
            [NewItem("1", "helpdesk", ReversePath(""), (path,), Client(), b"", 0)], HeldContent(COPY)
        )
        recorder.take(event("From: care@shop.example", "To: anna@mail.example"))
        await eventually(lambda: number(metrics, "queue_items", state="waiting") == 1)
        await eventually(lambda: number(metrics, "journal_entries") == 1)
        assert number(metrics, "queue_up") == number(metrics, "journal_up") == 1
        assert number(metrics, "journal_entries_written_total") == 1
        assert number(metrics, "journal_waiting_entries") == 0
        assert number(metrics, "journal_size_bytes") > 0
        journal, recorder.journal = recorder.journal, None
        await eventually(lambda: number(metrics, "journal_up") == 0)
        recorder.journal = journal
    await store.close()
    await recorder.close()


async def test_without_a_spool_nothing_is_said_of_one():
    async with asking(None) as counting:
        await asyncio.sleep(0.05)
        assert number(counting.metrics, "queue_up") is None
        assert number(counting.metrics, "journal_up") is None


async def test_a_spool_that_is_away_is_asked_again():
    answers = [UnavailableError("the database is away"), Depth(waiting=4)]

    async def answer() -> object:
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(found, Exception):
            raise found
        return found

    counting = Counting(Clock(), queue_every=0.2)
    counting.start(lambda: Away(answer), lambda: None)
    await eventually(lambda: number(counting.metrics, "queue_up") == 0)
    await eventually(lambda: number(counting.metrics, "queue_up") == 1)
    assert number(counting.metrics, "queue_items", state="waiting") == 4
    await counting.stop()


async def test_a_spool_that_is_silent_counts_as_away_and_is_not_asked_twice_at_a_time():
    asked, answered = [], asyncio.Event()

    async def answer() -> object:
        asked.append(1)
        await answered.wait()
        return Depth()

    async with asking(Away(answer), patience=0.02) as counting:
        await eventually(lambda: number(counting.metrics, "queue_up") == 0)
        await asyncio.sleep(0.05)
        assert len(asked) == 1
        answered.set()
        await eventually(lambda: number(counting.metrics, "queue_up") == 1)


async def test_a_fault_of_ours_while_asking_is_counted_and_ends_nothing():
    async def answer() -> object:
        raise ZeroDivisionError

    async with asking(Away(answer)) as counting:
        seen = lambda: number(counting.metrics, "faults_total", where="asking for numbers")  # noqa: E731
        await eventually(lambda: seen() > 2)
        assert number(counting.metrics, "queue_up") == 0


@pytest.fixture
def desk() -> Iterator[Helpdesk]:
    with Helpdesk().running() as helpdesk:
        yield helpdesk


@asynccontextmanager
async def relaying(folder: Path, text: str) -> AsyncIterator[Relay]:
    config = folder / "channels.yaml"
    config.write_text(text)

    def load() -> Settings:
        return read_settings(config, {}, serving=True)

    relay = Relay(load(), load, EventLog())
    await relay.start()
    try:
        yield relay
    finally:
        await relay.stop(0)


@pytest.mark.parametrize("mode", ["pass-through", "pass-through-or-spool", "spool"])
async def test_a_relay_tells_what_passed_through_it(tmp_path: Path, desk: Helpdesk, mode: str):
    smtp = free_port()
    desk.refused.add("nobody@desk.company.com")
    text = channels(smtp, desk.port).replace("mode: pass-through", f"mode: {mode}")
    async with relaying(tmp_path, text) as relay:
        metrics = relay.metrics
        await asyncio.to_thread(send, smtp)
        await eventually(lambda: number(metrics, "open_sessions") == 0)
        labels = {"verdict": "auto-closed", "reason": "outbound-copy", "channel": "support"}
        assert number(metrics, "messages_total", **labels) == 1
        assert number(metrics, "sessions_total") == 1
        assert number(metrics, "forward_paths_refused_total", kind="permanent", enhanced="5.1") == 1
        way = "spool" if mode == "spool" else "next-hop"
        assert number(metrics, "client_wait_seconds_count", way=way, hop="smtp") == 1
        assert number(metrics, "received_bytes_total", entrance="smtp") == len(COPY)
        if mode == "spool":
            await eventually(lambda: number(metrics, "spool_attempt_seconds_count", destination="helpdesk"))
            delivered = {"destination": "helpdesk", "outcome": "delivered"}
            assert number(metrics, "spool_outcomes_total", **delivered) == 1
        if mode != "pass-through":
            await eventually(lambda: number(metrics, "queue_up") == 1)
        await assert_reloads_count(relay, tmp_path / "channels.yaml")


def send(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.ehlo()
        client.mail("bounce@crm.example")
        assert client.rcpt("nobody@desk.company.com")[0] == 550
        assert client.rcpt("in@relay.company.net")[0] == 250
        assert client.data(COPY)[0] == 250


def changed(config: Path, old: str, new: str) -> None:
    config.write_text(config.read_text().replace(old, new))


async def assert_reloads_count(relay: Relay, config: Path) -> None:
    assert number(relay.metrics, "channels") == 1
    changed(config, "domains:", "nothing: right\ndomains:")
    assert not await relay.reload()
    assert number(relay.metrics, "last_reload_successful") == 0
    changed(config, "nothing: right", "  more: {address: more@company.com}")
    assert await relay.reload()
    assert number(relay.metrics, "last_reload_successful") == 1
    assert number(relay.metrics, "channels") == 2
    assert number(relay.metrics, "reloads_total", result="taken") == 1
    assert number(relay.metrics, "reloads_total", result="refused") == 1


async def test_a_helpdesk_that_is_down_is_a_next_hop_in_trouble(tmp_path: Path):
    smtp = free_port()
    text = channels(smtp, free_port()).replace("mode: pass-through", "mode: pass-through-or-spool")

    def send_one() -> None:
        with smtplib.SMTP("127.0.0.1", smtp) as client:
            client.sendmail("bounce@crm.example", ["in@relay.company.net"], COPY)

    async with relaying(tmp_path, text) as relay:
        await asyncio.to_thread(send_one)
        assert number(relay.metrics, "next_hop_troubles_total", hop="smtp") >= 1
        assert number(relay.metrics, "client_wait_seconds_count", way="spool", hop="smtp") == 1
        await eventually(lambda: number(relay.metrics, "queue_items", state="waiting") == 1)

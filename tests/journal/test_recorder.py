"""The recorder takes whatever happens at once and writes it soon; where the journal is away it waits, and counts what it loses."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from relay.channels import ChannelBook
from relay.errors import NewerSchemaError
from relay.events import Fault, JournalLost, JournalTrouble
from relay.journal import recorder as module
from relay.journal.entry import Entry, Later, PathEntry, PathState
from relay.journal.query import Query
from relay.journal.recorder import Recorder, Terms
from relay.journal.store import Journal, JournalPlace
from tests.journal.entries import NOON, event
from tests.samples import BOOK

SOON = 20.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GATHER_SECONDS", 0.01)
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.02)


class Wanted:
    """The terms in force, which a test changes."""

    def __init__(self, folder: Path) -> None:
        self.terms = Terms(
            JournalPlace(folder / "journal"), BOOK, keep_subject=False, keep=timedelta(0), max_size=0
        )
        self.events: list[object] = []

    @asynccontextmanager
    async def recorder(self) -> AsyncIterator[Recorder]:
        made = Recorder(lambda: self.terms, self.events.append, lambda: NOON)
        await made.start()
        try:
            yield made
        finally:
            await made.close()

    async def kept(self) -> list[str]:
        journal = await Journal.open(self.terms.place)
        entries = [entry.queue_id async for entry in journal.entries(Query())]
        await journal.close()
        return entries


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    return Wanted(tmp_path)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(SOON):
        while not holds():
            await asyncio.sleep(0.005)


def copy(queue_id: str, **more: object) -> object:
    return event("From: care@shop.example", "To: anna@mail.example", queue_id=queue_id, **more)  # type: ignore[arg-type]


async def test_what_is_taken_is_written_soon_in_order(wanted: Wanted) -> None:
    async with wanted.recorder() as recorder:
        for number in range(600):
            recorder.take(copy(str(number)))  # type: ignore[arg-type]
        await until(lambda: recorder.written == 600)
        assert recorder.waiting == 0
    assert await wanted.kept() == [str(number) for number in range(600)]
    assert wanted.events == []


async def test_what_still_waits_is_written_at_the_end(
    wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_GATHER_SECONDS", 60)
    async with wanted.recorder() as recorder:
        recorder.take(copy("A"))  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        assert recorder.written == 0
    assert await wanted.kept() == ["A"]


async def test_what_comes_while_a_batch_is_written_gathers_for_the_next(
    wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with wanted.recorder() as recorder:
        journal = recorder.journal
        assert journal is not None
        add = journal.add

        async def adding(entries: Sequence[tuple[Entry, ChannelBook]]) -> None:
            monkeypatch.setattr(module, "_GATHER_SECONDS", 60)
            recorder.take(copy("B"))  # type: ignore[arg-type]
            await add(entries)

        monkeypatch.setattr(journal, "add", adding)
        recorder.take(copy("A"))  # type: ignore[arg-type]
        await until(lambda: recorder.written)
        await asyncio.sleep(0.05)
        assert (recorder.written, recorder.waiting) == (1, 1)
        monkeypatch.setattr(journal, "add", add)
    assert await wanted.kept() == ["A", "B"]


async def test_what_was_not_judged_is_not_kept(wanted: Wanted) -> None:
    async with wanted.recorder() as recorder:
        recorder.take(replace(copy("A"), judged=None))  # type: ignore[type-var]
        assert recorder.waiting == 0


async def test_a_journal_that_is_away_at_the_start_is_opened_when_it_comes_and_nothing_is_lost(
    wanted: Wanted,
) -> None:
    folder = wanted.terms.place.folder
    folder.write_text("not a folder")
    async with wanted.recorder() as recorder:
        recorder.take(copy("A"))  # type: ignore[arg-type]
        await asyncio.sleep(0.1)
        assert recorder.journal is None
        assert recorder.written == 0
        folder.unlink()
        await until(lambda: recorder.written == 1)
    assert await wanted.kept() == ["A"]
    assert [type(told) for told in wanted.events] == [JournalTrouble]


async def test_a_journal_that_vanishes_while_running_is_told_once_and_written_again(wanted: Wanted) -> None:
    async with wanted.recorder() as recorder:
        recorder.take(copy("A"))  # type: ignore[arg-type]
        await until(lambda: recorder.written == 1)
        folder = wanted.terms.place.folder
        shutil.rmtree(folder)
        folder.write_text("no folder")
        recorder.take(copy("B"))  # type: ignore[arg-type]
        await until(lambda: wanted.events)
        await asyncio.sleep(0.1)
        folder.unlink()
        folder.mkdir()
        await until(lambda: recorder.written == 2)
    assert await wanted.kept() == ["B"]
    assert [type(told) for told in wanted.events] == [JournalTrouble]


async def test_what_is_too_much_is_lost_oldest_first_and_counted(
    wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    folder = wanted.terms.place.folder
    folder.write_text("no folder")
    async with wanted.recorder() as recorder:
        for name in "ABCDE":
            recorder.take(copy(name))  # type: ignore[arg-type]
        folder.unlink()
        await until(lambda: recorder.written == 3)
        assert recorder.lost == 2
    assert await wanted.kept() == ["C", "D", "E"]
    assert [told.entries for told in wanted.events if isinstance(told, JournalLost)] == [1, 1]


async def test_what_takes_too_much_memory_is_lost_oldest_first_and_counted(
    wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_OCTETS", 100_000)
    folder = wanted.terms.place.folder
    folder.write_text("no folder")
    many = ", ".join(f"{number}@x" for number in range(300))
    async with wanted.recorder() as recorder:
        for name in "ABCDE":
            recorder.take(event(f"To: {many}", queue_id=name))
        await until(lambda: wanted.events)
        assert recorder.waiting == 1
        recorder.take(copy("F"))  # type: ignore[arg-type]
        folder.unlink()
        await until(lambda: recorder.written == 2)
        assert recorder.lost == 4
        for name in "GH":
            recorder.take(copy(name))  # type: ignore[arg-type]
        await until(lambda: recorder.written == 4)
    assert await wanted.kept() == ["E", "F", "G", "H"]


async def test_what_became_of_a_forward_path_is_no_entry_when_it_is_lost(
    wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    folder = wanted.terms.place.folder
    folder.write_text("no folder")
    async with wanted.recorder() as recorder:
        recorder.later(Later("Z", (PathEntry("a@x.example", PathState.DELIVERED, at=NOON),)))
        for name in "AB":
            recorder.take(copy(name))  # type: ignore[arg-type]
        folder.unlink()
        await until(lambda: recorder.written == 2)
        assert recorder.lost == 0
    assert await wanted.kept() == ["A", "B"]


async def test_what_waits_at_the_end_while_the_journal_is_away_is_lost_and_counted(wanted: Wanted) -> None:
    wanted.terms.place.folder.write_text("no folder")
    async with wanted.recorder() as recorder:
        recorder.take(copy("A"))  # type: ignore[arg-type]
        recorder.later(Later("A", (PathEntry("a@x.example", PathState.DELIVERED, at=NOON),)))
    assert recorder.lost == 1


async def test_an_event_that_cannot_be_written_is_lost_alone(wanted: Wanted) -> None:
    async with wanted.recorder() as recorder:
        recorder.take(copy("A"))  # type: ignore[arg-type]
        recorder.take(replace(copy("B"), at=None))  # type: ignore[type-var]
        recorder.take(copy("C"))  # type: ignore[arg-type]
        await until(lambda: recorder.written == 2)
    assert await wanted.kept() == ["A", "C"]
    assert recorder.lost == 1
    assert any(isinstance(told, Fault) for told in wanted.events)


async def test_what_becomes_of_forward_paths_later_is_written_too(wanted: Wanted) -> None:
    async with wanted.recorder() as recorder:
        recorder.take(copy("A", outcome=None))  # type: ignore[arg-type]
        recorder.later(Later("A", (PathEntry("in-1@desk.example", PathState.DELIVERED, "250 ok", at=NOON),)))
        await until(lambda: recorder.written == 1)
        assert recorder.journal is not None
        (entry,) = await recorder.journal.get("A")
        assert entry.paths[0].state is PathState.DELIVERED


async def test_settings_that_name_another_place_or_another_spelling_are_gone_by_at_once(
    wanted: Wanted, tmp_path: Path
) -> None:
    async with wanted.recorder() as recorder:
        recorder.take(copy("A"))  # type: ignore[arg-type]
        await until(lambda: recorder.written == 1)
        wanted.terms = replace(
            wanted.terms, place=JournalPlace(tmp_path / "other", key=b"k", hashed=True), keep_subject=True
        )
        recorder.take(copy("B"))  # type: ignore[arg-type]
        await until(lambda: recorder.written == 2)
        assert recorder.journal is not None
        (entry,) = await recorder.journal.get("B")
        assert "anna" not in repr(entry.view)
    assert await wanted.kept() == ["B"]


async def test_the_journal_is_pruned_by_the_settings_while_it_runs(
    wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PRUNE_SECONDS", 0.02)
    wanted.terms = replace(wanted.terms, keep=timedelta(days=1))
    async with wanted.recorder() as recorder:
        recorder.take(copy("old", at=NOON - timedelta(days=2)))  # type: ignore[arg-type]
        recorder.take(copy("new"))  # type: ignore[arg-type]
        await until(lambda: recorder.written == 2)
        async with asyncio.timeout(SOON):
            while [entry.queue_id for entry in await recorder.journal.find(Query(), most=9)] != ["new"]:  # type: ignore[union-attr]
                await asyncio.sleep(0.01)


async def test_a_newer_journal_is_left_alone(wanted: Wanted, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_place: JournalPlace, *, may_upgrade: bool = True) -> Journal:
        raise NewerSchemaError("newer")

    monkeypatch.setattr(module, "Journal", type("Newer", (), {"open": staticmethod(refuse)}))
    async with wanted.recorder() as recorder:
        recorder.take(copy("A"))  # type: ignore[arg-type]
        await until(lambda: wanted.events)
    assert recorder.lost == 1


async def test_what_comes_while_a_full_row_is_being_written_takes_nothing_unwritten_along(
    wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    async with wanted.recorder() as recorder:
        for name in "ABC":
            recorder.take(copy(name))  # type: ignore[arg-type]
        await until(lambda: recorder.waiting == 0)
        for name in "DEF":
            recorder.take(copy(name))  # type: ignore[arg-type]
        await until(lambda: recorder.written == 6)
    assert await wanted.kept() == list("ABCDEF")


@pytest.mark.parametrize("apart", [False, True])
async def test_every_attempt_counts_whether_it_is_written_with_its_entry_or_later(
    wanted: Wanted, monkeypatch: pytest.MonkeyPatch, apart: bool
) -> None:
    if not apart:
        monkeypatch.setattr(module, "_GATHER_SECONDS", 0.3)
    paths = ("in-1@desk.example", "in-2@desk.example")
    async with wanted.recorder() as recorder:
        recorder.take(copy("A", outcome=None, rcpt_to=paths))  # type: ignore[arg-type]
        if apart:
            await until(lambda: recorder.written == 1)
        for path, state in zip(
            (*paths, paths[0]), (PathState.DEFERRED, PathState.FAILED, PathState.DELIVERED), strict=True
        ):
            recorder.later(Later("A", (PathEntry(path, state, str(state), at=NOON),)))
        await until(lambda: recorder.waiting == 0)
        await asyncio.sleep(0.05)
        assert recorder.journal is not None
        (entry,) = await recorder.journal.get("A")
        assert [(path.path, path.state, path.words, path.at) for path in entry.paths] == [
            (paths[0], PathState.DELIVERED, "delivered", NOON),
            (paths[1], PathState.FAILED, "failed", NOON),
        ]

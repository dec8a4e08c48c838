"""The journal on a real PostgreSQL: every rule of the store, and what several relays share."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from relay.errors import NotDurableError, UnavailableError
from relay.journal.query import Query
from relay.journal.store import Journal, JournalPlace
from tests.journal.entries import NOON, copy
from tests.journal.test_store import *  # noqa: F403 - every rule holds here too
from tests.journal.test_store import keep
from tests.peers.postgresql import PostgreSQL, postgresql

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with postgresql() as running:
        yield running


@pytest.fixture
def place(server: PostgreSQL, tmp_path: Path) -> JournalPlace:
    return JournalPlace(tmp_path / "journal", server.database())


@pytest_asyncio.fixture
async def journal(place: JournalPlace) -> AsyncIterator[Journal]:
    opened = await Journal.open(place)
    yield opened
    await opened.close()


async def test_relays_that_start_together_make_one_journal_and_count_together(
    place: JournalPlace, tmp_path: Path
) -> None:
    one, other = await asyncio.gather(
        Journal.open(place), Journal.open(replace(place, folder=tmp_path / "other"))
    )
    await asyncio.gather(
        *(
            keep(relay, *map(copy, range(start, start + 25)))
            for start in range(0, 400, 50)
            for relay in (one, other)
        )
    )
    entries = [entry.number async for entry in one.entries(Query())]
    assert len(set(entries)) == len(entries) == 400
    day = NOON.astimezone().date()
    assert sum(count.messages for count in await other.counts(day, day + timedelta(days=1), 9)) == 400
    await asyncio.gather(one.close(), other.close())


async def test_the_oldest_go_until_the_journal_is_small_enough_and_no_more(journal: Journal) -> None:
    for start in range(0, 4000, 500):
        await keep(journal, *map(copy, range(start, start + 500)))
    await asyncio.sleep(1.5)  # the server tells its sizes late
    before = await journal.size()
    most = before.octets // 2
    assert 500 < await journal.prune(timedelta(0), most, NOON) < 3500
    left = (await journal.size()).entries
    assert 500 < left < 3500


async def test_a_server_that_goes_and_comes_back_needs_no_new_start(
    place: JournalPlace, server: PostgreSQL
) -> None:
    journal = await Journal.open(place)
    server.stop()
    with pytest.raises(NotDurableError):
        await keep(journal, copy(1))
    with pytest.raises(UnavailableError):
        await journal.find(Query(), most=1)
    server.start()
    await keep(journal, copy(2))
    assert len(await journal.find(Query(), most=9)) == 1
    await journal.close()

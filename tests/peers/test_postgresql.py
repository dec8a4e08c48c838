"""The spool on a real PostgreSQL: every rule of the store, and those that only several relays can break."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from relay.spool.store import SpoolPlace, Store
from tests.peers.postgresql import PostgreSQL, postgresql
from tests.spool.mail import Time
from tests.spool.test_store import *  # noqa: F403 - every rule holds here too

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with postgresql() as running:
        yield running


@pytest.fixture
def place(server: PostgreSQL, tmp_path: Path) -> SpoolPlace:
    return SpoolPlace(tmp_path / "spool", server.database())


@pytest.fixture
def time() -> Time:
    return Time()


@pytest_asyncio.fixture
async def store(place: SpoolPlace, time: Time) -> AsyncIterator[Store]:
    opened = await Store.open(place, now=time.now)
    yield opened
    await opened.close()

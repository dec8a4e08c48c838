"""Fixtures of the spool's tests: a place, a time, a store."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from relay.spool.store import SpoolPlace, Store
from tests.spool.mail import Time


@pytest.fixture(scope="session")
def empty_spool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spool as a relay leaves it that had nothing to do."""
    folder = tmp_path_factory.mktemp("empty") / "spool"

    async def make() -> None:
        store = await Store.open(SpoolPlace(folder), now=Time().now)
        await store.close()

    asyncio.run(make())
    return folder


@pytest.fixture
def place(tmp_path: Path, empty_spool: Path) -> SpoolPlace:
    return SpoolPlace(shutil.copytree(empty_spool, tmp_path / "spool"))


@pytest.fixture
def time() -> Time:
    return Time()


@pytest_asyncio.fixture
async def store(place: SpoolPlace, time: Time) -> AsyncIterator[Store]:
    opened = await Store.open(place, now=time.now)
    yield opened
    await opened.close()

"""Fixtures of the journal's tests: a place, and a journal in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from relay.journal.store import Journal, JournalPlace


@pytest.fixture
def place(tmp_path: Path) -> JournalPlace:
    return JournalPlace(tmp_path / "journal")


@pytest_asyncio.fixture
async def journal(place: JournalPlace) -> AsyncIterator[Journal]:
    opened = await Journal.open(place)
    yield opened
    await opened.close()

"""Fixtures of the tests of pages and API: a real journal, a real spool."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest_asyncio

from relay.journal.store import Journal, JournalPlace
from relay.spool.store import SpoolPlace, Store


@pytest_asyncio.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = await Journal.open(JournalPlace(tmp_path / "journal"))
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(SpoolPlace(tmp_path / "spool"), now=lambda: datetime.now(UTC))
    yield opened
    await opened.close()

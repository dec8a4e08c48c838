"""What a relay has in hand when it is told to stop."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from relay.service.log import EventLog
from relay.service.relay import Relay
from relay.settings.model import Settings
from relay.settings.parse import read_settings
from tests.live import Helpdesk, free_port
from tests.service.test_live_digest import keep, text


@pytest.fixture
def world() -> Iterator[Helpdesk]:
    with Helpdesk().running() as server:
        yield server


async def test_a_digest_that_is_being_claimed_when_the_relay_is_told_to_stop_is_sent(
    tmp_path: Path, world: Helpdesk
):
    config = tmp_path / "channels.yaml"
    config.write_text(text(free_port(), free_port(), world.port))
    await asyncio.to_thread(keep, config, ("To: anna@customer.example", "X-Mailer: CRM 9"))

    def load() -> Settings:
        return read_settings(config, {}, serving=True)

    relay = Relay(load(), load, EventLog())
    await relay.start()
    journal = sqlite3.connect(tmp_path / "var" / "journal" / "journal.sqlite", isolation_level=None)
    with closing(journal):
        journal.execute("BEGIN IMMEDIATE")  # the claim waits
        await asyncio.sleep(0.5)
        stop = asyncio.create_task(relay.stop())
        await asyncio.sleep(0.2)
        journal.execute("ROLLBACK")
        await stop
    again = Relay(load(), load, EventLog())
    await again.start()
    try:
        async with asyncio.timeout(20):
            while not world.got:
                await asyncio.sleep(0.01)
    finally:
        await again.stop()
    (got,) = world.got
    assert got.forward_paths == ["lead@company.com"]

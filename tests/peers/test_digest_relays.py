"""Relays that share a PostgreSQL journal and spool send one digest between them."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import Helpdesk, Process, free_port
from tests.peers.postgresql import PostgreSQL, postgresql
from tests.service.test_live_digest import keep, text
from tests.service.test_live_spool import eventually

pytestmark = pytest.mark.peers


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    with postgresql() as running:
        yield running


def test_relays_that_share_a_journal_send_one_digest(tmp_path: Path, server: PostgreSQL):
    url = server.database()
    ports = [free_port() for _ in range(3)]
    with Helpdesk().running() as desk, Helpdesk().running() as world:
        relays = []
        for port in ports:
            folder = tmp_path / str(port)
            folder.mkdir()
            shared = f'spool: {{url: "{url}"}}\nweb: {{key: a-key-that-all-of-them-share-0123456789}}\n'
            relays.append(Process(folder, text(port, desk.port, world.port) + shared))
        keep(relays[0].config, ("To: anna@customer.example", "X-Mailer: CRM 9"))
        for relay in relays:
            relay.start()
        try:
            for relay, port in zip(relays, ports, strict=True):
                relay.waits_for(port)
            eventually(lambda: world.got, 40)
            time.sleep(2)
        finally:
            for relay in relays:
                relay.stop()
    (got,) = world.got
    assert got.forward_paths == ["lead@company.com"]
    assert sum(relay.said().count('"event": "digest"') for relay in relays) == 1
    assert not any("a digest cannot be sent now" in relay.said() for relay in relays)

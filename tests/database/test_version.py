"""Schemas have a version: they are upgraded in place where they are older, and refused where they are newer."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from relay.database.database import open_database
from relay.database.engine import begin_writing, sqlite_engine
from relay.database.upgrade import _configured, upgrade
from relay.database.version import VERSIONS, make_current, version_of
from relay.errors import NewerSchemaError, UnavailableError
from relay.journal.entry import PathState
from relay.journal.query import Query
from relay.journal.store import Journal, JournalPlace
from relay.journal.store.schema import METADATA as JOURNAL
from relay.spool.item import State
from relay.spool.store import SpoolPlace, Store
from relay.spool.store.schema import METADATA as SPOOL
from tests.samples import box
from tests.spool.mail import HEAD, NOON, STAMPED, Time, items_of, octets
from tests.spool.test_kept import original

HERE = Path(__file__).parent


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    made = sqlite_engine(tmp_path / "spool.sqlite")
    yield made
    made.dispose()


def writing(engine: sa.Engine, act: Callable[[sa.Connection], object]) -> None:
    with engine.connect() as connection, begin_writing(connection):
        act(connection)


@pytest.mark.parametrize(("area", "tables"), [("spool", SPOOL), ("journal", JOURNAL)])
def test_the_migrations_lead_to_the_tables_that_the_program_works_with(
    engine: sa.Engine, area: str, tables: sa.MetaData
):
    writing(engine, lambda connection: make_current(connection, area))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or name != f"{area}_version"},
        )
        assert compare_metadata(context, tables) == []


def test_the_versions_that_the_program_names_are_those_of_the_migrations(engine: sa.Engine):
    with engine.connect() as connection:
        for area, versions in VERSIONS.items():
            script = ScriptDirectory.from_config(_configured(connection, area))
            assert tuple(reversed([one.revision for one in script.walk_revisions()])) == versions


@pytest.mark.parametrize("version", VERSIONS["spool"])
async def test_a_spool_of_every_version_is_upgraded_with_all_that_waits_in_it(tmp_path: Path, version: str):
    place = SpoolPlace(tmp_path / "spool")
    place.folder.mkdir()
    with closing(sqlite3.connect(place.file)) as old:
        old.executescript((HERE / f"spool-{version}.sql").read_text())
    store = await Store.open(place, now=Time().now)
    one, other, two = await items_of(store)
    assert [await octets(store, item) for item in (one, other, two)] == [
        STAMPED + b"How are you?\r\n",
        HEAD + b"How are you?\r\n",
        STAMPED + b"\0\xff\r\n",
    ]
    assert (one.channel, one.reason, one.state) == ("care", "outbound-copy", State.WAITING)
    assert [path.text for path in other.forward_paths] == ["bob@other.example"]
    assert (two.state, two.unknowns, two.reverse_path.text, two.reverse_path.smtputf8) == (
        State.HELD,
        1,
        "",
        True,
    )
    assert sorted([one.attempts, other.attempts]) == [0, 1]
    assert one.accepted_at == NOON
    if version >= "0002":
        assert await original(store, "Q-9") == HEAD + b"How was it?\r\n"
    await store.close()
    with closing(sqlite3.connect(place.file)) as new:
        assert new.execute("SELECT version_num FROM spool_version").fetchall() == [(VERSIONS["spool"][-1],)]


@pytest.mark.parametrize("version", VERSIONS["journal"])
async def test_a_journal_of_every_version_is_upgraded_with_all_that_is_in_it(tmp_path: Path, version: str):
    place = JournalPlace(tmp_path / "journal")
    place.folder.mkdir()
    with closing(sqlite3.connect(place.file)) as old:
        old.executescript((HERE / f"journal-{version}.sql").read_text())
    journal = await Journal.open(place)
    (asked,) = await journal.get("R")
    (copied,) = await journal.find(Query(about="anna1@mail.example"), most=9)
    assert (asked.queue_id, copied.queue_id) == ("B", "A")
    assert copied.paths[0].state is PathState.DEFERRED
    assert copied.reopened is not None
    assert [look.who for look in await journal.looks("A")] == ["anna"]
    assert not await journal.claim_digest("care", date(2026, 3, 4))
    assert await journal.forget(box("anna1@mail.example")) == ("A",)
    await journal.close()
    with closing(sqlite3.connect(place.file)) as new:
        assert new.execute("SELECT version_num FROM journal_version").fetchall() == [
            (VERSIONS["journal"][-1],)
        ]


async def test_a_newer_schema_is_refused_in_one_clear_sentence_and_left_alone(tmp_path: Path):
    place = SpoolPlace(tmp_path / "spool")
    store = await Store.open(place, now=Time().now)
    await store.close()
    with closing(sqlite3.connect(place.file)) as raw:
        raw.execute("UPDATE spool_version SET version_num = '0999'")
        raw.commit()
    before = place.file.read_bytes()
    for serving in (True, False):
        with pytest.raises(
            NewerSchemaError, match=r"schema 0999 and this helpdesk-relay knows only up to \d{4}"
        ):
            await Store.open(place, now=Time().now, serving=serving)
    assert place.file.read_bytes() == before


def test_who_may_not_upgrade_says_what_to_do(tmp_path: Path):
    with pytest.raises(UnavailableError, match="start the relay once"):
        open_database("spool", file=tmp_path / "spool.sqlite", url=None, may_upgrade=False)


def test_an_upgrade_that_fails_leaves_nothing_behind(engine: sa.Engine):
    def half(connection: sa.Connection) -> None:
        upgrade(connection, "spool")
        raise ValueError("the power is gone")

    with pytest.raises(ValueError, match="power"):
        writing(engine, half)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
        assert version_of(connection, "spool") is None


@pytest.mark.parametrize(
    "url", ["no url", "postgresql://:port", "postgresql://127.0.0.1:1/nothing?connect_timeout=2"]
)
def test_a_server_that_is_not_there_is_said_in_one_sentence(tmp_path: Path, url: str):
    with pytest.raises(UnavailableError) as told:
        open_database("spool", file=tmp_path / "unused", url=url)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "unused").exists()

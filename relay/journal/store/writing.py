"""Writing batches of entries: rows, what finds them, and counts, in one transaction."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from relay.channels import ChannelBook
from relay.database.columns import plain, to_number
from relay.database.engine import free_share, insert_rows, is_sqlite, run_on_sqlite
from relay.database.turns import in_turns
from relay.errors import NotDurableError
from relay.journal.entry import Entry, Later
from relay.journal.query import Look
from relay.journal.store.place import JournalPlace
from relay.journal.store.rows import ENTRY_COLUMNS, addresses_of, day_of, fit, path_row, prepared, row_of
from relay.journal.store.schema import ADDRESS, COUNT, DIGEST, ENTRY, FORGOTTEN, LOOK, PATH

_LEFT_FOR_MAIL = 64 * 1024 * 1024
"""Octets of the disk that the journal leaves free; twice what the spool leaves."""
_SHARE_FOR_MAIL = 5
"""Of a small disk, this part."""

_KIND = ("day", "channel", "verdict", "reason", "doubtful")
"""The columns by which messages are counted, in the order of COUNT's primary key."""
_COUNT_MORE = (
    f"ON CONFLICT ({', '.join(_KIND)}) DO UPDATE SET messages = {COUNT.name}.messages + excluded.messages"
)

Batch = Sequence[tuple[Entry, ChannelBook]]


class Writing:
    """Statements that write, for a journal at ``place``."""

    def __init__(self, place: JournalPlace) -> None:
        self._place = place

    def add(self, connection: sa.Connection, batches: Sequence[Batch]) -> Sequence[None]:
        """Write batches of entries."""
        self._require_room(connection)
        entries = [prepared(entry, book, self._place) for batch in batches for entry, book in batch]
        if entries:
            first = _first_number(connection, len(entries))
            _insert(connection, entries, first, self._place.key if self._place.hashed else b"")
            _count(connection, entries)
        return (None,) * len(batches)

    def add_paths(
        self, connection: sa.Connection, batches: Sequence[tuple[Sequence[Later], ChannelBook]]
    ) -> Sequence[None]:
        """Write what became of forward-paths; the last word on each stays.  Of what was forgotten nothing is written."""
        self._require_room(connection)
        rows: dict[tuple[str, str], tuple[object, ...]] = {}
        for batch, book in batches:
            for later in in_turns(batch):
                for path in later.paths:
                    queue_id, named, at, record = path_row(later.queue_id, path, book, self._place)
                    rows[queue_id, named] = (queue_id, named, at, record)
        newer = "ON CONFLICT (queue_id, path) DO UPDATE SET at = excluded.at, record = excluded.record"
        columns = ("queue_id", "path", "at", "record")
        forgotten = _forgotten(connection, {queue_id for queue_id, _ in rows})
        kept = [rows[key] for key in sorted(rows) if key[0] not in forgotten]
        insert_rows(connection, PATH, columns, kept, newer)
        return (None,) * len(batches)

    def _require_room(self, connection: sa.Connection) -> None:
        """Leave what is left of the disk to mail."""
        if is_sqlite(connection):
            free, whole = free_share(self._place.folder)
            if free < min(_LEFT_FOR_MAIL, whole // _SHARE_FOR_MAIL):
                raise NotDurableError("the disk is nearly full, and what is left is for mail")


def look(connection: sa.Connection, looks: Sequence[tuple[str, Look]]) -> Sequence[None]:
    """Note who looked at entries."""
    rows = [{"ref": plain(ref), "at": to_number(one.at), "who": fit(one.who)} for ref, one in looks]
    connection.execute(sa.insert(LOOK), rows)
    return (None,) * len(looks)


def reopen(connection: sa.Connection, wishes: Sequence[tuple[str, Look]]) -> Sequence[bool]:
    """Mark entries as reopened, each once; False for one that is already, or is not there."""
    done = []
    for ref, by in wishes:
        meant = sa.and_(_named(ref), ENTRY.c.reopened_at.is_(None))
        change = sa.update(ENTRY).where(meant).values(reopened_at=to_number(by.at), reopened_by=fit(by.who))
        done.append(connection.execute(change).rowcount > 0)
    return done


def claim_digest(connection: sa.Connection, claims: Sequence[tuple[str, str]]) -> Sequence[bool]:
    """Claim digests, each channel and day once."""
    done = []
    for channel, day in claims:
        insert = _upsert(connection, DIGEST).values(channel=channel, day=day).on_conflict_do_nothing()
        done.append(connection.execute(insert.returning(DIGEST.c.day)).first() is not None)
    return done


def give_digest_back(connection: sa.Connection, claims: Sequence[tuple[str, str]]) -> Sequence[None]:
    """Undo claims of digests."""
    for channel, day in claims:
        connection.execute(sa.delete(DIGEST).where(DIGEST.c.channel == channel, DIGEST.c.day == day))
    return (None,) * len(claims)


def _named(ref: str) -> sa.ColumnElement[bool]:
    known = plain(ref)
    return sa.or_(ENTRY.c.ref == known, sa.and_(ENTRY.c.queue_id == known, ENTRY.c.ref.is_(None)))


def _first_number(connection: sa.Connection, count: int) -> int:
    """Return the first of ``count`` numbers in a row that nobody else gets."""
    if is_sqlite(connection):  # we hold the write lock
        found = run_on_sqlite(connection, "SELECT seq FROM sqlite_sequence WHERE name = 'journal_entry'")
        return int(found[0][0]) + 1 if found else 1
    sequence = "pg_get_serial_sequence('journal_entry', 'number')"
    step = f"SELECT setval({sequence}, nextval({sequence}) + {count - 1:d})"
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7021874216)")
    last = connection.exec_driver_sql(step).scalar_one()
    return int(last) - count + 1


def _insert(connection: sa.Connection, entries: Sequence[Entry], first: int, key: bytes) -> None:
    rows: list[tuple[object, ...]] = []
    found_by: list[tuple[object, ...]] = []
    for number, entry in enumerate(in_turns(entries), first):
        addresses = addresses_of(entry, key)
        rows.append(row_of(entry, number, addresses))
        found_by += [(address, number) for address in set(addresses.values())]
    insert_rows(connection, ENTRY, ENTRY_COLUMNS, rows)
    insert_rows(connection, ADDRESS, ("address", "number"), found_by)


def _count(connection: sa.Connection, entries: Sequence[Entry]) -> None:
    counted: Counter[tuple[str, str, str, str, int]] = Counter()
    for entry in entries:
        verdict = entry.verdict
        channel = verdict.channel.name if verdict.channel else ""
        disposition, reason = str(verdict.disposition), str(verdict.reason)
        counted[day_of(entry), channel, disposition, reason, int(entry.doubtful)] += 1
    rows = [(*kind, counted[kind]) for kind in sorted(counted)]
    insert_rows(connection, COUNT, (*_KIND, "messages"), rows, _COUNT_MORE)


def _forgotten(connection: sa.Connection, queue_ids: Iterable[str]) -> set[str]:
    meant = FORGOTTEN.c.queue_id.in_(sorted(queue_ids))
    return set(connection.execute(sa.select(FORGOTTEN.c.queue_id).where(meant)).scalars())


def _upsert(connection: sa.Connection, table: sa.Table) -> Any:
    """Return an INSERT that may say what to do on a conflict; both engines have it, each in its own words."""
    return sqlite.insert(table) if is_sqlite(connection) else postgresql.insert(table)

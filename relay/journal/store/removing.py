"""Pruning by age and size, and forgetting an address; always a bounded number of rows in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from relay.database.engine import insert_rows, is_sqlite
from relay.journal.entry import Entry, PathState
from relay.journal.store.asking import paths_of
from relay.journal.store.rows import entry_of_row, fit, path_of_row
from relay.journal.store.schema import ADDRESS, COUNT, DIGEST, ENTRY, FORGOTTEN, LOOK, PATH
from relay.mail.address import Mailbox, parse_mailbox

AT_ONCE = 500
"""Entries that one transaction removes, so that whoever writes does not wait long."""


_PAGES_GIVEN_BACK = 2000
"""To the disk, after each removal."""
_OVERHEAD = 600
"""Octets that an entry takes besides its record: columns, indexes, what finds it; roughly."""
_SETTLED = frozenset({PathState.DELIVERED, PathState.LEFT})
"""Nothing more is told of such a forward-path."""


@dataclass(frozen=True, slots=True)
class Aged:
    """What is too old."""

    before: int
    """Microseconds; older entries go."""
    first_day: str
    """Counts of earlier days go."""


def prune_aged(connection: sa.Connection, wishes: Sequence[Aged]) -> Sequence[int]:
    """Remove a first part of what is too old; return how many entries went, 0 when there is nothing left to remove."""
    return [_prune_aged(connection, aged) for aged in wishes]


def _prune_aged(connection: sa.Connection, aged: Aged) -> int:
    old = sa.select(ENTRY.c.number).where(ENTRY.c.at < aged.before).order_by(ENTRY.c.at).limit(AT_ONCE)
    gone = connection.execute(old).scalars().all()
    remove(connection, gone)
    connection.execute(sa.delete(PATH).where(PATH.c.at < aged.before))
    connection.execute(sa.delete(LOOK).where(LOOK.c.at < aged.before))
    connection.execute(sa.delete(COUNT).where(COUNT.c.day < aged.first_day))
    connection.execute(sa.delete(DIGEST).where(DIGEST.c.day < aged.first_day))
    return len(gone)


def prune_oldest(connection: sa.Connection, excesses: Sequence[int]) -> Sequence[tuple[int, int]]:
    """Remove the oldest entries, ``AT_ONCE`` at most, until they took as many octets as is too much.

    Returns for each how many went and how many octets they took: an estimate, a server knows its sizes only later.
    """
    return [_prune_oldest(connection, excess) for excess in excesses]


def _prune_oldest(connection: sa.Connection, excess: int) -> tuple[int, int]:
    lengths = sa.func.length(ENTRY.c.record) + sa.func.length(ENTRY.c.words)
    oldest = sa.select(ENTRY.c.number, lengths).order_by(ENTRY.c.number).limit(AT_ONCE)
    gone, freed = [], 0
    for number, length in connection.execute(oldest):
        if freed >= excess:
            break
        gone.append(number)
        freed += length + _OVERHEAD
    remove(connection, gone)
    for table in (PATH, LOOK):  # what is older than every entry belongs to none
        connection.execute(
            sa.delete(table).where(table.c.at < sa.select(sa.func.min(ENTRY.c.at)).scalar_subquery())
        )
    return len(gone), freed


_DELETE_PATH = sa.delete(PATH).where(PATH.c.queue_id == sa.bindparam("of"), PATH.c.path == sa.bindparam("to"))


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What is to be removed of one address."""

    numbers: tuple[int, ...]
    """Those of ``ADDRESS``."""
    addresses: tuple[Mailbox, ...]
    """As they may stand in ``PATH``."""


def forget(connection: sa.Connection, wishes: Sequence[Forgotten]) -> Sequence[tuple[str, ...]]:
    """Remove a first part of the entries that name an address; return their queue ids, none when nothing is left.

    Of those that may wait yet the queue ids stay: what becomes of them would bring the address back.
    """
    return [_forget(connection, wish) for wish in wishes]


def _forget(connection: sa.Connection, wish: Forgotten) -> tuple[str, ...]:
    of_it = sa.select(ADDRESS.c.number).where(ADDRESS.c.address.in_(wish.numbers)).limit(AT_ONCE)
    rows = connection.execute(sa.select(ENTRY).where(ENTRY.c.number.in_(of_it))).all()
    queue_ids = [row.queue_id for row in rows]
    later = paths_of(connection, queue_ids)
    waiting = {row.queue_id for row in rows if _waits(entry_of_row(row, later.get(row.queue_id, ())))}
    insert_rows(connection, FORGOTTEN, ("queue_id",), [(one,) for one in waiting], "ON CONFLICT DO NOTHING")
    remove(connection, [row.number for row in rows])
    connection.execute(sa.delete(ADDRESS).where(ADDRESS.c.number.in_([row.number for row in rows])))
    connection.execute(sa.delete(PATH).where(PATH.c.queue_id.in_(queue_ids)))
    _forget_paths(connection, wish)
    connection.execute(sa.delete(LOOK).where(LOOK.c.ref.in_([row.ref or row.queue_id for row in rows])))
    return tuple(queue_ids)


def _forget_paths(connection: sa.Connection, wish: Forgotten) -> None:
    """Remove what is noted of forward-paths whose entries are gone; of what waits yet nothing more is to come."""
    plainly = {fit(str(address)).lower() for address in wish.addresses}
    written = sa.or_(
        sa.func.lower(PATH.c.path).in_(plainly), PATH.c.path.contains('"'), _beyond_ascii(connection)
    )
    rows = [
        row
        for row in connection.execute(sa.select(PATH).where(written))
        if row.path.lower() in plainly or parse_mailbox(row.path) in wish.addresses
    ]
    waiting = {row.queue_id for row in rows if path_of_row(row).state not in _SETTLED}
    insert_rows(connection, FORGOTTEN, ("queue_id",), [(one,) for one in waiting], "ON CONFLICT DO NOTHING")
    if rows:
        connection.execute(_DELETE_PATH, [{"of": row.queue_id, "to": row.path} for row in rows])


def _beyond_ascii(connection: sa.Connection) -> sa.ColumnElement[bool]:
    """Tell which forward-paths an engine may not know in small letters."""
    octets = sa.cast(PATH.c.path, sa.LargeBinary)
    size = sa.func.length(octets) if is_sqlite(connection) else sa.func.octet_length(PATH.c.path)
    return size != sa.func.length(PATH.c.path)


def _waits(entry: Entry) -> bool:
    """Return whether something may be told of the entry's forward-paths yet; what is refused is reported by the spool."""
    return any(path.state not in _SETTLED for path in entry.paths)


def remove(connection: sa.Connection, numbers: Sequence[int]) -> None:
    """Remove entries and what finds them."""
    if numbers:
        connection.execute(sa.delete(ADDRESS).where(ADDRESS.c.number.in_(numbers)))
        connection.execute(sa.delete(ENTRY).where(ENTRY.c.number.in_(numbers)))
        if is_sqlite(connection):
            raw: Any = connection.connection.driver_connection
            raw.execute(f"PRAGMA incremental_vacuum({_PAGES_GIVEN_BACK})").fetchall()

"""Questions to the journal: what a person types, filters, counts."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from relay.database.columns import number_of, plain, to_number, to_time
from relay.database.engine import is_sqlite
from relay.journal.entry import Entry, PathEntry
from relay.journal.hashing import address_number, hashed
from relay.journal.query import Look, Query, Size
from relay.journal.store.place import JournalPlace
from relay.journal.store.rows import entry_of_row, fit, path_of_row
from relay.journal.store.schema import ADDRESS, ENTRY, LOOK, PATH
from relay.mail.address import Mailbox, parse_mailbox

MOST_OF_ONE_NAME = 100
_NEWEST_READ = 50_000
"""Entries in which a part of an address or a subject is looked for; a whole address is found in all."""
_IN_BRACKETS = re.compile(r"[^<>]*<([^<>\s]+)>")

Condition = sa.ColumnElement[bool]
Way = tuple[sa.Select[Any], sa.Column[int]]
"""Entries, and the column by whose order they are read."""


class Asking:
    """Statements that read, for a journal at ``place``."""

    def __init__(self, place: JournalPlace) -> None:
        self._place = place

    def find(
        self, connection: sa.Connection, query: Query, most: int, before: int | None
    ) -> tuple[Entry, ...]:
        """Return up to ``most`` entries, newest first."""
        found: dict[int, Entry] = {}
        for rows, number in self._ways(connection, query):
            below = rows if before is None else rows.where(number < before)
            found |= _by_number(_fetched(connection, below.order_by(number.desc()).limit(most)))
        return tuple([found[number] for number in sorted(found, reverse=True)[:most]])

    def page(self, connection: sa.Connection, query: Query, after: int, most: int) -> tuple[Entry, ...]:
        """Return up to ``most`` entries above the number ``after``, oldest first."""
        found: dict[int, Entry] = {}
        for rows, number in self._ways(connection, query):
            above = rows.where(number > after).order_by(number).limit(most)
            found |= _by_number(_fetched(connection, above))
        return tuple([found[number] for number in sorted(found)[:most]])

    def get(self, connection: sa.Connection, name: str) -> tuple[Entry, ...]:
        """Return the entries that a person means by ``name``."""
        named = sa.select(ENTRY).where(_called(name)).order_by(ENTRY.c.number.desc())
        return _fetched(connection, named.limit(MOST_OF_ONE_NAME))

    def same_message(self, connection: sa.Connection, message_id: str) -> tuple[Entry, ...]:
        """Return the entries of one Message-ID, oldest first."""
        if not message_id:
            return ()
        of_it = sa.select(ENTRY).where(ENTRY.c.message_id == fit(message_id)).order_by(ENTRY.c.number)
        return _fetched(connection, of_it.limit(MOST_OF_ONE_NAME))

    def numbers(self, address: Mailbox) -> tuple[int, ...]:
        """Return what an address may be found by: as it is, and hashed."""
        key = self._place.key
        spellings = {address_number(address), address_number(address, key)}
        if key:
            stand_in = hashed(address, key)
            spellings |= {address_number(stand_in), address_number(stand_in, key)}
        return tuple(sorted(spellings))

    def _ways(self, connection: sa.Connection, query: Query) -> Iterator[Way]:
        """Yield the ways to what is meant: each by an index of its own, which no index does that are joined by OR."""
        conditions = list(self._conditions(query))
        people = [parse_mailbox(text) for text in (query.author, query.about) if text is not None]
        text = _typed(query.text) if query.text is not None else None
        if text is not None:
            conditions += [self._about(one) for one in people]
            yield _all().where(_called(text), *conditions), ENTRY.c.number
            yield _all().where(*_holds(connection, text), *conditions), ENTRY.c.number
            people = [address] if (address := parse_mailbox(text.strip("<>"))) is not None else []
        elif not people:
            yield _all().where(*conditions), ENTRY.c.number
        for first in people[:1]:
            conditions += [self._about(one) for one in people[1:]]
            for number in self.numbers(first) if first is not None else ():
                of_it = sa.and_(ADDRESS.c.number == ENTRY.c.number, ADDRESS.c.address == number)
                yield _all().join(ADDRESS, of_it).where(*conditions), ADDRESS.c.number

    def _about(self, address: Mailbox | None) -> Condition:
        """Return the condition that an entry names ``address``."""
        of_it = sa.select(ADDRESS.c.number).where(
            ADDRESS.c.address.in_(self.numbers(address) if address else ())
        )
        return ENTRY.c.number.in_(of_it)

    def _conditions(self, query: Query) -> Iterable[Condition]:
        for column, wanted in (
            (ENTRY.c.verdict, query.verdict),
            (ENTRY.c.reason, query.reason),
            (ENTRY.c.channel, query.channel),
        ):
            if wanted is not None:
                yield column == plain(wanted)
        if query.doubtful:
            yield ENTRY.c.doubtful == 1
        if query.author is not None and (author := parse_mailbox(query.author)) is not None:
            yield ENTRY.c.author.in_(self.numbers(author))
        yield from _in_span(query)


def _all() -> sa.Select[Any]:
    return sa.select(ENTRY)


def _by_number(entries: Iterable[Entry]) -> dict[int, Entry]:
    return {entry.number: entry for entry in entries}


def _fetched(connection: sa.Connection, meant: sa.Select[Any]) -> tuple[Entry, ...]:
    rows = connection.execute(meant).all()
    later = paths_of(connection, [row.queue_id for row in rows])
    return tuple([entry_of_row(row, later.get(row.queue_id, ())) for row in rows])


def _in_span(query: Query) -> Iterable[Condition]:
    if query.since is not None:
        yield ENTRY.c.at >= to_number(query.since)
    if query.until is not None:
        yield ENTRY.c.at < to_number(query.until)


def size(connection: sa.Connection) -> Size:
    """Return how large the journal is."""
    entries = connection.execute(sa.select(sa.func.count()).select_from(ENTRY)).scalar_one()
    oldest = connection.execute(sa.select(sa.func.min(ENTRY.c.at))).scalar()
    return Size(entries, octets(connection), None if oldest is None else to_time(oldest).astimezone())


def octets(connection: sa.Connection) -> int:
    """Return the octets that the journal takes; what is free inside its tables does not count."""
    if is_sqlite(connection):
        pages, free, page = (
            int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * page
    total: Any = connection.exec_driver_sql(_SIZE_ON_POSTGRESQL).scalar_one()
    return int(total)


_SIZE_ON_POSTGRESQL = """
SELECT coalesce(sum(pg_total_relation_size(relid) * (n_live_tup + 1.0) / (n_live_tup + n_dead_tup + 1.0)), 0)::bigint
FROM pg_stat_user_tables WHERE relname LIKE 'journal\\_%%' AND schemaname = current_schema()
"""
"""A server gives room back to its tables, seldom to the disk: rows that are dead count as free."""


def looks(connection: sa.Connection, ref: str) -> tuple[Look, ...]:
    """Return who looked at an entry, oldest first."""
    rows = connection.execute(sa.select(LOOK).where(LOOK.c.ref == plain(ref)).order_by(LOOK.c.at)).all()
    return tuple([Look(to_time(row.at).astimezone(), row.who) for row in rows])


def paths_of(connection: sa.Connection, queue_ids: Sequence[str]) -> dict[str, list[PathEntry]]:
    """Return what became of forward-paths later, by queue id."""
    found: dict[str, list[PathEntry]] = {}
    if queue_ids:
        rows = connection.execute(sa.select(PATH).where(PATH.c.queue_id.in_(set(queue_ids)))).all()
        for row in rows:
            found.setdefault(row.queue_id, []).append(path_of_row(row))
    return found


def _typed(text: str) -> str:
    """Return what is looked for, of what a person pasted: of a whole field or a name with an address what stands in brackets."""
    text = text.strip()
    found = _IN_BRACKETS.fullmatch(text)
    return found[1] if found is not None and "@" in found[1] else text


def _called(name: str) -> Condition:
    known = plain(name.strip())
    names = [ENTRY.c.ref == known, ENTRY.c.queue_id == known]
    if message_id := name.strip().removeprefix("<").removesuffix(">"):  # many messages have none
        names.append(ENTRY.c.message_id == fit(message_id))
    if (number := number_of(known)) is not None:
        names.append(ENTRY.c.number == number)
    return sa.or_(*names)


def _holds(connection: sa.Connection, text: str) -> Iterable[Condition]:
    """Yield the conditions that one of the newest entries holds ``text`` as a part."""
    newest = connection.execute(sa.select(sa.func.max(ENTRY.c.number))).scalar() or 0
    yield ENTRY.c.number > newest - _NEWEST_READ
    yield ENTRY.c.words.contains(fit(text.strip().lower()), autoescape=True)

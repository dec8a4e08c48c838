"""Taking items: for a while, by one relay, without looking at more rows than are taken.

Items are taken destination by destination, each along one index, so that neither a destination that is passed
over nor a hundred thousand items of another one cost anything.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from relay.database.engine import prefer_indexes
from relay.spool.item import SUSPECT_AFTER, Draw, Item
from relay.spool.store.octets import RowOctets
from relay.spool.store.rows import item_of
from relay.spool.store.schema import CONTENT, ITEM

_DESTINATIONS = sa.text(
    """WITH RECURSIVE way(name) AS (
           SELECT min(destination) FROM spool_item
           UNION ALL
           SELECT (SELECT min(destination) FROM spool_item WHERE destination > way.name) FROM way
           WHERE way.name IS NOT NULL
       ) SELECT name FROM way WHERE name IS NOT NULL"""
)
_NOT_HELD = sa.text("+held = 0")  # with the sign no planner takes an index for it that leads to every item
_SUSPECT = sa.text(f"crashes >= {SUSPECT_AFTER}")
_ROWS = (
    sa.select(*ITEM.c, CONTENT.c.octets, CONTENT.c.begins_at)
    .join_from(ITEM, CONTENT, ITEM.c.content_id == CONTENT.c.id)
    .where(_NOT_HELD)
    .limit(sa.bindparam("most"))
    .with_for_update(of=ITEM, skip_locked=True)
)
_DUE = ITEM.c.due_at <= sa.bindparam("now")
_ORDINARY = _ROWS.where(
    ITEM.c.destination == sa.bindparam("way"), _DUE, ITEM.c.crashes < SUSPECT_AFTER
).order_by(ITEM.c.due_at)
_ONE_SUSPECT = _ROWS.where(
    _SUSPECT, _DUE, ITEM.c.destination.not_in(sa.bindparam("ways", expanding=True))
).order_by(ITEM.c.due_at)
_EXPIRED = _ROWS.where(
    ITEM.c.held == 0,
    ITEM.c.claimed_by.is_(None),
    ITEM.c.accepted_at <= sa.bindparam("before"),
    ITEM.c.destination.in_(sa.bindparam("ways", expanding=True)),
).order_by(ITEM.c.accepted_at)
_MARK = (
    ITEM.update()
    .where(ITEM.c.id.in_(sa.bindparam("ids", expanding=True)))
    .values(claimed_by=sa.bindparam("me"), due_at=sa.bindparam("until"), crashes=ITEM.c.crashes + 1)
)
_NEXT_DUE = (
    sa.select(ITEM.c.due_at)
    .where(ITEM.c.destination == sa.bindparam("way"), ITEM.c.due_at >= 0, _NOT_HELD)
    .order_by(ITEM.c.due_at)
    .limit(1)
)


class Kind(Enum):
    """Which items a claim is for."""

    ORDINARY = auto()
    SUSPECT = auto()
    EXPIRED = auto()


@dataclass(frozen=True, slots=True)
class Claim:
    """What a relay wants to take; times as the tables keep them."""

    me: str
    kind: Kind
    most: int
    now: int
    until: int
    """The end of the lease."""
    ways: Collection[str] = ()
    """Of expired items: those that are wanted; of others: those that are passed over."""
    room: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """At most so many of a destination."""
    room_else: int | None = None
    """Of each destination that ``room`` does not name; None: any number."""
    before: int = 0
    """Of expired items: accepted before it."""


def claim(connection: sa.Connection, claims: Sequence[Claim]) -> list[Draw]:
    """Take what is there for each claim; small contents come with their octets at hand."""
    prefer_indexes(connection)
    return [_taken(connection, one) for one in claims]


def destinations(connection: sa.Connection) -> Sequence[str]:
    """Return the destinations of all items, by one look into an index each."""
    return connection.execute(_DESTINATIONS).scalars().all()


def next_due(connection: sa.Connection, skip: Collection[str]) -> int | None:
    """Return when the next item may be claimed, whatever was passed over left out."""
    prefer_indexes(connection)
    times = [
        connection.execute(_NEXT_DUE, {"way": way}).scalar()
        for way in destinations(connection)
        if way not in skip
    ]
    return min((time for time in times if time is not None), default=None)


def _taken(connection: sa.Connection, claim: Claim) -> Draw:
    rows: Sequence[Any]
    left: set[str] = set()
    if claim.kind is Kind.ORDINARY:
        rows, left = _ordinary(connection, claim)
    else:
        rows = _others(connection, claim)
    if rows:
        connection.execute(_MARK, {"ids": [row.id for row in rows], "me": claim.me, "until": claim.until})
    return Draw([_at_hand(row) for row in rows], frozenset(left))


def _ordinary(connection: sa.Connection, claim: Claim) -> tuple[list[Any], set[str]]:
    """Return rows of each destination in turn, a fair share of each first, and where more may be due."""
    room = {way: _room(claim, way) for way in destinations(connection) if way not in claim.ways}
    open_ways = [way for way, free in room.items() if free > 0]
    left = room.keys() - set(open_ways)
    rows: list[Any] = []
    for number, way in enumerate(open_ways):
        share = -(-(claim.most - len(rows)) // (len(open_ways) - number))
        wanted = min(share, room[way])
        found: Sequence[Any] = ()
        if wanted > 0:
            found = connection.execute(_ORDINARY, {"way": way, "now": claim.now, "most": wanted}).all()
        if len(found) == wanted:
            left.add(way)
        rows += found
    return rows, left


def _room(claim: Claim, way: str) -> int:
    return claim.room.get(way, claim.most if claim.room_else is None else claim.room_else)


def _others(connection: sa.Connection, claim: Claim) -> Sequence[Any]:
    values = {"now": claim.now, "most": claim.most, "ways": list(claim.ways)}
    if claim.kind is Kind.SUSPECT:
        return connection.execute(_ONE_SUSPECT, values).all()
    return connection.execute(_EXPIRED, {**values, "before": claim.before}).all()


def _at_hand(row: Any) -> Item:
    item = item_of(row)
    octets = None if row.octets is None else RowOctets(bytes(row.octets), row.begins_at)
    return replace(item, in_hand=True, head=None if octets is None else bytes(row.head), octets=octets)

"""What an operator does to items, and asks about them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from relay.database.columns import to_number, to_time
from relay.spool.item import Depth, Filter, Item, State
from relay.spool.store.rows import item_of, plain
from relay.spool.store.schema import CONTENT, ITEM

Verb = sa.Update
"""One of RETRY, HOLD, RELEASE, BOUNCE."""

_IDS = ITEM.c.id.in_(sa.bindparam("ids", expanding=True))
_FREE = ITEM.c.claimed_by.is_(None)
_NOW: sa.BindParameter[int] = sa.bindparam("now")
_AT_ONCE = {"due_at": sa.case((_FREE, _NOW), else_=ITEM.c.due_at), "next_attempt_at": _NOW}

RETRY = ITEM.update().where(_IDS, _FREE, ITEM.c.held == 0).values(due_at=_NOW, next_attempt_at=_NOW)
"""What waits is due now."""
HOLD = (
    ITEM.update()
    .where(_IDS, ITEM.c.held == 0)
    .values(held=1, due_at=sa.case((_FREE, None), else_=ITEM.c.due_at))
)
"""What waits is held; what is in hand, if it is not delivered this time."""
RELEASE = ITEM.update().where(_IDS, ITEM.c.held == 1).values(held=0, crashes=0, unknowns=0, **_AT_ONCE)
"""What is held waits again, and is due now."""
BOUNCE = ITEM.update().where(_IDS).values(held=0, bounced=1, crashes=0, **_AT_ONCE)
"""The next claim makes it fail."""

_LISTED = [column for column in ITEM.c if column is not ITEM.c.head]
_NUMBER = sa.select(sa.func.count()).select_from(ITEM)
_COUNTS = sa.select(  # each by an index of its own, without a look at the rows
    _NUMBER.scalar_subquery(),
    _NUMBER.where(ITEM.c.held == 0).scalar_subquery(),
    _NUMBER.where(sa.text("claimed_by IS NOT NULL")).scalar_subquery(),
)
_OLDEST = sa.select(sa.func.min(ITEM.c.accepted_at)).where(ITEM.c.held == 0)
_RETURN_CLAIMS = (
    ITEM.update()
    .where(ITEM.c.claimed_by.is_not(None))
    .values(claimed_by=None, due_at=sa.case((ITEM.c.held == 1, None), else_=ITEM.c.next_attempt_at))
)
_RETURN_CLAIMS_OF = _RETURN_CLAIMS.where(ITEM.c.claimed_by == sa.bindparam("whose"))


@dataclass(frozen=True, slots=True)
class Change:
    """One verb for some items."""

    verb: Verb
    ids: Collection[int]
    now: int


def change(connection: sa.Connection, changes: Sequence[Change]) -> list[int]:
    """Do what each change asks; return how many items each one concerned."""
    return [_changed(connection, one) for one in changes]


def page(connection: sa.Connection, wanted: Filter, after: int, most: int) -> list[Item]:
    """Return up to ``most`` items with an id above ``after``, by id, their octets not at hand."""
    asked = sa.select(*_LISTED).where(ITEM.c.id > after, *_conditions(wanted)).order_by(ITEM.c.id).limit(most)
    return [item_of(row) for row in connection.execute(asked)]


def one(connection: sa.Connection, number: int) -> Item | None:
    """Return an item, its octets not at hand."""
    row = connection.execute(sa.select(*_LISTED).where(ITEM.c.id == number)).first()
    return None if row is None else item_of(row)


def kept(connection: sa.Connection, number: int) -> Any:
    """Return the content of an item and the item's head as a row; None if the item is gone."""
    return connection.execute(
        sa.select(CONTENT, ITEM.c.head)
        .join_from(ITEM, CONTENT, ITEM.c.content_id == CONTENT.c.id)
        .where(ITEM.c.id == number)
    ).first()


def depth(connection: sa.Connection) -> Depth:
    """Count what is there."""
    total, waiting, in_hand = connection.execute(_COUNTS).one()
    oldest = connection.execute(_OLDEST).scalar()
    return Depth(waiting, total - waiting, in_hand, None if oldest is None else to_time(oldest))


def files(connection: sa.Connection, among: Iterable[str] | None = None) -> set[str]:
    """Return the names of the files that contents are in, of all of them or of those ``among``."""
    asked = sa.select(CONTENT.c.file).where(CONTENT.c.file.is_not(None))
    if among is not None:
        asked = asked.where(CONTENT.c.file.in_(list(among)))
    return {name for name in connection.execute(asked).scalars() if name is not None}


def return_claims(connection: sa.Connection, whose: Sequence[str | None]) -> list[None]:
    """Take claims from ``whose`` they are (None: from everybody); only where it is certain that nobody lives who does."""
    for one in whose:
        if one is None:
            connection.execute(_RETURN_CLAIMS)
        else:
            connection.execute(_RETURN_CLAIMS_OF, {"whose": one})
    return [None] * len(whose)


def _changed(connection: sa.Connection, change: Change) -> int:
    result = connection.execute(change.verb, {"ids": sorted(change.ids), "now": change.now})
    return result.rowcount


def _conditions(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    for column, value in (
        (ITEM.c.queue_id, wanted.queue_id),
        (ITEM.c.destination, wanted.destination),
        (ITEM.c.channel, wanted.channel),
    ):
        if value is not None:
            conditions.append(column == plain(value))
    if wanted.reason is not None:
        reason = plain(wanted.reason)
        conditions.append(
            sa.or_(ITEM.c.reason == reason, ITEM.c.last_reply.icontains(reason, autoescape=True))
        )
    if wanted.accepted_before is not None:
        conditions.append(ITEM.c.accepted_at < to_number(wanted.accepted_before))
    if wanted.accepted_after is not None:
        conditions.append(ITEM.c.accepted_at > to_number(wanted.accepted_after))
    if wanted.state is not None:
        conditions.append(ITEM.c.held == int(wanted.state is State.HELD))
    return conditions

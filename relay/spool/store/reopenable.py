"""Closed messages that are kept: found again, reopened once, forgotten.  Their contents are those of items (``kept``)."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from relay.database.columns import to_time
from relay.database.engine import is_sqlite
from relay.mail.address import Mailbox
from relay.spool.reopenable import Kept, OpenWay, ToKeep
from relay.spool.store.kept import Put, insert
from relay.spool.store.rows import forward_path_of, plain
from relay.spool.store.schema import CONTENT, KEPT
from relay.spool.store.settling import drop_uses

_NEWEST = sa.select(KEPT).where(KEPT.c.ref == sa.bindparam("of")).order_by(KEPT.c.id.desc()).limit(1)
_CONTENT = sa.select(CONTENT).where(CONTENT.c.id == sa.bindparam("of"))
_TAKE = (
    KEPT.update()
    .where(KEPT.c.id == sa.bindparam("of"), KEPT.c.reopened_at.is_(None))
    .values(reopened_at=sa.bindparam("at"), reopened_by=sa.bindparam("by"))
)
_FORGET = (
    KEPT.delete().where(KEPT.c.ref.in_(sa.bindparam("refs", expanding=True))).returning(KEPT.c.content_id)
)
_EXPIRED = (
    sa.select(KEPT.c.id)
    .where(KEPT.c.kept_at < sa.bindparam("before"))
    .order_by(KEPT.c.kept_at)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)
_DELETE = KEPT.delete().where(KEPT.c.id.in_(sa.bindparam("ids", expanding=True))).returning(KEPT.c.content_id)

Gone = tuple[int, list[str]]
"""How many went, and files that nothing in the database names any more."""


@dataclass(frozen=True, slots=True)
class Wish:
    """That a ticket be opened again: ``put`` is kept if nobody had the same wish before."""

    kept: int
    at: int
    who: str
    put: Put


@dataclass(frozen=True, slots=True)
class Expiry:
    """That what was kept before a time goes, so many at most."""

    before: int
    most: int


def find(connection: sa.Connection, ref: str) -> Kept | None:
    """Return what is kept of a decision, its octets not at hand."""
    row = connection.execute(_NEWEST, {"of": plain(ref)}).first()
    return None if row is None else _kept_of(row)


def content(connection: sa.Connection, content_id: int) -> Any:
    """Return a content as a row; None if it is gone."""
    return connection.execute(_CONTENT, {"of": content_id}).first()


def reopen(connection: sa.Connection, wishes: Sequence[Wish]) -> list[bool]:
    """Fulfil each wish that is the first of its kind: what was kept is marked and the items come in, or neither."""
    answers = []
    for wish in wishes:
        marks = {"of": wish.kept, "at": wish.at, "by": json.dumps(wish.who)}
        first = connection.execute(_TAKE, marks).rowcount == 1
        if first:
            insert(connection, [wish.put])
        answers.append(first)
    return answers


def forget(connection: sa.Connection, requests: Sequence[Collection[str]]) -> list[Gone]:
    """Remove what is kept of decisions; on SQLite no octet of it stays in the file."""
    if is_sqlite(connection):
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
    try:
        return [_gone(connection, _FORGET, {"refs": sorted(map(plain, refs))}) for refs in requests]
    finally:
        if is_sqlite(connection):
            connection.exec_driver_sql("PRAGMA secure_delete=FAST")


def expire(connection: sa.Connection, requests: Sequence[Expiry]) -> list[Gone]:
    """Remove what was kept for long enough."""
    answers = []
    for request in requests:
        wanted = {"before": request.before, "most": request.most}
        ids = connection.execute(_EXPIRED, wanted).scalars().all()
        answers.append(_gone(connection, _DELETE, {"ids": ids}) if ids else (0, []))
    return answers


def _gone(connection: sa.Connection, delete: sa.Executable, values: dict[str, Any]) -> Gone:
    contents = connection.execute(delete, values).scalars().all()
    return len(contents), list(drop_uses(connection, contents).values())


def _kept_of(row: Any) -> Kept:
    told = json.loads(row.envelope)
    ways = [OpenWay(way, tuple(forward_path_of(*path) for path in paths)) for way, paths in told["ways"]]
    return Kept(
        id=row.id,
        content_id=row.content_id,
        what=ToKeep(
            row.ref, Mailbox(*told["author"]), told["channel"], Mailbox(*told["address"]), tuple(ways)
        ),
        size=row.size,
        kept_at=to_time(row.kept_at),
        reopened_at=None if row.reopened_at is None else to_time(row.reopened_at),
        reopened_by="" if row.reopened_by is None else json.loads(row.reopened_by),
    )

"""Ending what was claimed: paths that are done go, reports come in, and a content nobody needs any more goes too."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from relay.database.columns import to_number
from relay.database.engine import change_for_ids, run_for_ids
from relay.spool.item import Item, Settlement
from relay.spool.store.kept import Put, insert
from relay.spool.store.rows import envelope, plain
from relay.spool.store.schema import CONTENT, ITEM

_MINE = ITEM.c.claimed_by == sa.bindparam("me")
_IDS = ITEM.c.id.in_(sa.bindparam("ids", expanding=True))
_DELETE_MINE = "DELETE FROM spool_item WHERE id IN ({ids}) AND claimed_by = {more} RETURNING id, content_id"
_DELETE_ANY = ITEM.delete().where(_IDS).returning(ITEM.c.id, ITEM.c.content_id)
_STAYS_HELD = sa.and_(ITEM.c.bounced == 0, sa.or_(ITEM.c.held == 1, sa.bindparam("hold") == 1))
_NEXT = sa.case((ITEM.c.bounced == 1, sa.bindparam("now")), else_=sa.bindparam("next"))
_KEEP = (
    ITEM.update()
    .where(ITEM.c.id == sa.bindparam("of"), _MINE)
    .values(
        envelope=sa.bindparam("new_envelope"),
        attempts=ITEM.c.attempts + sa.bindparam("attempted"),
        unknowns=ITEM.c.unknowns + sa.bindparam("unknown"),
        warned=sa.case((ITEM.c.warned == 1, 1), else_=sa.bindparam("warning")),
        last_reply=sa.bindparam("reply"),
        held=sa.case((_STAYS_HELD, 1), else_=0),
        due_at=sa.case((_STAYS_HELD, None), else_=_NEXT),
        next_attempt_at=sa.case((_STAYS_HELD, ITEM.c.next_attempt_at), else_=_NEXT),
        claimed_by=None,
        crashes=0,
    )
)
_GIVE_BACK = (
    ITEM.update()
    .where(ITEM.c.id == sa.bindparam("of"), _MINE)
    .values(
        claimed_by=None,
        crashes=sa.bindparam("before"),
        due_at=sa.case((ITEM.c.held == 1, None), else_=ITEM.c.next_attempt_at),
    )
)
_RENEW = ITEM.update().where(_IDS, _MINE).values(due_at=sa.bindparam("until"))
_USE_LESS = (
    CONTENT.update()
    .where(CONTENT.c.id == sa.bindparam("of"))
    .values(uses=CONTENT.c.uses - sa.bindparam("number"))
)
_UNUSED = "FROM spool_content WHERE id IN ({ids}) AND uses <= {more}"
_DELETE_UNUSED_ROWS = f"DELETE {_UNUSED} AND file IS NULL"
_DELETE_UNUSED = f"DELETE {_UNUSED} RETURNING id, file"
_USED = "SELECT id, file FROM spool_content WHERE id IN ({ids}) AND uses > {more}"


@dataclass(frozen=True, slots=True)
class Ending:
    """What ``settle`` is asked for one item."""

    me: str
    item: Item
    settlement: Settlement
    now: int
    reports: Sequence[Put] = ()

    @property
    def whole(self) -> bool:
        """Nothing of the item is left."""
        return len(self.settlement.gone) == len(self.item.forward_paths)


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of it."""

    mine: bool
    """The claim was still ours; if not, nothing was done."""
    file: str | None = None
    """A file that nothing in the database names any more."""


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Items that are given back as they were."""

    me: str
    items: Collection[Item]


@dataclass(frozen=True, slots=True)
class Renewal:
    """Items whose lease is to end later."""

    me: str
    ids: Collection[int]
    until: int


def settle(connection: sa.Connection, endings: Sequence[Ending]) -> list[Ended]:
    """End claims; in the same transaction reports come in, so that each is made exactly once."""
    endings_by_id = {ending.item.id: ending for ending in endings}
    whole = [number for number, ending in endings_by_id.items() if ending.whole]
    gone: dict[int, int] = {}
    if whole:
        gone = dict(run_for_ids(connection, _DELETE_MINE, whole, endings[0].me))
    kept = {
        number
        for number in sorted(endings_by_id.keys() - set(whole))
        if _keep(connection, endings_by_id[number])
    }
    files = drop_uses(connection, gone.values())
    mine = kept | gone.keys()
    reports = [put for number in mine for put in endings_by_id[number].reports]
    if reports:
        insert(connection, reports)
    return [Ended(ending.item.id in mine, files.pop(gone.get(ending.item.id, 0), None)) for ending in endings]


def delete(connection: sa.Connection, ids: Sequence[Collection[int]]) -> list[tuple[int, list[str]]]:
    """Delete items, whoever has them in hand; return for each request how many went, and files without a use."""
    answers = []
    for some in ids:
        rows = connection.execute(_DELETE_ANY, {"ids": list(some)}).all()
        files = drop_uses(connection, [row.content_id for row in rows])
        answers.append((len(rows), list(files.values())))
    return answers


def give_back(connection: sa.Connection, requests: Sequence[GivenBack]) -> list[None]:
    """Undo claims."""
    for request in requests:
        for item in sorted(request.items, key=lambda item: item.id):
            connection.execute(_GIVE_BACK, {"of": item.id, "me": request.me, "before": item.crashes})
    return [None] * len(requests)


def renew(connection: sa.Connection, requests: Sequence[Renewal]) -> list[None]:
    """Let leases end later."""
    for request in requests:
        connection.execute(_RENEW, {"ids": sorted(request.ids), "me": request.me, "until": request.until})
    return [None] * len(requests)


def drop_uses(connection: sa.Connection, content_ids: Collection[int]) -> dict[int, str]:
    """Count contents down by one for each mention; return the files of those that went, by content."""
    uses = Counter(content_ids)
    ids = sorted(uses)
    if not ids or change_for_ids(connection, _DELETE_UNUSED_ROWS, ids, 1) == len(ids):
        return {}
    gone = run_for_ids(connection, _DELETE_UNUSED, ids, 1)
    left = [number for number, _ in run_for_ids(connection, _USED, ids, 1)]
    if left:
        connection.execute(_USE_LESS, [{"of": number, "number": uses[number]} for number in left])
        gone = [*gone, *run_for_ids(connection, _DELETE_UNUSED, left, 0)]
    return {number: file for number, file in gone if file is not None}


def _keep(connection: sa.Connection, ending: Ending) -> bool:
    item, settlement = ending.item, ending.settlement
    left = [index for index in range(len(item.forward_paths)) if index not in settlement.gone]
    originals = [item.originals[index] for index in left] if item.originals else ()
    next_at = None if settlement.next_attempt_at is None else to_number(settlement.next_attempt_at)
    values: dict[str, Any] = {
        "of": item.id,
        "me": ending.me,
        "new_envelope": envelope(
            item.reverse_path, [item.forward_paths[index] for index in left], originals, item.client
        ),
        "attempted": int(settlement.attempted),
        "unknown": int(settlement.unknown),
        "warning": int(settlement.warned),
        "reply": plain(settlement.last_reply),
        "hold": int(next_at is None),
        "next": next_at,
        "now": ending.now,
    }
    return connection.execute(_KEEP, values).rowcount == 1

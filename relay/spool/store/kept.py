"""Where the octets of a content are: in its row, in a file, or in rows of 256 KiB; and writing them there."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from relay.database.engine import insert_new
from relay.mail.content import Content
from relay.spool.item import Item, NewItem
from relay.spool.reopenable import ToKeep
from relay.spool.store.octets import RowOctets
from relay.spool.store.rows import NEW_COLUMNS, Lease, claimed_item, kept_row, new_row
from relay.spool.store.schema import CONTENT, ITEM, KEPT, PIECE

LARGEST_IN_ROW = 128 * 1024
"""Octets."""
PIECE_SIZE = 256 * 1024
"""Octets of a piece."""

_CONTENT_COLUMNS = ("begins_at", "size", "uses", "octets", "file")
_INSERT_KEPT = KEPT.insert()
_INSERT_PIECE = PIECE.insert()


@dataclass(frozen=True, slots=True)
class Put:
    """A content and the items that share it; ``octets``, ``file`` or ``chunks`` is given."""

    items: Sequence[NewItem]
    accepted_at: int
    begins_at: int
    size: int
    """Octets that are kept: the content from ``begins_at`` on."""
    octets: bytes | None = None
    file: str | None = None
    chunks: Callable[[], Iterable[bytes]] | None = None
    keep: ToKeep | None = None
    """What is kept of it besides the items."""
    claimed: Sequence[bool] = ()
    """Of each item whether it is claimed from the start; empty: none is."""
    lease: Lease | None = None
    """Of those that are."""

    @property
    def uses(self) -> int:
        """Return for how many the content is there."""
        return len(self.items) + (self.keep is not None)


def begin_of(items: Iterable[NewItem], keep: ToKeep | None) -> int:
    """Return from where on a content is kept: no item needs what stands above, but what is kept is kept whole."""
    return 0 if keep is not None else min(item.body_from for item in items)


@dataclass(frozen=True, slots=True)
class Inserted:
    """What came of a put."""

    kept: bool
    """It keeps something besides its items."""
    claimed: Sequence[Item]
    """The items that are claimed, with their octets where those are in memory."""


def small_put(
    items: Sequence[NewItem],
    content: Content,
    accepted_at: int,
    keep: ToKeep | None = None,
    claimed: Sequence[bool] = (),
    lease: Lease | None = None,
) -> Put | None:
    """Return a put with its octets in memory; None if they are too many for a row."""
    begin = begin_of(items, keep)
    size = content.size - begin
    if size > LARGEST_IN_ROW:
        return None
    octets = b"".join(content.chunks_from(begin))
    return Put(items, accepted_at, begin, size, octets=octets, keep=keep, claimed=claimed, lease=lease)


def insert(connection: sa.Connection, puts: Sequence[Put]) -> Sequence[Inserted]:
    """Write contents, items and what is kept; every statement once for all puts.

    A put that is for nobody is not written.
    """
    used = [put for put in puts if put.uses]
    contents = [(put.begins_at, put.size, put.uses, put.octets, put.file) for put in used]
    content_ids = insert_new(connection, CONTENT, _CONTENT_COLUMNS, contents)
    items = []
    for put, content_id in zip(used, content_ids, strict=True):
        end = put.begins_at + put.size
        for index, item in enumerate(put.items):
            lease = put.lease if put.claimed and put.claimed[index] else None
            items.append(new_row(item, content_id, end, put.accepted_at, lease))
    item_ids = iter(insert_new(connection, ITEM, NEW_COLUMNS, items))
    inserted = dict.fromkeys(map(id, puts), Inserted(kept=False, claimed=()))
    kept = []
    for put, content_id in zip(used, content_ids, strict=True):
        inserted[id(put)] = Inserted(put.keep is not None, _claimed(put, item_ids))
        if put.keep is not None:
            kept.append(kept_row(put.keep, content_id, put.size, put.accepted_at))
        if put.chunks is not None:
            _insert_pieces(connection, content_id, put.chunks())
    if kept:
        connection.execute(_INSERT_KEPT, kept)
    return [inserted[id(put)] for put in puts]


def _claimed(put: Put, item_ids: Iterator[int]) -> Sequence[Item]:
    """Return the items of ``put`` that are claimed; takes an id for each item, claimed or not."""
    octets = None if put.octets is None else RowOctets(put.octets, put.begins_at)
    end = put.begins_at + put.size
    ids = [(next(item_ids), item) for item in put.items]
    return [
        claimed_item(item, number, end, put.accepted_at, octets)
        for (number, item), mine in zip(ids, put.claimed, strict=False)  # empty: none is
        if mine
    ]


def pieces_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same octets in pieces of ``PIECE_SIZE``, the last one shorter; never more than two in memory."""
    held = bytearray()
    for chunk in chunks:
        view = memoryview(chunk)
        while view:
            taken = view[: PIECE_SIZE - len(held)]
            held += taken
            view = view[len(taken) :]
            if len(held) == PIECE_SIZE:
                yield bytes(held)
                held.clear()
    if held:
        yield bytes(held)


def _insert_pieces(connection: sa.Connection, key: int, chunks: Iterable[bytes]) -> None:
    for number, octets in enumerate(pieces_of(chunks)):
        connection.execute(_INSERT_PIECE, {"content_id": key, "number": number, "octets": octets})

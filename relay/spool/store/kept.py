"""Where the octets of a content are: in its row, in a file, or in rows of 256 KiB; and writing them there."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from relay.database.engine import is_sqlite
from relay.mail.content import Content
from relay.spool.item import NewItem
from relay.spool.reopenable import ToKeep
from relay.spool.store.rows import kept_row, new_row
from relay.spool.store.schema import CONTENT, ITEM, KEPT, PIECE

LARGEST_IN_ROW = 128 * 1024
"""Octets."""
PIECE_SIZE = 256 * 1024
"""Octets of a piece."""

_INSERT_CONTENT = CONTENT.insert()
_INSERT_ITEM = ITEM.insert()
_INSERT_KEPT = KEPT.insert()
_INSERT_PIECE = PIECE.insert()
_LAST_CONTENT = sa.select(sa.func.coalesce(sa.func.max(CONTENT.c.id), 0))
_DRAW = sa.text(
    "SELECT nextval(pg_get_serial_sequence('spool_content', 'id')) FROM generate_series(1, :number)"
)


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

    @property
    def uses(self) -> int:
        """Return for how many the content is there."""
        return len(self.items) + (self.keep is not None)


def begin_of(items: Iterable[NewItem], keep: ToKeep | None) -> int:
    """Return from where on a content is kept: no item needs what stands above, but what is kept is kept whole."""
    return 0 if keep is not None else min(item.body_from for item in items)


def small_put(
    items: Sequence[NewItem], content: Content, accepted_at: int, keep: ToKeep | None = None
) -> Put | None:
    """Return a put with its octets in memory; None if they are too many for a row."""
    begin = begin_of(items, keep)
    size = content.size - begin
    if size > LARGEST_IN_ROW:
        return None
    return Put(items, accepted_at, begin, size, octets=b"".join(content.chunks_from(begin)), keep=keep)


def insert(connection: sa.Connection, puts: Sequence[Put]) -> Sequence[bool]:
    """Write contents, items and what is kept; every statement once for all puts.

    A put that is for nobody is not written.  Tells of each whether it keeps something besides its items.
    """
    used = [put for put in puts if put.uses]
    keys = dict(zip(map(id, used), _content_keys(connection, len(used)), strict=True))
    contents = [_content_row(keys[id(put)], put) for put in used]
    items = [
        new_row(item, keys[id(put)], put.begins_at + put.size, put.accepted_at)
        for put in used
        for item in put.items
    ]
    kept = [
        kept_row(put.keep, keys[id(put)], put.size, put.accepted_at) for put in used if put.keep is not None
    ]
    for statement, rows in ((_INSERT_CONTENT, contents), (_INSERT_ITEM, items), (_INSERT_KEPT, kept)):
        if rows:
            connection.execute(statement, rows)
    for put in used:
        if put.chunks is not None:
            _insert_pieces(connection, keys[id(put)], put.chunks())
    return [put.keep is not None for put in puts]


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


def _content_row(key: int, put: Put) -> dict[str, Any]:
    return {
        "id": key,
        "begins_at": put.begins_at,
        "size": put.size,
        "uses": put.uses,
        "octets": put.octets,
        "file": put.file,
    }


def _content_keys(connection: sa.Connection, number: int) -> Sequence[int]:
    """Return keys for new contents, known before they are written; on SQLite nobody else writes meanwhile."""
    if is_sqlite(connection):
        last: int = connection.execute(_LAST_CONTENT).scalar_one()
        return range(last + 1, last + 1 + number)
    return connection.execute(_DRAW, {"number": number}).scalars().all()


def _insert_pieces(connection: sa.Connection, key: int, chunks: Iterable[bytes]) -> None:
    for number, octets in enumerate(pieces_of(chunks)):
        connection.execute(_INSERT_PIECE, {"content_id": key, "number": number, "octets": octets})

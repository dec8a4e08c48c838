"""Bringing the octets of an item to hand: from its row, its file, or its pieces by way of a file without a name."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from relay.errors import DamagedItemError, UnavailableError
from relay.spool.item import Item
from relay.spool.reopenable import Kept
from relay.spool.store import reopenable, verbs
from relay.spool.store.folder import Folder
from relay.spool.store.octets import FileOctets, RowOctets
from relay.spool.store.schema import PIECE

_PIECE = (
    sa.select(PIECE.c.octets)
    .where(PIECE.c.content_id == sa.bindparam("of"), PIECE.c.number == sa.bindparam("number"))
    .limit(1)
)


def fetched(connection: sa.Connection, item: Item, folder: Folder) -> tuple[Item, BinaryIO | None]:
    """Return ``item`` with its octets, and the file that holds them, to be closed when they were read."""
    row = verbs.kept(connection, item.id)
    octets, file = _octets_of(connection, row, folder)
    return replace(item, head=bytes(row.head), octets=octets), file


def fetched_original(
    connection: sa.Connection, kept: Kept, folder: Folder
) -> tuple[RowOctets | FileOctets, BinaryIO | None]:
    """Return the octets of a closed message that is kept, and the file that holds them, to be closed."""
    return _octets_of(connection, reopenable.content(connection, kept.content_id), folder)


def _octets_of(
    connection: sa.Connection, row: Any, folder: Folder
) -> tuple[RowOctets | FileOctets, BinaryIO | None]:
    if row is None:
        raise DamagedItemError("it is not in the spool any more")
    if row.octets is not None:
        octets = bytes(row.octets)
        _require_size(len(octets), row)
        return RowOctets(octets, row.begins_at), None
    try:
        file = _file_of(connection, row, folder)
    except OSError as error:
        raise UnavailableError(f"the octets cannot be read: {error.strerror}") from error
    return FileOctets(file, row.begins_at), file


def _file_of(connection: sa.Connection, row: Any, folder: Folder) -> BinaryIO:
    if row.file is not None:
        return folder.open(row.file, row.size)
    return _gathered(connection, row, folder.place)


def _gathered(connection: sa.Connection, row: Any, place: Path) -> BinaryIO:
    """Copy all pieces to a file without a name, one at a time."""
    file: BinaryIO = tempfile.TemporaryFile(dir=place)  # noqa: SIM115
    try:
        number = 0
        while (octets := connection.execute(_PIECE, {"of": row.id, "number": number}).scalar()) is not None:
            file.write(octets)
            number += 1
        file.flush()
        _require_size(file.tell(), row)
    except BaseException:
        file.close()
        raise
    return file


def _require_size(found: int, row: Any) -> None:
    if found != row.size:
        raise DamagedItemError(f"its content has {found} octets instead of {row.size}")

"""Keep the octets of a content while they arrive: small ones in memory, large ones in a file without a name.

Writing happens in a thread, 256 KiB at a time: a disk that is slow to take its dirty pages then holds up one
client, not all of them, and that client's memory stays bounded because nothing is read from it meanwhile.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from relay.intake.limits import Memory
from relay.mail.content import HeldContent, head_end

LARGEST_IN_MEMORY = 2 * 1024 * 1024
"""Octets; what is larger goes to a file, and where much is held already what is larger than a piece."""
PIECE = 256 * 1024
"""Octets written or read at once."""
_FEW, _SMALL = 256, 512
"""Pieces, and octets of one: pieces of two octets would take some twenty times their size, so many small ones are joined."""


class StoredContent:
    """A content whose octets are in an unlinked file (see ``relay.mail.content.Content``)."""

    __slots__ = ("_file", "head", "head_is_whole", "size")

    def __init__(self, file: BinaryIO, size: int, head: bytes, *, head_is_whole: bool) -> None:
        self._file = file
        self.size = size
        self.head = head
        self.head_is_whole = head_is_whole

    def chunks_from(self, offset: int) -> Iterator[bytes]:
        """Yield the octets from ``offset`` on in pieces; several readers do not disturb each other."""
        number = self._file.fileno()
        while piece := os.pread(number, PIECE, offset):
            yield piece
            offset += len(piece)

    def close(self) -> None:
        """Give the room on the disk back."""
        self._file.close()


class Keeper:
    """Takes a content's octets as they come and makes a ``Content`` of them.

    Raises OSError when the disk does not take them.  ``drop`` belongs behind it, whatever happened.
    """

    __slots__ = ("_file", "_folder", "_header_limit", "_memory", "_pieces", "_waiting", "_writing", "size")

    def __init__(self, folder: Path, header_limit: int, memory: Memory) -> None:
        """``header_limit`` in octets, 0 means none.  What is held counts in ``memory``, that of a ``HeldContent`` after us."""
        self._folder = folder
        self._header_limit = header_limit
        self._memory = memory
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._file: BinaryIO | None = None
        self._writing: asyncio.Future[None] | None = None
        self.size = 0
        """Octets taken."""

    async def keep(self, octets: bytes) -> None:
        """Take the next octets."""
        length = len(octets)
        self._pieces.append(octets)
        self._waiting += length
        self._memory.held += length
        self.size += length
        if self._waiting > PIECE and (
            self._file is not None or self._memory.full or self._waiting > LARGEST_IN_MEMORY
        ):
            await self._write()
        elif len(self._pieces) > _FEW + self._waiting // _SMALL:
            self._pieces = [b"".join(self._pieces)]

    async def content(self) -> HeldContent | StoredContent:
        """Return what was kept."""
        if self._file is None:
            octets = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            self._waiting = 0
            return HeldContent(octets, self._header_limit)
        await self._write()
        head, whole = await asyncio.get_running_loop().run_in_executor(
            None, _head_of, self._file, self._header_limit
        )
        file, self._file = self._file, None
        return StoredContent(file, self.size, head, head_is_whole=whole)

    def drop(self) -> None:
        """Forget what was kept, unless ``content`` gave it away."""
        self._pieces.clear()
        self._release()
        file = self._file
        if file is None:
            return
        if self._writing is not None and not self._writing.done():  # a cancelled session; the thread goes on
            self._writing.add_done_callback(lambda _: file.close())
        else:
            file.close()

    def _release(self) -> None:
        self._memory.held -= self._waiting
        self._waiting = 0

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        if self._file is None:
            self._file = _nameless_file(self._folder)
        pieces, self._pieces = self._pieces, []
        self._release()
        self._writing = loop.run_in_executor(None, _write_all, self._file, pieces)
        await asyncio.shield(self._writing)


def _nameless_file(folder: Path) -> BinaryIO:
    return tempfile.TemporaryFile(buffering=0, dir=folder)


def _write_all(file: BinaryIO, pieces: list[bytes]) -> None:
    for piece in pieces:
        view = memoryview(piece)
        while view:
            view = view[file.write(view) :]


def _head_of(file: BinaryIO, limit: int) -> tuple[bytes, bool]:
    """Return the header section, or one octet more than ``limit`` of it (``Content.head``), and whether it is whole."""
    head, more = b"", True
    while more and head_end(head) == len(head) and not (limit and len(head) > limit):
        piece = os.pread(file.fileno(), max(PIECE, len(head)), len(head))
        head += piece
        more = bool(piece)
    end = head_end(head)
    whole = not limit or end <= limit
    return head[: end if whole else limit + 1], whole

"""Bringing contents to where they are kept, whatever their size; a large one is never in memory as a whole."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from relay.database.database import Database
from relay.database.engine import reusable
from relay.errors import UnavailableError
from relay.mail.content import Content
from relay.spool.item import NewItem
from relay.spool.places import Places
from relay.spool.reopenable import ToKeep
from relay.spool.store import verbs
from relay.spool.store.folder import Folder
from relay.spool.store.kept import Inserted, Put, begin_of, insert, small_put
from relay.spool.store.rows import Lease


class Stowing:
    """Writes contents and items; knows which files nobody may need."""

    def __init__(self, database: Database, folder: Folder, *, in_files: bool) -> None:
        """``in_files``: large contents become files; otherwise rows of pieces."""
        self._database = database
        self._folder = folder
        self._in_files = in_files
        self._doubtful: set[str] = set()
        self._running: set[asyncio.Task[bool]] = set()

    async def put(
        self,
        items: Sequence[NewItem],
        content: Content,
        accepted_at: int,
        keep: ToKeep | None,
        places: Places,
        lease: Lease,
    ) -> bool:
        """Keep ``items``, the content that they share, and if there is room ``keep``; tell whether that is kept too.

        Items with a place are claimed, for ``lease``; ``places`` is told even if we are cancelled meanwhile.
        """

        def told(inserted: Inserted | None) -> None:
            places.landed(() if inserted is None else inserted.claimed)

        put = small_put(items, content, accepted_at, keep, places.taken, lease)
        if put is not None:
            return (await self._database.do(self._insert, put, told)).kept
        return await self._to_its_end(self._put_large(items, content, accepted_at, keep, places, lease))

    async def prepared(
        self, items: Sequence[NewItem], content: Content, accepted_at: int, keep: ToKeep | None = None
    ) -> Put:
        """Return what ``insert`` takes, a large content already in its file; ``forget`` it if it is not inserted."""
        put = small_put(items, content, accepted_at, keep)
        if put is not None:
            return put
        begin = begin_of(items, keep)
        size = content.size - begin

        def chunks() -> Iterable[bytes]:
            return content.chunks_from(begin)

        if not self._in_files:
            return Put(items, accepted_at, begin, size, chunks=chunks, keep=keep)
        if not items and not self._folder.has_room_to_keep(size):
            return Put(items, accepted_at, begin, size)
        name = await self._database.in_thread(lambda: self._folder.write(chunks(), size))
        return Put(items, accepted_at, begin, size, file=name, keep=keep)

    async def forget(self, files: Iterable[str | None]) -> None:
        """Remove files that may have been named by a transaction that failed, if they are not."""
        self._doubtful.update(name for name in files if name is not None)
        if not self._doubtful:
            return
        names = frozenset(self._doubtful)
        try:
            named = await self._database.read(lambda connection: verbs.files(connection, names))
        except UnavailableError:
            return  # asked again the next time
        await self.remove(names - named)
        self._doubtful -= names

    async def remove(self, files: Iterable[str]) -> None:
        """Remove files that nothing names."""
        names = list(files)
        if names:
            await self._database.in_thread(lambda: self._folder.remove(names))

    async def finish(self) -> None:
        """Wait for what is being written although whoever asked for it is gone."""
        await asyncio.gather(*self._running, return_exceptions=True)

    def _insert(self, connection: sa.Connection, puts: Sequence[Put]) -> Sequence[Inserted]:
        """Write new mail, where that leaves enough room on our disk to take mail out again."""
        if self._in_files:
            self._folder.require_room(
                sum(put.size for put in puts if put.items), lambda: reusable(connection)
            )
            if any(put.keep for put in puts):
                puts = self._without_what_has_no_room(connection, puts)
        return insert(connection, puts)

    def _without_what_has_no_room(self, connection: sa.Connection, puts: Sequence[Put]) -> Sequence[Put]:
        size = sum(put.size for put in puts)
        if self._folder.has_room_to_keep(size, lambda: reusable(connection)):
            return puts
        return [replace(put, keep=None) for put in puts]

    async def _put_large(
        self,
        items: Sequence[NewItem],
        content: Content,
        accepted_at: int,
        keep: ToKeep | None,
        places: Places,
        lease: Lease,
    ) -> bool:
        try:
            put = await self.prepared(items, content, accepted_at, keep)
            put = replace(put, claimed=places.taken, lease=lease)
            try:
                if put.chunks is not None:
                    inserted = await self._database.do_apart(insert, put)
                else:
                    inserted = await self._database.do(self._insert, put)
            except Exception:
                await self.forget([put.file])
                raise
            places.landed(inserted.claimed)
        finally:
            places.landed(())
        await self.forget(() if items or inserted.kept else [put.file])
        return inserted.kept

    async def _to_its_end(self, work: Coroutine[Any, Any, bool]) -> bool:
        """Do ``work`` to its end even if we are cancelled: a file must not go while its row may yet come."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

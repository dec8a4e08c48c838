"""The spool: what was answered 250 waits here, on stable storage, until it is delivered, failed or held.

Everything that writes goes through one writer, where all who wait share a transaction and its fsync.  Raises
NotDurableError where something could not be written, UnavailableError where something could not be read; both may
go well the next time, without a restart.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import MappingProxyType

from relay.database.columns import to_number, to_time
from relay.database.database import Database
from relay.database.writer import Step, no_step
from relay.mail.content import Content, HeldContent
from relay.spool.item import Depth, Draw, Filter, Item, NewItem, Octets, Settlement
from relay.spool.places import NOWHERE, Places
from relay.spool.reopenable import Kept, ToKeep
from relay.spool.store import claims, reopenable, settling, verbs
from relay.spool.store.fetching import fetched, fetched_original
from relay.spool.store.folder import Folder
from relay.spool.store.opening import SpoolPlace, open_spool
from relay.spool.store.rows import Lease
from relay.spool.store.stowing import Stowing

LEASE = timedelta(minutes=10)
"""After which a dead relay's claims return; a running one renews them in time."""
_PAGE = 500
_NONE: Mapping[str, int] = MappingProxyType({})


class Store:
    """The spool of one process; for one event loop."""

    def __init__(
        self,
        database: Database,
        folder: Folder,
        *,
        in_files: bool,
        now: Callable[[], datetime],
        lease: timedelta,
        step: Step,
        me: str,
    ) -> None:
        """Use ``Store.open``."""
        self._database = database
        self._folder = folder
        self._now = now
        self._step = step
        self._me = me
        self._stowing = Stowing(database, folder, in_files=in_files)
        self.lease = lease

    @classmethod
    async def open(
        cls,
        place: SpoolPlace,
        *,
        now: Callable[[], datetime],
        lease: timedelta = LEASE,
        serving: bool = True,
        step: Step = no_step,
    ) -> "Store":
        """Open the spool, made or upgraded where that is needed.

        ``serving`` is for a relay: only that makes and upgrades, takes dead relays' claims back and sweeps what a
        crash left; a command beside it asks and changes what is there.  UnavailableError where it cannot be had
        now, NewerSchemaError where a newer version of us made it.
        """
        database, folder, me = await asyncio.to_thread(open_spool, place, step, serving=serving)
        return cls(database, folder, in_files=place.url is None, now=now, lease=lease, step=step, me=me)

    async def close(self) -> None:
        """Finish what is being written and close everything."""
        await self._stowing.finish()
        await asyncio.to_thread(self._database.close)
        self._folder.leave()

    async def put(
        self,
        items: Sequence[NewItem],
        content: Content,
        keep: ToKeep | None = None,
        places: Places = NOWHERE,
    ) -> bool:
        """Keep ``items`` and the content that they share: all of it is on stable storage when this returns.

        ``keep``: the content stays when the items are gone, until it is forgotten or expires.  Tells whether it
        will: on a disk that fills up it does not, so that mail can still come in.  NotDurableError if ``items``
        could not be kept; then nothing of it is there (or, where a server vanished during the commit, all of it).

        ``places``: items with a place are claimed by the same transaction, and ``places`` is told of them.
        """
        if not items and keep is None:
            return False
        now = self._now()
        lease = Lease(self._me, to_number(now + self.lease))
        return await self._stowing.put(items, content, to_number(now), keep, places, lease)

    async def kept(self, ref: str) -> Kept | None:
        """Return what is kept of a decision; None if nothing is."""
        return await self._database.read(lambda connection: reopenable.find(connection, ref))

    @asynccontextmanager
    async def original(self, kept: Kept) -> AsyncIterator[Octets]:
        """Give the octets of ``kept`` as they were received, until the end of the block; DamagedItemError if they are gone."""
        octets, file = await self._database.read(
            lambda connection: fetched_original(connection, kept, self._folder)
        )
        try:
            yield octets
        finally:
            if file is not None:
                file.close()

    async def reopen(self, kept: Kept, who: str, items: Sequence[NewItem], content: Content) -> bool:
        """Put ``items`` and note it with ``kept``, by one transaction; False, and nothing done, if that was done before."""
        now = to_number(self._now())
        async with self._folder.unswept():
            put = await self._stowing.prepared(items, content, now)
            do = self._database.do_apart if put.chunks else self._database.do
            first = False
            try:
                first = await do(reopenable.reopen, reopenable.Wish(kept.id, now, who, put))
            finally:
                if not first:
                    await self._stowing.forget([put.file])
        return first

    async def forget_kept(self, refs: Collection[str]) -> int:
        """Remove what is kept of decisions, and its traces in SQLite's file; return how much there was."""
        number, files = await self._database.do(reopenable.forget, refs)
        await self._stowing.remove(files)
        if number:
            await self._database.in_thread(self._database.tidy)
        return number

    async def expire_kept(self, before: datetime, most: int) -> int:
        """Remove up to ``most`` of what was kept before a time; return how much went."""
        number, files = await self._database.do(reopenable.expire, reopenable.Expiry(to_number(before), most))
        await self._stowing.remove(files)
        return number

    async def claim(
        self,
        most: int,
        now: datetime,
        skip: Collection[str] = (),
        *,
        room: Mapping[str, int] = _NONE,
        room_else: int | None = None,
    ) -> Sequence[Item]:
        """Take what ``draw`` takes, with no word on what is left."""
        return (await self.draw(most, now, skip, room=room, room_else=room_else)).items

    async def draw(
        self,
        most: int,
        now: datetime,
        skip: Collection[str] = (),
        *,
        room: Mapping[str, int] = _NONE,
        room_else: int | None = None,
    ) -> Draw:
        """Take up to ``most`` items that are due, fairly from all destinations but those in ``skip``.

        Of a destination at most what ``room`` says, of one that it does not name ``room_else`` (None: any number).
        What was in hand at two crashes is left to ``claim_suspect``.
        """
        return await self._claim(claims.Kind.ORDINARY, most, now, skip, room=room, room_else=room_else)

    async def claim_suspect(self, now: datetime, skip: Collection[str] = ()) -> Item | None:
        """Take one item that was in hand at two crashes or more, so that it is known if it is to blame."""
        items = (await self._claim(claims.Kind.SUSPECT, 1, now, skip)).items
        return items[0] if items else None

    async def claim_expired(
        self, most: int, now: datetime, accepted_before: datetime, destinations: Collection[str]
    ) -> Sequence[Item]:
        """Take items of ``destinations`` that have waited too long, due or not."""
        before = to_number(accepted_before)
        return (await self._claim(claims.Kind.EXPIRED, most, now, destinations, before=before)).items

    async def settle(
        self, item: Item, settlement: Settlement, reports: Sequence[tuple[NewItem, bytes]] = ()
    ) -> bool:
        """End a claim; what is done goes and reports come in by the same transaction.

        False, and nothing done, if the claim is not ours any more: its lease ran out, or the item was deleted.
        """
        self._step("before-settle")
        now = to_number(self._now())
        puts = [await self._stowing.prepared([new], HeldContent(octets), now) for new, octets in reports]
        ending = settling.Ending(self._me, item, settlement, now, puts)
        do = self._database.do_apart if any(put.chunks for put in puts) else self._database.do
        ended = settling.Ended(mine=False)
        try:
            ended = await do(settling.settle, ending)
        finally:
            if not ended.mine:
                await self._stowing.forget(put.file for put in puts)
        self._step("after-settle")
        if ended.file is not None:
            await self._stowing.remove([ended.file])
        return ended.mine

    async def give_back(self, items: Collection[Item]) -> None:
        """Undo claims, as if they had never been."""
        await self._database.do(settling.give_back, settling.GivenBack(self._me, items))

    async def renew(self, ids: Collection[int], until: datetime) -> None:
        """Let the leases of claimed items end later."""
        await self._database.do(settling.renew, settling.Renewal(self._me, ids, to_number(until)))

    async def next_due(self, skip: Collection[str] = ()) -> datetime | None:
        """Return when the next item may be claimed; None if nothing waits."""
        number = await self._database.read(lambda connection: claims.next_due(connection, skip))
        return None if number is None else to_time(number)

    @asynccontextmanager
    async def at_hand(self, item: Item) -> AsyncIterator[Item]:
        """Give ``item`` with its octets, until the end of the block; DamagedItemError if they are not all there."""
        if item.octets is not None:
            yield item
            return
        item, file = await self._database.read(lambda connection: fetched(connection, item, self._folder))
        try:
            yield item
        finally:
            if file is not None:
                file.close()

    async def list(self, wanted: Filter | None = None, after: int = 0) -> AsyncIterator[Item]:
        """Yield the items that are meant, by id, those above ``after``, their octets not at hand."""
        meant, more = wanted or Filter(), True
        while more:
            begin = after
            items = await self._database.read(
                lambda connection, begin=begin: verbs.page(connection, meant, begin, _PAGE)  # type: ignore[misc]
            )
            for item in items:
                yield item
                after = item.id
            more = len(items) == _PAGE

    async def show(self, number: int) -> Item | None:
        """Return the item with the id ``number``, its octets not at hand; None if there is none."""
        return await self._database.read(lambda connection: verbs.one(connection, number))

    async def depth(self) -> Depth:
        """Count what is there."""
        return await self._database.read(verbs.depth)

    async def retry(self, ids: Collection[int]) -> int:
        """Make waiting items due now; return how many were."""
        return await self._change(verbs.RETRY, ids)

    async def hold(self, ids: Collection[int]) -> int:
        """Keep items where they are until they are released; return how many there were to hold."""
        return await self._change(verbs.HOLD, ids)

    async def release(self, ids: Collection[int]) -> int:
        """Let held items wait again, due now; return how many were held."""
        return await self._change(verbs.RELEASE, ids)

    async def bounce(self, ids: Collection[int]) -> int:
        """Let items fail at their next claim, which is due now; return how many there were."""
        return await self._change(verbs.BOUNCE, ids)

    async def delete(self, ids: Collection[int]) -> int:
        """Delete items without a word to anybody; return how many there were."""
        number, files = await self._database.do(settling.delete, ids)
        await self._stowing.remove(files)
        return number

    async def _change(self, verb: verbs.Verb, ids: Collection[int]) -> int:
        return await self._database.do(verbs.change, verbs.Change(verb, ids, to_number(self._now())))

    async def _claim(
        self,
        kind: claims.Kind,
        most: int,
        now: datetime,
        ways: Collection[str],
        *,
        room: Mapping[str, int] = _NONE,
        room_else: int | None = None,
        before: int = 0,
    ) -> Draw:
        claim = claims.Claim(
            self._me,
            kind,
            most,
            to_number(now),
            to_number(now + self.lease),
            ways,
            room,
            room_else,
            before,
        )
        drawn = await self._database.do(claims.claim, claim)
        if drawn.items:
            self._step("claimed")
        return drawn

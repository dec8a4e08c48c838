"""Opening a ticket again: from an entry of the journal to a message in the spool, once, whenever we die in between.

The spool remembers the wish with the content that it keeps, by the transaction that takes the message in; only then
the journal is told.  Whoever finds the one without the other makes up for it (docs/decisions/0010-undo.md).
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from relay.errors import DamagedItemError, RelayError, UnavailableError
from relay.events import JournalTrouble, Observe
from relay.journal.query import COMMAND_LINE
from relay.journal.store import Journal
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.reopening import Letter, Occasion, make_letter
from relay.settings.model import Settings
from relay.spool.item import NewItem
from relay.spool.reopenable import Kept, OpenWay
from relay.spool.store import Store
from relay.stamp import reopened_stamp
from relay.web.sources import Reopened

REASON = "reopened"
"""Of the item in the spool."""


def queue_id_of(ref: str) -> str:
    """Return the queue id of the message that undoes a decision."""
    return f"{ref}-R"


class Reopen:
    """Tells the helpdesk to open the ticket of a decision again."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        journal: Callable[[], Journal | None],
        spool: Callable[[], Store | None],
        hostname: Callable[[], str],
        now: Callable[[], datetime],
        observe: Observe,
        poke: Callable[[], None] = lambda: None,
    ) -> None:
        """Each answers with what is in force; ``poke`` is called where the spool has got something to do."""
        self._settings = settings
        self._journal = journal
        self._spool = spool
        self._hostname = hostname
        self._now = now
        self._observe = observe
        self._poke = poke

    async def __call__(self, ref: str, who: str) -> Reopened:
        """Do it, for ``who``; RelayError where the journal or the spool is away, and then nothing is done."""
        journal = self._journal()
        if journal is None:
            raise UnavailableError("the journal is away, so nobody can tell what was closed; try again later")
        entry = next((entry for entry in await journal.get(ref) if entry.ref == ref), None)
        if entry is None:
            return Reopened.NO_ENTRY
        if not entry.verdict.auto_closed:
            return Reopened.NOT_CLOSED
        if entry.reopened is not None:
            return Reopened.ALREADY
        spool = self._spool()
        kept = await spool.kept(ref) if spool is not None else None
        if spool is None or kept is None or self._too_old(kept):
            return Reopened.NOT_KEPT
        try:
            return await self._reopened(journal, spool, kept, who)
        except DamagedItemError:
            return Reopened.NOT_KEPT

    async def _reopened(self, journal: Journal, spool: Store, kept: Kept, who: str) -> Reopened:
        if kept.reopened_at is None:
            if await self._put(spool, kept, who):
                self._poke()
                await self._note(journal, kept.what.ref, who, self._now())
                return Reopened.DONE
            again = await spool.kept(kept.what.ref)
            if again is None or again.reopened_at is None:  # it was forgotten meanwhile
                return Reopened.NOT_KEPT
            kept = again
        assert kept.reopened_at is not None
        await self._note(journal, kept.what.ref, kept.reopened_by, kept.reopened_at)
        return Reopened.ALREADY

    def _too_old(self, kept: Kept) -> bool:
        keep = self._settings().journal.keep_closed
        return keep is None or kept.kept_at + keep < self._now()

    async def _put(self, spool: Store, kept: Kept, who: str) -> bool:
        what = kept.what
        async with spool.original(kept) as original:
            occasion = Occasion(
                hostname=self._hostname(),
                ref=what.ref,
                author=what.author,
                channel=what.channel_address,
                who=who if who != COMMAND_LINE else None,
                closed_at=kept.kept_at.astimezone(),
                made_at=self._now(),
                boundary=secrets.token_hex(16),
                stamp=reopened_stamp(what.channel, what.ref),
                language=self._settings().digest.language.value,
            )
            letter = await asyncio.to_thread(make_letter, occasion, original, kept.size)
            items = [_item(kept, way, letter) for way in what.ways]
            return await spool.reopen(kept, who, items, letter)

    async def _note(self, journal: Journal, ref: str, who: str, at: datetime) -> None:
        """Let the entry say who and when; the message is on its way, so trouble with the journal is only told."""
        try:
            await journal.reopen(ref, who, at)
        except RelayError as trouble:
            self._observe(JournalTrouble(f"the reopening of {ref} is not noted, ask for it again: {trouble}"))


def _item(kept: Kept, way: OpenWay, letter: Letter) -> NewItem:
    paths = tuple(replace(path, notify=None, orcpt=None) for path in way.forward_paths)
    channel = kept.what.channel_address
    return NewItem(
        queue_id=queue_id_of(kept.what.ref),
        destination=way.destination,
        reverse_path=ReversePath(
            str(channel),
            channel,
            body="8BITMIME" if letter.is_8bit else None,
            smtputf8=letter.smtputf8 or not _is_ascii(paths),
        ),
        forward_paths=paths,
        client=Client(),
        head=b"",
        body_from=0,
        channel=kept.what.channel,
        reason=REASON,
    )


def _is_ascii(paths: tuple[ForwardPath, ...]) -> bool:
    return all(path.text.isascii() for path in paths)

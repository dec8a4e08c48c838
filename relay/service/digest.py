"""Digests sent: once a day and channel, when the machine's clock shows ``digest.at``, by the way of reports.

Whoever claims a channel's day in the journal sends its digest, so that neither a restart nor a second relay sends
another one; where the spool does not take it the claim is given back, so that a stop costs no digest.  An hour that
was missed is made up for on the same day.  A digest of nothing is not sent.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from uuid import uuid4

from relay.errors import RelayError, UnavailableError
from relay.events import DigestSent, DigestTrouble, Fault, Observe
from relay.journal.digest import Digest, Gathering
from relay.journal.letter import Occasion, letter_of
from relay.journal.query import Query
from relay.journal.store import Journal
from relay.judge import Disposition, Reason
from relay.judge.explain import Language
from relay.mail.content import Content, HeldContent
from relay.mail.envelope import Client
from relay.settings.model import ChannelSettings, Settings
from relay.spool.item import REPORTS, NewItem

LOOK_EVERY = 30.0
"""Seconds.  Looked at so often rather than slept until: clocks are set, and machines sleep."""
GRACE = timedelta(seconds=10)
"""After ``digest.at``, so that what was judged just before is in the journal."""
TRY_AGAIN_AFTER = timedelta(minutes=5)

Put = Callable[[Sequence[NewItem], Content], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class DigestTerms:
    """By what digests are made; asked anew for each."""

    settings: Settings
    hostname: str


@dataclass(frozen=True, slots=True)
class Means:
    """What digests are made of and sent by; each may be away."""

    journal: Callable[[], Journal | None]
    put: Callable[[], Put | None]
    new_queue_id: Callable[[], str]
    observe: Observe


class Digesting:
    """Sends the digests of one relay."""

    def __init__(
        self,
        terms: Callable[[], DigestTerms],
        means: Means,
        now: Callable[[], datetime],
        zone: tzinfo | None = None,
    ) -> None:
        """``now``: the time, aware.  ``zone``: where the machine's clock is; None: as the machine says."""
        self._terms = terms
        self._means = means
        self._now = now
        self._zone = zone
        self._day: date | None = None
        self._done: set[str] = set()
        self._claimed: set[str] = set()
        self._again_at: dict[str, datetime] = {}
        self._task: asyncio.Task[None] | None = None
        self._handing_over: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look at the clock."""
        self._task = asyncio.create_task(self._run())

    async def stop(self, drain: float) -> None:
        """Look no more; what is claimed has ``drain`` seconds to come into the spool."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._handing_over is not None:
            await asyncio.wait({self._handing_over}, timeout=drain)

    async def settle(self) -> None:
        """Wait until what was claimed is in the spool or given back: soon, once the spool is closed."""
        if self._handing_over is not None:
            await asyncio.gather(self._handing_over, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception as error:  # a supervisor: a digest must not cost the others, nor tomorrow's
                self._means.observe(Fault("sending digests", error))
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Send what is due and was not sent."""
        now = self._now()
        terms = self._terms()
        day = now.astimezone(self._zone).date()
        if day != self._day:
            self._day = day
            self._done.clear()
            self._claimed.clear()
            self._again_at.clear()
        since, until = span(day, terms.settings.digest.at, self._zone)
        if now < until + GRACE:
            return
        for channel in terms.settings.channels:
            name = channel.channel.name
            if channel.digest_to is None or name in self._done or now < self._again_at.get(name, now):
                continue
            try:
                await self._send(channel, terms, since, until)
            except RelayError as trouble:
                self._again_at[name] = now + TRY_AGAIN_AFTER
                self._means.observe(DigestTrouble(name, str(trouble)))

    async def _send(
        self, channel: ChannelSettings, terms: DigestTerms, since: datetime, until: datetime
    ) -> None:
        name = channel.channel.name
        journal, put = self._means.journal(), self._means.put()
        if journal is None or put is None:
            raise UnavailableError(f"the {'journal' if journal is None else 'spool'} is away")
        digest = await gathered(journal, name, since, until, self._zone)
        if not digest.nothing:
            item, content = self._made(digest, channel, terms)
            handing_over = self._hand_over(journal, digest, lambda: put([item], content))
            self._handing_over = asyncio.create_task(handing_over)
            await asyncio.shield(self._handing_over)
        self._done.add(name)

    async def _hand_over(
        self, journal: Journal, digest: Digest, put: Callable[[], Awaitable[object]]
    ) -> None:
        """Claim the day, and have its digest in the spool or give the claim back."""
        name, day = digest.channel, self._day
        assert day is not None
        if name not in self._claimed and not await journal.claim_digest(name, day):
            return
        self._claimed.add(name)
        try:
            await put()
        except BaseException:
            with suppress(RelayError):  # it stays ours then, as long as we live
                await journal.give_digest_back(name, day)
                self._claimed.discard(name)
            raise
        self._means.observe(DigestSent(name, digest.closed))

    def _made(self, digest: Digest, channel: ChannelSettings, terms: DigestTerms) -> tuple[NewItem, Content]:
        assert channel.digest_to is not None
        settings = terms.settings
        occasion = Occasion(
            to=channel.digest_to,
            author=settings.digest.from_,
            hostname=terms.hostname,
            at=self._now().astimezone(self._zone),
            message_id=f"{uuid4()}@{terms.hostname}",
            language=Language(settings.digest.language),
            page=settings.web.url,
        )
        letter = letter_of(digest, occasion)
        item = NewItem(
            queue_id=self._means.new_queue_id(),
            destination=REPORTS,
            reverse_path=letter.reverse_path,
            forward_paths=(letter.forward_path,),
            client=Client(),
            head=b"",
            body_from=0,
            channel=digest.channel,
        )
        return item, HeldContent(letter.content)


def span(day: date, at: time, zone: tzinfo | None = None) -> tuple[datetime, datetime]:
    """Return from when until when the digest of ``day`` tells: from one ``at`` to the next, as the clock shows it.

    The spans of days in a row follow each other without a gap, whatever the clock does: where it skips ``at``, the
    moment counts that is as long after the skip; where it shows ``at`` twice, the first one.
    """
    return _moment(day - timedelta(days=1), at, zone), _moment(day, at, zone)


async def gathered(
    journal: Journal, channel: str, since: datetime, until: datetime | None = None, zone: tzinfo | None = None
) -> Digest:
    """Return the digest of a channel; what is not closed is not even read.  UnavailableError without the journal."""
    gathering = Gathering(channel, lambda at: at.astimezone(zone))
    for verdict, reason in ((Disposition.AUTO_CLOSED, None), (None, Reason.OBSERVED)):
        async for entry in journal.entries(
            Query(verdict=verdict, reason=reason, channel=channel, since=since, until=until)
        ):
            gathering.add(entry)
    return gathering.digest(since, until or datetime.now(UTC))


def _moment(day: date, at: time, zone: tzinfo | None) -> datetime:
    wanted = datetime.combine(day, at)
    moments = [_read(wanted.replace(fold=fold), zone) for fold in (0, 1)]
    shown = [moment for moment in moments if moment.astimezone(zone).replace(tzinfo=None) == wanted]
    # of a time that the clock skips, zoneinfo and the machine's own reading make two different moments
    return min(shown, default=max(moments))


def _read(shown: datetime, zone: tzinfo | None) -> datetime:
    return (shown if zone is None else shown.replace(tzinfo=zone)).astimezone(UTC)

"""One relay: built from settings, started, reloaded, stopped."""

import asyncio
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count, islice

from relay.delivery.resolver import Resolver
from relay.errors import BadSettingsError, RelayError
from relay.events import BookTaken, Fault, ReloadRefused
from relay.intake.server import Intake
from relay.intake.transaction import Transaction
from relay.journal.recorder import Recorder
from relay.journal.recorder import Terms as RecorderTerms
from relay.mail.envelope import Client, ReversePath
from relay.metrics import Metrics
from relay.milter.server import Milter
from relay.pipeline import Means, PassThrough, Spooled, SpoolMeans
from relay.sandbox.hop import SandboxHop
from relay.sandbox.inbox import SandboxInbox
from relay.service.aside import aside
from relay.service.counting import Counting
from relay.service.digest import Digesting, DigestTerms
from relay.service.digest import Means as DigestMeans
from relay.service.hops import AllHops
from relay.service.in_force import InForce, Lasting, hostname_of, in_force
from relay.service.journal import note
from relay.service.log import EventLog
from relay.service.milter import milter_limits, milter_listeners
from relay.service.observers import Observers
from relay.service.proving import prover
from relay.service.review import closing, warnings
from relay.service.sending import Sending, Ways
from relay.service.spool import Spooling
from relay.service.translate import listeners_of
from relay.service.web import Parts, Web
from relay.settings.model import Settings
from relay.settings.words import Mode
from relay.spool.seams import Terms as RunnerTerms

MOST_TOLD = 100
"""Lines about channels at the start; ``check`` has them all."""

Load = Callable[[], Settings]
"""Reads channels.yaml again; raises BadSettingsError or UnreadableFileError."""


class Relay:
    """All listeners of one process and what they share; for one event loop."""

    def __init__(
        self, settings: Settings, load: Load, log: EventLog, *, accept_everything: bool = False
    ) -> None:
        """Take the settings to begin with, and how to read them again."""
        self._load = load
        self._log = log
        self._first = settings
        self._inbox = SandboxInbox(settings.sandbox.keep)
        stand_in = SandboxHop(self._inbox, _now).acquire
        self._hops = AllHops(stand_in)
        self._observers = Observers(
            log.observe, fault=lambda bug: log.observe(Fault("telling of an event", bug))
        )
        self._observe = self._observers.observe
        self._counting = Counting(_now)
        self._observers.add(self._counting.metrics.observe)
        self._resolver = Resolver()
        self._prove = prover(self._resolver, _now)
        self._means = Means(self._hops, self._observe, queue_ids(), _now, time.monotonic, self._prove)
        self._lasting = Lasting(
            self._begin, self._observe, self._moment, _now, self._resolver, accept_everything
        )
        self._sending = Sending(self._ways, stand_in, _now, time.monotonic, self._means.new_queue_id)
        self._spooling: Spooling | None = None
        self._intake: Intake | None = None
        self._milter: Milter | None = None
        self._recorder: Recorder | None = None
        self._force: InForce | None = None
        self._serving = False
        self._web = Web(self._parts())
        self._digesting = Digesting(self._digest_terms, self._digest_means(), _now)

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Where SMTP is listened for, ports filled in."""
        return self._intake.addresses if self._intake else ()

    @property
    def settings(self) -> Settings:
        """What is in force."""
        return self._force.settings if self._force else self._first

    @property
    def metrics(self) -> Metrics:
        """What happened, counted."""
        return self._counting.metrics

    async def start(self) -> None:
        """Open everything; RelayError says in one sentence what cannot be had."""
        force = await asyncio.to_thread(in_force, self._first, self._lasting, None)
        self._intake = Intake(force.terms)
        self._milter = Milter(force.milter_terms, self._observe, milter_limits(force.settings))
        self._enforce(force)
        try:
            await self._open_journal()
            await self._open_spool(force)
            await self._web.serve()
            await self._listen(force.settings)
        except BaseException:
            await self.stop(0)
            raise
        self._serving = True
        self._introduce("serving")
        self._digesting.start()
        self._counting.start(lambda: self._spooling.store if self._spooling else None, lambda: self._recorder)

    async def reload(self) -> bool:
        """Read channels.yaml again and go by it; a bad file keeps the running one and says so."""
        assert self._intake is not None, "start comes first"
        assert self._milter is not None
        try:
            with aside():
                settings = await asyncio.to_thread(self._load)
                force = await asyncio.to_thread(in_force, settings, self._lasting, self._force)
            await self._open_spool(force)
            await self._listen(settings)
        except BadSettingsError as bad:
            return self._not_used(*bad.problems)
        except RelayError as trouble:
            return self._not_used(trouble)
        self._intake.reload(force.terms)
        self._milter.reload(force.milter_terms, milter_limits(settings))
        self._enforce(force)
        try:
            await self._web.serve()
        except RelayError as trouble:
            self._log.error("the web page cannot be opened", problem=str(trouble))
        self._introduce("reloaded")
        return True

    def _not_used(self, *problems: object) -> bool:
        for problem in problems:
            self._log.error("channels.yaml is not used", problem=str(problem))
        self._observe(ReloadRefused(_now()))
        return False

    async def stop(self, drain: float | None = None) -> None:
        """Stop listening, let running transactions finish for ``drain`` seconds, close everything."""
        self._serving = False
        seconds = self.settings.drain.total_seconds() if drain is None else drain
        if self._intake is not None and self._milter is not None:
            await asyncio.gather(
                self._intake.stop(seconds), self._milter.stop(seconds), self._digesting.stop(seconds)
            )
        await self._counting.stop()
        if self._spooling is not None:
            await self._spooling.close(seconds)
        await self._digesting.settle()
        await self._web.stop()
        if self._recorder is not None:
            await self._recorder.close()
        await self._hops.close()
        await self._resolver.close()

    async def _listen(self, settings: Settings) -> None:
        """Open what is wanted; where a milter's socket cannot be had, nothing has changed for SMTP either."""
        assert self._intake is not None
        assert self._milter is not None
        await self._milter.listen(milter_listeners(settings))
        await self._intake.listen(listeners_of(settings))

    def _begin(self, client: Client, reverse_path: ReversePath) -> Transaction:
        force = self._force
        assert force is not None
        if force.settings.deliver.mode is Mode.PASS_THROUGH or self._spooling is None:
            return PassThrough(force.plan, self._means, client, reverse_path)
        sending = self._sending
        spool = SpoolMeans(self._spooling.put, sending.attempt, sending.verify)
        return Spooled(force.plan, self._means, spool, client, reverse_path)

    def _ways(self) -> Ways:
        assert self._force is not None
        return self._force.ways

    def _moment(self) -> tuple[str, datetime]:
        return self._means.new_queue_id(), _now()

    def _digest_terms(self) -> DigestTerms:
        assert self._force is not None
        return DigestTerms(self._force.settings, self._force.terms.hostname)

    def _digest_means(self) -> DigestMeans:
        return DigestMeans(
            journal=lambda: self._recorder.journal if self._recorder is not None else None,
            put=lambda: self._spooling.put if self._spooling is not None else None,
            new_queue_id=self._means.new_queue_id,
            observe=self._observe,
        )

    async def _open_spool(self, force: InForce) -> None:
        """Have a spool where mail or digests need one; one that was opened once stays, for what waits in it."""
        settings = force.settings
        keeps = settings.deliver.mode is not Mode.PASS_THROUGH
        needed = keeps and (settings.listen.smtp or any(each.digest_to for each in settings.channels))
        if self._spooling is not None or not needed:
            return

        def terms() -> RunnerTerms:
            return self._force.runner_terms if self._force is not None else force.runner_terms

        self._spooling = await Spooling.open(settings, self._sending, terms, _now_anywhere, self._observe)

    async def _open_journal(self) -> None:
        """Begin to keep what is decided; a journal that cannot be had does not keep us from taking mail."""

        def terms() -> RecorderTerms:
            assert self._force is not None
            return self._force.recorder_terms

        recorder = Recorder(terms, self._observe, _now)
        await recorder.start()
        self._recorder = recorder
        self._observers.add(lambda event: note(recorder, _now, event))

    def _enforce(self, force: InForce) -> None:
        again, self._force = self._force is not None, force
        self._observe(BookTaken(force.book.digest, len(force.book.channels), _now(), again))
        self._hops.use(force.pool)
        self._log.configure(force.settings.log.format, force.settings.log.level)

    def _parts(self) -> Parts:
        """Return what the web page is made from."""

        def force() -> InForce:
            assert self._force is not None
            return self._force

        return Parts(
            settings=lambda: self.settings,
            book=lambda: force().book,
            stamp=lambda: force().plan.stamp,
            journal=lambda: self._recorder.journal if self._recorder is not None else None,
            spool=lambda: self._spooling.store if self._spooling is not None else None,
            inbox=self._inbox,
            hostname=lambda: hostname_of(self.settings),
            now=_now,
            poke=lambda: self._spooling.poke() if self._spooling is not None else None,
            metrics=self._counting.metrics.exposed,
            ready=lambda: self._serving,
            observe=self._observe,
            prove=self._prove,
        )

    def _introduce(self, what: str) -> None:
        assert self._force is not None
        book = self._force.book
        told = tuple(islice(warnings(self._force.settings, book), MOST_TOLD))
        for warning in told:
            self._log.warn("good to know", about=warning)
        for sentence in closing(book, MOST_TOLD):
            if sentence not in told:
                self._log.say("what can be closed", about=sentence)
        if len(book.channels) > MOST_TOLD:
            self._log.say("helpdesk-relay check tells of every channel", channels=len(book.channels))
        self._log.say(
            what,
            smtp=" ".join(f"{host}:{port}" for host, port in self.addresses),
            milter=" ".join(map(str, self._force.settings.listen.milter)) or None,
            web=":".join(map(str, self._web.address)) if self._web.address else None,
            channels=len(self._force.book.channels),
            book=self._force.book.digest,
        )


def queue_ids() -> Callable[[], str]:
    """Return a maker of queue ids: unique in this process, and for all practical purposes everywhere."""
    prefix = f"{int(time.time()):X}{secrets.token_hex(2).upper()}"
    numbers = count(1)
    return lambda: f"{prefix}-{next(numbers):X}"


def _now_anywhere() -> datetime:
    """Return the time where nobody reads the hour: looking up where we are takes three quarters of ``_now``."""
    return datetime.now(UTC)


def _now() -> datetime:
    return datetime.now(UTC).astimezone()

"""What is in force between two reloads: made from settings beside the mail path, then taken all at once."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from relay.channels import ChannelBook
from relay.delivery.courier import Courier
from relay.delivery.pool import Pool
from relay.delivery.resolver import Resolver
from relay.delivery.wayfinder import Wayfinder
from relay.errors import BadSettingsError, Problem
from relay.events import Observe
from relay.intake.terms import Terms
from relay.intake.tls import server_context
from relay.intake.transaction import Begin
from relay.journal.recorder import Terms as RecorderTerms
from relay.milter.terms import Terms as MilterTerms
from relay.pipeline import Plan
from relay.service.hops import make_pool, pool_key
from relay.service.journal import recorder_terms
from relay.service.milter import Moment, milter_terms
from relay.service.proving import make_ready
from relay.service.sending import Ways
from relay.service.spool import runner_terms
from relay.service.translate import authenticate_for, limits_of, plan_of, srs_of
from relay.settings.model import Settings
from relay.spool.seams import Terms as RunnerTerms


@dataclass(frozen=True, slots=True)
class InForce:
    """What everything goes by until the next reload."""

    settings: Settings
    book: ChannelBook
    plan: Plan
    terms: Terms
    milter_terms: MilterTerms
    runner_terms: RunnerTerms
    recorder_terms: RecorderTerms
    pool: Pool
    ways: Ways


@dataclass(frozen=True, slots=True)
class Lasting:
    """What stays while settings come and go."""

    begin: Begin
    observe: Observe
    moment: Moment
    now: Callable[[], datetime]
    resolver: Resolver
    accept_everything: bool


def in_force(settings: Settings, lasting: Lasting, before: InForce | None) -> InForce:
    """Make what takes its time, and prove that it can be had; for a thread.  BadSettingsError, UnreadableFileError.

    The pool of ``before`` goes on where the new settings want no other.
    """
    _make_state(settings)
    hostname = hostname_of(settings)
    book = settings.book()
    _ = book.digest  # half a second for a large book, here rather than where mail waits for it
    if book.platform.dkim_domains:
        make_ready()
    if before is not None and pool_key(before.settings) == pool_key(settings):
        pool = before.pool
    else:
        pool = make_pool(settings.deliver, hostname)
    plan = plan_of(
        settings,
        book,
        hostname,
        lambda: lasting.now().date(),
        accept_everything=lasting.accept_everything,
    )
    return InForce(
        settings=settings,
        book=book,
        plan=plan,
        terms=_intake_terms(settings, hostname, lasting),
        milter_terms=milter_terms(settings, book, plan.stamp, lasting.observe, lasting.moment),
        runner_terms=runner_terms(settings),
        recorder_terms=recorder_terms(settings, book),
        pool=pool,
        ways=Ways(
            plan=plan,
            courier=Courier(pool, Wayfinder(lasting.resolver, names=[hostname]), lasting.observe),
            give_up_after=settings.spool.give_up_after,
            srs=srs_of(settings, hostname),
        ),
    )


def hostname_of(settings: Settings) -> str:
    """Return what the relay calls itself."""
    return settings.hostname or socket.getfqdn()


def _intake_terms(settings: Settings, hostname: str, lasting: Lasting) -> Terms:
    tls = None
    if settings.tls.certificate is not None and settings.tls.key is not None:
        tls = server_context(Path(settings.tls.certificate), Path(settings.tls.key))
    return Terms(
        hostname=hostname,
        folder=Path(settings.state),
        begin=lasting.begin,
        observe=lasting.observe,
        authenticate=authenticate_for(settings),
        tls=tls,
        limits=limits_of(settings),
        unlimited=settings.trusted.unlimited,
        always_normalised=settings.trusted.relay,
    )


def _make_state(settings: Settings) -> None:
    state = Path(settings.state)
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        state.chmod(0o700)
    except OSError as error:
        words = (
            f"the folder {state} cannot be used: {error.strerror}; name one that this process may write to"
        )
        raise BadSettingsError((Problem("channels.yaml", 0, "state", words),)) from error

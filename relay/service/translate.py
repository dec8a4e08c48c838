"""Settings in the words of those who use them: routes, stamp rules, plans, listeners, limits, logins."""

import asyncio
from collections.abc import Callable
from datetime import date

from relay.channels import ChannelBook
from relay.delivery.route import Routes
from relay.intake.terms import AuthMode, IntakeLimits, ListenerSettings, TlsMode
from relay.intake.transaction import Authenticate
from relay.mail.address import normal_domain
from relay.mail.envelope import Client
from relay.mail.hop import NextHop, Way
from relay.mail.srs import Srs
from relay.passwords import verify
from relay.pipeline import Plan
from relay.service.keys import web_key
from relay.service.stamping import stamp_rules_of
from relay.settings.model import Destination, Settings
from relay.settings.words import BareNewlines, ListenerAuth, Mode, Right, XForward

Today = Callable[[], date]


def srs_of(settings: Settings, hostname: str) -> Srs | None:
    """Return what rewrites reverse-paths; None where no secret is set."""
    secret = settings.deliver.srs_secret
    return Srs(secret, normal_domain(hostname)) if secret else None


def routes_of(
    settings: Settings, book: ChannelBook, hostname: str, today: Today, *, accept_everything: bool = False
) -> Routes:
    """Return the routes; without a ``deliver.helpdesk`` there is no SMTP listener that would ask for one."""
    deliver = settings.deliver
    spooled = deliver.mode is not Mode.PASS_THROUGH
    srs = srs_of(settings, hostname)
    return Routes(
        book=book,
        helpdesk=deliver.helpdesk or Way.REFUSE,
        hostname=hostname.lower(),
        by_channel={own.channel.name: own.helpdesk for own in settings.channels if own.helpdesk is not None},
        forward_to={
            own.channel.name: own.forward_to for own in settings.channels if own.forward_to is not None
        },
        elsewhere=_reachable(deliver.elsewhere, by_mx=spooled) or Way.REFUSE,
        postmaster=settings.postmaster,
        reports=_reachable(deliver.reports, by_mx=spooled) or (Way.HOLD if spooled else None),
        srs_back=(lambda path: srs.back(path, today())) if srs is not None else None,
        accept_everything=accept_everything,
    )


def plan_of(
    settings: Settings, book: ChannelBook, hostname: str, today: Today, *, accept_everything: bool = False
) -> Plan:
    """Return what transactions that begin from now on are handled by; with ``stamp.link`` errors as of ``web_key``."""
    return Plan(
        routes=routes_of(settings, book, hostname, today, accept_everything=accept_everything),
        stamp=stamp_rules_of(settings, web_key(settings) if settings.stamp.link else None),
        hostname=hostname,
        header_size=settings.limits.header_size,
        patience=settings.deliver.timeouts.while_client_waits.total_seconds() or None,
        tell_client=settings.deliver.xforward is XForward.AUTO,
        may_relay=_may_relay(settings),
        try_at_once=settings.deliver.mode is Mode.PASS_THROUGH_OR_SPOOL,
        unknown_retry=settings.spool.unknown_retry,
        keep_closed=settings.journal.keep_closed is not None,
    )


def listeners_of(settings: Settings) -> list[ListenerSettings]:
    """Return the SMTP listeners; without a certificate ``opportunistic`` announces no STARTTLS."""
    logins = {
        ListenerAuth.NONE: AuthMode.NONE,
        ListenerAuth.OPTIONAL: AuthMode.OPTIONAL,
        ListenerAuth.REQUIRED: AuthMode.REQUIRED,
    }
    return [
        ListenerSettings(
            host=smtp.address.host,
            port=smtp.address.port,
            tls=TlsMode(smtp.tls.value),
            auth=logins[smtp.auth],
            proxy=smtp.proxy,
            xclient=smtp.xclient,
            reuse_port=smtp.reuse_port,
        )
        for smtp in settings.listen.smtp
    ]


def limits_of(settings: Settings) -> IntakeLimits:
    """Return what intake lets a client do."""
    limits = settings.limits
    return IntakeLimits(
        message_size=limits.message_size,
        header_size=limits.header_size,
        recipients=limits.recipients,
        connections=limits.connections,
        connections_per_client=limits.connections_per_client,
        received=limits.received,
        junk_commands=limits.junk_commands,
        auth_failures=limits.auth_failures,
        command_timeout=limits.command_timeout.total_seconds(),
        data_rate=limits.data_rate,
        normalise_bare_newlines=limits.bare_newlines is BareNewlines.NORMALIZE,
    )


def authenticate_for(settings: Settings) -> Authenticate | None:
    """Return how a login of a user who may send is checked; None where there is no such user."""
    hashes = {user.name: user.password for user in settings.who_may(Right.SEND)}
    if not hashes:
        return None

    async def authenticate(user: str, password: str) -> bool:
        return await asyncio.to_thread(verify, password, hashes.get(user))

    return authenticate


def _may_relay(settings: Settings) -> Callable[[Client], bool]:
    trusted = settings.trusted.relay
    users = frozenset(user.name for user in settings.who_may(Right.SEND))
    return lambda client: client.address in trusted or client.user in users


def _reachable(destination: Destination, *, by_mx: bool) -> Destination | None:
    """Return a destination that there is a way to: pass-through knows only servers that are named."""
    if isinstance(destination, NextHop) or (by_mx and destination is Way.MX):
        return destination
    return None

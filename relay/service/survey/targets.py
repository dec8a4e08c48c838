"""Where mail goes by channels.yaml: named servers, and domains whose MX records have to be asked for.  Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from relay.delivery.route import Hop, Routes
from relay.mail.address import Mailbox, in_ascii
from relay.mail.envelope import ForwardPath
from relay.mail.hop import NextHop, Scheme, Way
from relay.mail.reply import Reply
from relay.settings.model import Settings

SCHEMES = {Way.MX: Scheme.SMTP, Way.MX_STARTTLS: Scheme.SMTP_STARTTLS}

POSTMASTER = "postmaster"


@dataclass(frozen=True, slots=True)
class ByMx:
    """The servers of a domain."""

    domain: str
    scheme: Scheme


@dataclass(frozen=True, slots=True)
class Target:
    """One place where mail goes."""

    to: NextHop | ByMx
    whose: tuple[str, ...]
    """Whose mail goes there, in words."""
    beyond_ascii: bool
    """It goes to an address that only SMTPUTF8 can tell."""


@dataclass(frozen=True, slots=True)
class _Sent:
    hop: Hop
    path: ForwardPath | None
    whose: str
    for_the_helpdesk: bool = False


def targets_of(settings: Settings, routes: Routes) -> tuple[Target, ...]:
    """Return every place that can be told beforehand, each once; where others write to, nobody knows before."""
    whose: dict[NextHop | ByMx, dict[str, None]] = {}
    beyond: set[NextHop | ByMx] = set()
    for sent in _everything(settings, routes):
        to = _place(sent)
        if to is None:
            continue
        whose.setdefault(to, {})[sent.whose] = None
        if sent.path is not None and in_ascii(sent.path.text, sent.path.mailbox) is None:
            beyond.add(to)
    return tuple(Target(to, tuple(names), to in beyond) for to, names in whose.items())


def foreign_domains(settings: Settings, routes: Routes) -> tuple[str, ...]:
    """Return the domains of others to which the helpdesk's mail is forwarded."""
    found = {
        sent.path.mailbox.domain
        for sent in _everything(settings, routes)
        if sent.for_the_helpdesk and sent.path is not None and _leaves(sent.hop)
    }
    return tuple(sorted(domain for domain in found if not routes.is_our_domain(domain)))


def _everything(settings: Settings, routes: Routes) -> Iterator[_Sent]:
    for own in settings.channels:
        channel = own.channel
        for address in (*channel.own, *channel.inbound):
            yield from _routed(routes, address, f"channel {channel.name}")
    for domain in sorted(settings.domains):
        yield from _routed(routes, Mailbox("anybody", domain), f"anybody at {domain}")
    for domain in (routes.hostname, *sorted(routes.book.channel_domains | settings.domains)):
        yield from _routed(routes, Mailbox("postmaster", domain), POSTMASTER)
    yield _Sent(routes.elsewhere, None, "elsewhere")
    if routes.reports is not None:
        yield _Sent(routes.reports, None, "reports")
        for own in settings.channels:
            if own.digest_to is not None:
                yield _Sent(routes.reports, own.digest_to, f"digests of {own.channel.name}")


def _routed(routes: Routes, address: Mailbox, whose: str) -> Iterator[_Sent]:
    route = routes.route(ForwardPath(str(address), address), may_relay=False)
    if isinstance(route, Reply):
        return
    for path in dict.fromkeys((route.told(auto_closed=False), route.told(auto_closed=True))):
        yield _Sent(route.hop, path, whose, route.for_the_helpdesk)


def _leaves(hop: Hop) -> bool:
    return isinstance(hop, NextHop) or hop in SCHEMES


def _place(sent: _Sent) -> NextHop | ByMx | None:
    if isinstance(sent.hop, NextHop):
        return sent.hop
    if sent.path is None or sent.hop not in SCHEMES:
        return None
    return ByMx(sent.path.mailbox.domain, SCHEMES[sent.hop])

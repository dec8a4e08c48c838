"""Which way a forward-path goes: to the helpdesk, elsewhere, or nowhere.  Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from relay.channels import ChannelBook
from relay.mail.address import Mailbox
from relay.mail.envelope import ForwardPath
from relay.mail.hop import NextHop, Way
from relay.mail.reply import Reply
from relay.settings.model import ForwardTo

Hop = NextHop | Way
"""A server, or the word for what stands in its place (``Way.SANDBOX``)."""

NOT_OURS = Reply(
    550, "5.7.1", "This is no address of the helpdesk, and you may not relay through this server"
)


@dataclass(frozen=True, slots=True)
class Route:
    """Where one forward-path goes."""

    hop: Hop
    destination: str
    """The way as the spool calls it: ``helpdesk``, ``helpdesk:<channel>``, ``elsewhere``, ``reports``."""
    for_the_helpdesk: bool
    """Only then the stamp goes with it."""
    original: ForwardPath
    """What the client said."""
    path: ForwardPath
    """What the hop is told."""
    closed_path: ForwardPath | None = None
    """What the hop is told if the ticket is auto-closed; None: the same."""
    by_domain_alone: bool = False
    """Nothing but its domain speaks for it, so the helpdesk may not know it."""

    def told(self, *, auto_closed: bool) -> ForwardPath:
        """Return what the hop is told after this verdict."""
        return self.closed_path if auto_closed and self.closed_path is not None else self.path


@dataclass(frozen=True, slots=True)
class Routes:
    """Everything that decides about routes but the forward-path itself."""

    book: ChannelBook
    helpdesk: Hop
    hostname: str
    by_channel: Mapping[str, Hop] = field(default_factory=dict)
    """Next hops of their own, by the channel's name."""
    forward_to: Mapping[str, ForwardTo] = field(default_factory=dict)
    """By the channel's name."""
    elsewhere: Hop = Way.REFUSE
    postmaster: ForwardPath | None = None
    """None: to the helpdesk, as it stands."""
    reports: Hop | None = None
    """The way of reports, of a postmaster outside the helpdesk, and back along SRS; None: there is none."""
    srs_back: Callable[[ForwardPath], ForwardPath | None] | None = None
    """Tells whom a forward-path of ours (SRS0) stands for; None: it is none, or not right."""
    accept_everything: bool = False
    """Every forward-path is the helpdesk's (the command ``sandbox``)."""

    def route(self, path: ForwardPath, *, may_relay: bool) -> Route | Reply:
        """Return the way of ``path``, or the refusal; ``may_relay``: the client may send elsewhere."""
        if self._is_postmaster(path.mailbox):
            return self._to_postmaster(path)
        if route := self._to_channel(path, path):
            return route
        if self.accept_everything or path.mailbox.domain in self.book.domains:
            return self._to_helpdesk(path, path, by_domain_alone=not self.accept_everything)
        if self.reports is not None and self.srs_back is not None and (back := self.srs_back(path)):
            return Route(self.reports, "reports", for_the_helpdesk=False, original=path, path=back)
        if may_relay and self.elsewhere is not Way.REFUSE:
            return Route(self.elsewhere, "elsewhere", for_the_helpdesk=False, original=path, path=path)
        return NOT_OURS

    def hop_of(self, destination: str) -> Hop | None:
        """Return the hop that a destination of the spool means now; None if there is none any more."""
        kind, _, channel = destination.partition(":")
        match kind:
            case "helpdesk":
                return self.by_channel.get(channel, self.helpdesk)
            case "elsewhere":
                return None if self.elsewhere is Way.REFUSE else self.elsewhere
            case _:
                return self.reports

    def is_our_domain(self, domain: str) -> bool:
        """Tell whether mail that goes to ``domain`` stays with us, so that its reverse-path is no forwarder's matter."""
        book = self.book
        return (
            domain == self.hostname
            or domain in book.domains
            or domain in book.inside
            or domain in book.channel_domains
        )

    def _to_channel(self, original: ForwardPath, path: ForwardPath) -> Route | None:
        role = self.book.role_of(path.mailbox)
        if role is None:
            return None
        name = role.channel.name
        own_hop = name in self.by_channel
        forward_to = self.forward_to.get(name)
        return Route(
            hop=self.by_channel.get(name, self.helpdesk),
            destination=f"helpdesk:{name}" if own_hop else "helpdesk",
            for_the_helpdesk=True,
            original=original,
            path=_renamed(path, forward_to.open) if forward_to else path,
            closed_path=_renamed(path, forward_to.auto_closed) if forward_to else None,
        )

    def _to_helpdesk(
        self, original: ForwardPath, path: ForwardPath, *, by_domain_alone: bool = False
    ) -> Route:
        return Route(
            self.helpdesk,
            "helpdesk",
            for_the_helpdesk=True,
            original=original,
            path=path,
            by_domain_alone=by_domain_alone,
        )

    def _is_postmaster(self, address: Mailbox) -> bool:
        """RFC 5321 4.5.1: postmaster of every domain that we take mail for, and without a domain."""
        return address.local == "postmaster" and (
            address.domain in ("", self.hostname)
            or address.domain in self.book.domains
            or address.domain in self.book.channel_domains
        )

    def _to_postmaster(self, path: ForwardPath) -> Route:
        if self.postmaster is None:
            return self._to_helpdesk(path, path)
        renamed = _renamed(path, self.postmaster)
        if route := self._to_channel(path, renamed):
            return route
        if self.postmaster.mailbox.domain in self.book.domains:
            return self._to_helpdesk(path, renamed)
        if self.reports is not None:
            return Route(self.reports, "reports", for_the_helpdesk=False, original=path, path=renamed)
        return self._to_helpdesk(path, path)


def _renamed(path: ForwardPath, target: ForwardPath) -> ForwardPath:
    return replace(target, notify=path.notify, orcpt=path.orcpt)

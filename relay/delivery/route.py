"""Which way a forward-path goes: to the helpdesk, elsewhere, or nowhere.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from relay.channels import ChannelBook
from relay.mail.address import Mailbox
from relay.mail.envelope import ForwardPath
from relay.mail.hop import NextHop, Way
from relay.mail.reply import Reply

Hop = NextHop | Way
"""A server, or the word for what stands in its place (``Way.SANDBOX``)."""

NOT_OURS = Reply(
    550, "5.7.1", "This is no address of the helpdesk, and you may not relay through this server"
)


@dataclass(frozen=True, slots=True)
class Route:
    """Where one forward-path goes."""

    hop: Hop
    for_the_helpdesk: bool
    """Only then the stamp goes with it."""
    path: ForwardPath
    """What the hop is told."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Everything that decides about routes but the forward-path itself."""

    book: ChannelBook
    helpdesk: Hop
    hostname: str
    by_channel: Mapping[str, Hop] = field(default_factory=dict)
    """Next hops of their own, by the channel's name."""
    elsewhere: Hop = Way.REFUSE
    postmaster: ForwardPath | None = None
    """None: to the helpdesk, as it stands."""
    postmaster_hop: Hop | None = None
    """Where a postmaster outside the helpdesk is reached; None: there is no way yet, the helpdesk gets it."""
    accept_everything: bool = False
    """Every forward-path is the helpdesk's (the command ``sandbox``)."""

    def route(self, path: ForwardPath, *, may_relay: bool) -> Route | Reply:
        """Return the way of ``path``, or the refusal; ``may_relay``: the client may send elsewhere."""
        if self._is_postmaster(path.mailbox):
            return self._to_postmaster(path)
        role = self.book.role_of(path.mailbox)
        if role is not None:
            return Route(
                self.by_channel.get(role.channel.name, self.helpdesk), for_the_helpdesk=True, path=path
            )
        if self.accept_everything or path.mailbox.domain in self.book.domains:
            return Route(self.helpdesk, for_the_helpdesk=True, path=path)
        if may_relay and self.elsewhere is not Way.REFUSE:
            return Route(self.elsewhere, for_the_helpdesk=False, path=path)
        return NOT_OURS

    def _is_postmaster(self, address: Mailbox) -> bool:
        """RFC 5321 4.5.1: postmaster of every domain that we take mail for, and without a domain."""
        return address.local == "postmaster" and (
            address.domain in ("", self.hostname)
            or address.domain in self.book.domains
            or address.domain in self.book.channel_domains
        )

    def _to_postmaster(self, path: ForwardPath) -> Route:
        if self.postmaster is None:
            return Route(self.helpdesk, for_the_helpdesk=True, path=path)
        address = self.postmaster.mailbox
        renamed = replace(self.postmaster, notify=path.notify, orcpt=path.orcpt)
        role = self.book.role_of(address)
        if role is not None:
            return Route(
                self.by_channel.get(role.channel.name, self.helpdesk), for_the_helpdesk=True, path=renamed
            )
        if address.domain in self.book.domains:
            return Route(self.helpdesk, for_the_helpdesk=True, path=renamed)
        if self.postmaster_hop is not None:
            return Route(self.postmaster_hop, for_the_helpdesk=False, path=renamed)
        return Route(self.helpdesk, for_the_helpdesk=True, path=path)

"""Channels and the book of them: whose address is it, and what may be done with it.  Pure.

A book is immutable; looking an address up does not depend on the number of channels.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from relay.channels.networks import Networks
from relay.mail.address import Mailbox, bases
from relay.mail.view import Evidence, MessageView, Recipient


class AutoClose(StrEnum):
    """What a channel does with outbound copies."""

    ALWAYS = "always"
    OBSERVE = "observe"
    NEVER = "never"


class WhenInDoubt(StrEnum):
    """What a doubt does to a copy that everything else would close."""

    CLOSE = "close"
    OPEN = "open"


class BccEvidence(StrEnum):
    """What tells a blind copy."""

    HEADER = "header"
    ENVELOPE = "envelope"
    TRACE = "trace"


@dataclass(frozen=True, slots=True)
class Channel:
    """A mailbox of the helpdesk."""

    name: str
    address: Mailbox
    also: tuple[Mailbox, ...] = ()
    inbound: tuple[Mailbox, ...] = ()
    auto_close: AutoClose = AutoClose.ALWAYS
    when_in_doubt: WhenInDoubt | None = None
    """None: as the rule says."""

    @property
    def own(self) -> tuple[Mailbox, ...]:
        """The addresses that are the channel itself."""
        return (self.address, *self.also)


@dataclass(frozen=True, slots=True)
class Rule:
    """The key ``rule`` of channels.yaml."""

    bcc_evidence: frozenset[BccEvidence] = frozenset({BccEvidence.HEADER, BccEvidence.ENVELOPE})
    when_in_doubt: WhenInDoubt = WhenInDoubt.CLOSE
    subaddress_separator: str = "+"


@dataclass(frozen=True, slots=True)
class Platform:
    """The key ``platform`` of channels.yaml: what proves that the helpdesk itself sent a message."""

    networks: Networks = field(default_factory=Networks)
    users: frozenset[str] = frozenset()
    dkim_domains: frozenset[str] = frozenset()
    authserv_ids: frozenset[str] = frozenset()


class Role(NamedTuple):
    """What an address is to a channel."""

    channel: Channel
    inbound: bool
    """One of the raw addresses under which its mail arrives: accepted, but never the channel itself."""


class ChannelBook:
    """All channels and everything else that a verdict depends on (docs/channels.md)."""

    def __init__(
        self,
        channels: Iterable[Channel],
        *,
        rule: Rule | None = None,
        platform: Platform | None = None,
        trusted_trace: Networks | None = None,
        domains: Iterable[str] = (),
        inside: Iterable[str] = (),
        header_size: int = 1024 * 1024,
    ) -> None:
        """Make the book; ``domains`` and ``inside`` in A-labels, ``header_size`` in octets (0: no limit).

        Raises ValueError where two channels claim an address; ``settings`` has told the operator before.
        """
        self.channels = tuple(channels)
        self.rule = rule or Rule()
        self.platform = platform or Platform()
        self.trusted_trace = trusted_trace or Networks()
        self.domains = frozenset(domains)
        self.inside = frozenset(inside)
        self.header_size = header_size
        self._roles: dict[Mailbox, Role] = {}
        for channel in self.channels:
            for own in channel.own:
                self._claim(own, Role(channel, inbound=False))
            for inbound in channel.inbound:
                self._claim(inbound, Role(channel, inbound=True))
        self.channel_domains = frozenset(known.domain for known in self._roles)
        """The domains of all addresses in the book."""
        self._longest = max((len(known.local) for known in self._roles), default=0)
        self._digest = ""
        self._believed = _believed(self.rule.bcc_evidence, trace=False)
        self._believed_with_trace = _believed(self.rule.bcc_evidence, trace=True)
        self._trace_may_count = BccEvidence.TRACE in self.rule.bcc_evidence and bool(self.trusted_trace)

    def _claim(self, address: Mailbox, role: Role) -> None:
        if address in self._roles:
            raise ValueError(f"{address} is in the book twice")
        self._roles[address] = role

    @property
    def addresses(self) -> Collection[Mailbox]:
        """Every address of every channel."""
        return self._roles.keys()

    @property
    def digest(self) -> str:
        """``sha256:`` and the hex digest of everything that a verdict depends on, in a fixed form."""
        if not self._digest:
            self._digest = "sha256:" + hashlib.sha256(_canonical(self)).hexdigest()
        return self._digest

    def channel_of(self, author: Mailbox | None) -> Channel | None:
        """Return the channel whose ``address`` or ``also`` is exactly ``author``."""
        role = self._roles.get(author) if author is not None else None
        return role.channel if role and not role.inbound else None

    def role_of(self, address: Mailbox) -> Role | None:
        """Return what ``address`` is to a channel; a subaddress is what its longest known base is."""
        role = self._roles.get(address)
        if role or self.rule.subaddress_separator not in address.local:
            return role
        for base in bases(address.local, self.rule.subaddress_separator, self._longest):
            if role := self._roles.get(Mailbox(base, address.domain)):
                return role
        return None

    def is_itself(self, channel: Channel, address: Mailbox) -> bool:
        """Tell whether mail to ``address`` is mail to ``channel`` itself (not to one of its inbound addresses)."""
        role = self.role_of(address)
        return role is not None and role.channel is channel and not role.inbound

    def accepts(self, address: Mailbox) -> bool:
        """Tell whether ``address`` is the helpdesk's: a channel's in any role, or in one of ``domains``."""
        return address.domain in self.domains or self.role_of(address) is not None

    def is_outsider(self, address: Mailbox) -> bool:
        """Tell whether ``address`` is none of ours."""
        return not (address.domain in self.inside or self.accepts(address))

    def in_doubt(self, channel: Channel) -> WhenInDoubt:
        """Return what a doubt does for ``channel``."""
        return channel.when_in_doubt or self.rule.when_in_doubt

    def recipients_of(self, view: MessageView) -> tuple[Recipient, ...]:
        """Return the evidence that counts: believed by this book, and from broken parts only the author's channel."""
        believed = self._believed
        if self._trace_may_count and view.client.address in self.trusted_trace:
            believed = self._believed_with_trace
        counted = [
            found
            for found in view.recipients
            if found.evidence in believed and (found.certain or self._is_author(view, found.mailbox))
        ]
        return view.recipients if len(counted) == len(view.recipients) else tuple(counted)

    def _is_author(self, view: MessageView, address: Mailbox) -> bool:
        """Tell whether ``address`` is the author's channel itself."""
        channel = self.channel_of(view.author)
        return channel is not None and self.is_itself(channel, address)


def _believed(listed: frozenset[BccEvidence], *, trace: bool) -> tuple[Evidence, ...]:
    """Return the kinds of evidence that count where ``rule.bcc_evidence`` is ``listed``; to look into so few, no set is faster."""
    blind = {
        Evidence.BLIND: BccEvidence.HEADER in listed,
        Evidence.ENVELOPE: BccEvidence.ENVELOPE in listed,
        Evidence.TRACE: BccEvidence.TRACE in listed and trace,
    }
    return (Evidence.ADDRESSED, *(kind for kind, counts in blind.items() if counts))


def _canonical(book: ChannelBook) -> bytes:
    channels = {
        channel.name: {
            "address": str(channel.address),
            "also": sorted(map(str, channel.also)),
            "inbound": sorted(map(str, channel.inbound)),
            "auto_close": channel.auto_close,
            "when_in_doubt": channel.when_in_doubt,
        }
        for channel in book.channels
    }
    everything = {
        "channels": channels,
        "rule": [sorted(book.rule.bcc_evidence), book.rule.when_in_doubt, book.rule.subaddress_separator],
        "platform": [
            list(map(str, book.platform.networks.all)),
            sorted(book.platform.users),
            sorted(book.platform.dkim_domains),
            sorted(book.platform.authserv_ids),
        ],
        "trusted.trace": list(map(str, book.trusted_trace.all)),
        "inside": sorted(book.inside),
        "domains": sorted(book.domains),
        "limits.header_size": book.header_size,
    }
    return json.dumps(everything, sort_keys=True, separators=(",", ":")).encode()

"""Everything that channels.yaml says, as values; defaults are those of docs/channels.md.  Pure.

Attributes are the keys, with ``_`` for ``-`` (``from`` is ``from_``).  Durations are ``timedelta``, sizes are
octets, rates octets a second, paths absolute text.  A limit of 0 means that there is none.
"""

from dataclasses import dataclass, field
from datetime import time, timedelta
from ipaddress import ip_network

from relay.channels import Channel, ChannelBook, Networks, Platform, Rule
from relay.mail.envelope import ForwardPath
from relay.mail.hop import NextHop, Way
from relay.settings.entrances import ListenSettings, TlsSettings, User
from relay.settings.words import (
    BareNewlines,
    DigestLanguage,
    JournalAddresses,
    LogFormat,
    LogLevel,
    Mixed,
    Mode,
    OnFailure,
    Preset,
    Right,
    XForward,
)

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

Destination = NextHop | Way
"""One server, or the word for a way to find one."""
Fields = tuple[tuple[str, str], ...]
"""Names and values of header fields, in order."""


@dataclass(frozen=True, slots=True)
class ForwardTo:
    """What a forward-path of a channel becomes towards the helpdesk."""

    open: ForwardPath
    auto_closed: ForwardPath

    @property
    def depends_on_the_verdict(self) -> bool:
        """The two differ, so that the verdict must be known before RCPT."""
        return self.open.mailbox != self.auto_closed.mailbox


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """A channel and what is done with its mail."""

    channel: Channel
    """What a verdict depends on."""
    forward_to: ForwardTo | None = None
    helpdesk: Destination | None = None
    """None: that of ``deliver``."""
    digest_to: ForwardPath | None = None


@dataclass(frozen=True, slots=True)
class TrustedSettings:
    """Who may do what no stranger may; each right by itself."""

    relay: Networks = field(default_factory=Networks)
    trace: Networks = field(default_factory=Networks)
    unlimited: Networks = field(
        default_factory=lambda: Networks((ip_network("127.0.0.0/8"), ip_network("::1/128")))
    )


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a next hop is waited for."""

    connect: timedelta = timedelta(seconds=10)
    reply: timedelta = timedelta(seconds=30)
    content: timedelta = timedelta(minutes=8)
    """From the final dot to its reply."""
    while_client_waits: timedelta = timedelta(seconds=45)


@dataclass(frozen=True, slots=True)
class DeliverTls:
    """TLS towards next hops."""

    ca: str | None = None
    """A file of certificates; None: those of the machine."""


@dataclass(frozen=True, slots=True)
class DeliverSettings:
    """Where mail goes, and how."""

    helpdesk: Destination | None = None
    """A next hop, or MX, MX_STARTTLS, SANDBOX."""
    elsewhere: Destination = Way.REFUSE
    """A next hop, or REFUSE, MX."""
    reports: Destination = Way.HOLD
    """A next hop, or HOLD, MX."""
    mode: Mode = Mode.PASS_THROUGH_OR_SPOOL
    timeouts: Timeouts = Timeouts()
    connections: int = 20
    """Per next hop."""
    tls: DeliverTls = DeliverTls()
    xforward: XForward = XForward.AUTO
    srs_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    """Where accepted mail waits, and for how long."""

    url: str | None = field(default=None, repr=False)
    """``postgresql://…``; None: SQLite under ``state``."""
    retry: tuple[timedelta, ...] = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
    """The last step repeats."""
    give_up_after: timedelta = timedelta(days=5)
    unknown_retry: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """What is remembered of decisions."""

    url: str | None = field(default=None, repr=False)
    """``postgresql://…``; None: a file of its own, or the spool's server."""
    keep: timedelta = timedelta(days=30)
    max_size: int = 2 * GIB
    addresses: JournalAddresses = JournalAddresses.FULL
    keep_subject: bool = False
    keep_closed: timedelta | None = None
    """How long the content of closed tickets is kept; None: not at all."""


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """What one client, one message, one listener may take; 0: no limit."""

    message_size: int = 50 * MIB
    header_size: int = MIB
    recipients: int = 1000
    connections: int = 2000
    connections_per_client: int = 50
    received: int = 50
    junk_commands: int = 20
    auth_failures: int = 5
    command_timeout: timedelta = timedelta(minutes=5)
    data_rate: int = 500
    """Octets a second that content must bring at least."""
    bare_newlines: BareNewlines = BareNewlines.REJECT


@dataclass(frozen=True, slots=True)
class MilterSettings:
    """How the milter behaves."""

    on_failure: OnFailure = OnFailure.ACCEPT
    mixed: Mixed = Mixed.STATUS_ONLY
    socket_mode: int = 0o660
    socket_group: str | None = None


@dataclass(frozen=True, slots=True)
class StampSettings:
    """What is written on a message, and what is removed from it."""

    auto_closed: Fields = (("X-Ticket-Status", "auto-closed"),)
    open: Fields = ()
    preset: Preset | None = None
    reason: bool = True
    link: bool = False
    strip: tuple[str, ...] = ()
    """Field names; ``*`` stands for anything."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The web page."""

    url: str | None = None
    """Where the world sees it, without a slash at the end."""
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The log."""

    format: LogFormat = LogFormat.AUTO
    level: LogLevel = LogLevel.INFO


@dataclass(frozen=True, slots=True)
class DigestSettings:
    """The mail that sums up what was closed."""

    from_: ForwardPath | None = None
    at: time = time(7, 0)
    """On the machine's own clock."""
    language: DigestLanguage = DigestLanguage.EN


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """The stand-in helpdesk."""

    keep: int = 1000
    """Messages; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One channels.yaml."""

    channels: tuple[ChannelSettings, ...]
    state: str
    """The folder of all that we keep."""
    hostname: str | None = None
    """None: the machine's full name, which the caller looks up."""
    domains: frozenset[str] = frozenset()
    """In A-labels, like ``inside``."""
    inside: frozenset[str] = frozenset()
    postmaster: ForwardPath | None = None
    """None: the helpdesk gets mail for postmaster."""
    rule: Rule = field(default_factory=Rule)
    platform: Platform = field(default_factory=Platform)
    trusted: TrustedSettings = TrustedSettings()
    listen: ListenSettings = field(default_factory=ListenSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    users: tuple[User, ...] = ()
    deliver: DeliverSettings = DeliverSettings()
    spool: SpoolSettings = SpoolSettings()
    journal: JournalSettings = JournalSettings()
    limits: LimitSettings = LimitSettings()
    milter: MilterSettings = MilterSettings()
    stamp: StampSettings = StampSettings()
    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()
    drain: timedelta = timedelta(seconds=30)
    digest: DigestSettings = DigestSettings()
    sandbox: SandboxSettings = SandboxSettings()

    def book(self) -> ChannelBook:
        """Make the book: everything that a verdict depends on, and nothing else."""
        return ChannelBook(
            (settings.channel for settings in self.channels),
            rule=self.rule,
            platform=self.platform,
            trusted_trace=self.trusted.trace,
            domains=self.domains,
            inside=self.inside,
            header_size=self.limits.header_size,
        )

    def who_may(self, right: Right) -> tuple[User, ...]:
        """Return the users who have ``right``."""
        return tuple(user for user in self.users if right in user.may)

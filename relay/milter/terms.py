"""On which terms we speak with MTAs: the seam, the limits, and what is reported.  Pure values."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from relay.mail.address import Mailbox
from relay.mail.envelope import Client, Known, ReversePath


@dataclass(frozen=True, slots=True)
class Message:
    """What an MTA told of one mail transaction, up to the end of its content."""

    queue_id: str
    """The MTA's; empty where it told none."""
    client: Client
    reverse_path: ReversePath
    forward_paths: tuple[Mailbox, ...]
    """Every well-formed one, whatever was answered to it."""
    accepted: tuple[Mailbox, ...]
    """Those that the MTA took: who gets the message."""
    head: bytes
    """The header section with its empty line; of one that is too large, ``header_size`` octets and one more."""
    known: Known
    began: float
    """When MAIL came, by the clock that the server was given."""
    stripped: bool = False
    """There are fields in it that only we may set."""


@dataclass(frozen=True, slots=True)
class LetThrough:
    """Nothing of the message is ours: it stays as it is."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """The fields that only we may set are taken out, and these put on top."""

    fields: tuple[tuple[str, str], ...] = ()
    """Names and values in the order in which they stand afterwards."""


@dataclass(frozen=True, slots=True)
class PutOff:
    """A temporary failure: the client tries again."""


Decision = LetThrough | Stamp | PutOff
Decide = Callable[[Message], Decision]
"""Decides about a message; returns at once.  What it raises ends the connection as ``Terms.fallback`` says."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything a message is handled by; one that has begun keeps the terms that were in force at its MAIL."""

    decide: Decide
    forged: re.Pattern[bytes]
    """Field names in lower case that only we may set, matched in full (``StampRules.for_the_helpdesk``)."""
    fallback: Decision = Stamp()
    """What becomes of a message where a bug of ours keeps us from deciding."""
    header_size: int = 1024 * 1024
    """Octets of a header section that are kept (0: all)."""


@dataclass(frozen=True, slots=True)
class MilterLimits:
    """What MTAs may take of us; 0 means no limit.  Times in seconds."""

    connections: int = 2000
    packet_timeout: float = 60.0
    """For a packet that has begun."""
    idle_timeout: float = 7210.0
    """Between packets, as libmilter waits: a client may be that slow with its content."""


@dataclass(frozen=True, slots=True)
class MilterListener:
    """One address that MTAs find us at: a host and a port, or the path of a unix socket."""

    host: str = ""
    port: int = 0
    """0: any free one."""
    path: str = ""
    mode: int = 0o660
    group: str | None = None
    """The group that the unix socket belongs to; None: that of this process."""

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"inet:[{self.host}]:{self.port}" if ":" in self.host else f"inet:{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class MilterRefused:
    """A connection was closed at once: there were as many as ``connections`` allows."""

    listener: str


@dataclass(frozen=True, slots=True)
class MilterCut:
    """A connection was ended by us: the MTA broke the protocol, or was too slow."""

    listener: str
    client: Client
    words: str


@dataclass(frozen=True, slots=True)
class MilterFaulted:
    """A bug, ours or of what was handed in; the message at hand went by ``Terms.fallback``."""

    listener: str
    client: Client
    error: Exception


MilterEvent = MilterRefused | MilterCut | MilterFaulted

Observe = Callable[[MilterEvent], None]
"""Takes an event; must not block or raise."""

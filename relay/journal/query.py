"""What is asked of the journal, and what it answers besides entries.  Pure values."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries are meant; what is None is not asked."""

    verdict: str | None = None
    reason: str | None = None
    channel: str | None = None
    """The author's channel."""
    author: str | None = None
    about: str | None = None
    """An address anywhere in it: author, recipients, reverse-path, Reply-To; compared as docs/rule.md compares."""
    since: datetime | None = None
    """Aware."""
    until: datetime | None = None
    """Aware; not itself."""
    doubtful: bool = False
    """Only doubtful closings."""
    text: str | None = None
    """What a person typed: an address, a Message-ID, a queue id, a reference, or a part of an address or a subject."""


OTHERS = "*"
"""Stands for all channels that are not told apart; no channel can be called so."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many messages of one day, channel and kind were judged."""

    day: date
    """By the machine's own clock."""
    channel: str
    """The author's; empty where the author is none; or ``OTHERS``."""
    verdict: str
    reason: str
    doubtful: bool
    messages: int


@dataclass(frozen=True, slots=True)
class Observed:
    """What a channel that observes would have closed."""

    channel: str
    messages: int
    doubtful: int


COMMAND_LINE, LOCAL, BY_LINK = "command line", "local", "link"
"""Who looked, where nobody logged in: by a command, on the page from this machine, or by a signed link."""


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody looked at an entry."""

    at: datetime
    who: str


@dataclass(frozen=True, slots=True)
class Size:
    """How large the journal is."""

    entries: int
    octets: int
    oldest_at: datetime | None

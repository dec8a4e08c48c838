"""What the pages and the API show and do, as callables that are handed in; each returns what is in force now."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from relay.channels import ChannelBook
from relay.errors import NotDurableError, UnavailableError
from relay.events import Observe
from relay.journal.store import Journal
from relay.judge import Verdict
from relay.judge.explain import Language
from relay.mail.address import Mailbox
from relay.sandbox.inbox import SandboxInbox
from relay.settings.model import Settings
from relay.spool.store import Store
from relay.stamp import StampRules

AWAY = (UnavailableError, NotDurableError)
"""What the journal and the spool raise that cannot be reached, or are being closed."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A message that somebody wants judged, with what is known of its transaction; nothing of it is stored."""

    octets: bytes
    whole: bool = True
    """False: the end of it may be missing."""
    reverse_path: str | None = None
    forward_paths: tuple[Mailbox, ...] = ()
    address: IPv4Address | IPv6Address | None = None
    """The client's."""
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a trial."""

    verdict: Verdict
    stamp: tuple[str, ...]
    """The fields that would be set, as ``Name: value``."""


class Reopened(StrEnum):
    """What became of the wish to open a ticket again."""

    DONE = "done"
    """The helpdesk is told, now or by the spool."""
    ALREADY = "already"
    NOT_KEPT = "not-kept"
    """The content is not there (any more), or was never kept."""
    NOT_CLOSED = "not-closed"
    """The ticket was not auto-closed."""
    NO_ENTRY = "no-entry"


REOPENED = {
    Reopened.DONE: "reopened {ref}: the message to the helpdesk is in the queue",
    Reopened.ALREADY: "{ref} was reopened before{when}; nothing was done",
    Reopened.NOT_KEPT: "the content of {ref} is not kept (any more), so nothing was done; see journal.keep_closed",
    Reopened.NOT_CLOSED: "the ticket of {ref} was not closed, so there is nothing to open again",
    Reopened.NO_ENTRY: "nothing in the journal is called {ref}",
}
"""The same as sentences, for whoever uses the command line or the API."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that the web may see and do."""

    settings: Callable[[], Settings]
    book: Callable[[], ChannelBook]
    journal: Callable[[], Journal | None]
    """None: it is away."""
    spool: Callable[[], Store | None]
    """None: the mode has none."""
    inbox: Callable[[], SandboxInbox | None]
    """None where the helpdesk is a real one."""
    judge: Callable[[Trial], Awaitable[Tried]]
    """Judges and stamps by what is in force; asks DNS, for seconds at most, where a signature would change the verdict."""
    stamp: Callable[[], StampRules]
    """Returns what is set and removed, with signed links where they are wanted."""
    reopen: Callable[[str, str], Awaitable[Reopened]]
    """Takes the reference of an entry and who wants it."""
    metrics: Callable[[], bytes]
    """The metrics as Prometheus reads them (text format 0.0.4)."""
    ready: Callable[[], bool]
    """Mail is taken and can be kept or handed over."""
    key: bytes
    """Signs links and sessions (``web.key``)."""
    languages: tuple[Language, ...] = (Language.EN, Language.DE)
    observe: Observe = lambda _: None
    """Is told of bugs of ours."""

"""What a session reports to whoever logs and counts: frozen values, never a password, never content.  Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from relay.mail.envelope import Client


class Cause(StrEnum):
    """Why a session refused or ended something."""

    CONNECTIONS = "connections"
    CONNECTIONS_PER_CLIENT = "connections-per-client"
    BAD_PROXY_HEADER = "bad-proxy-header"
    TLS_FAILED = "tls-failed"
    NOT_SMTP = "not-smtp"
    COMMAND_TIMEOUT = "command-timeout"
    DATA_RATE = "data-rate"
    JUNK_COMMANDS = "junk-commands"
    AUTH_FAILURES = "auth-failures"
    RECIPIENTS = "recipients"
    STOPPING = "stopping"
    BARE_NEWLINES = "bare-newlines"
    MESSAGE_SIZE = "message-size"
    RECEIVED = "received"
    NO_ROOM = "no-room"


@dataclass(frozen=True, slots=True)
class SessionBegun:
    """A client was let in and is about to be greeted."""

    client: Client


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """A session that had begun is over, whoever ended it."""

    client: Client


@dataclass(frozen=True, slots=True)
class SessionRefused:
    """A client was sent away before its first command."""

    client: Client
    cause: Cause


@dataclass(frozen=True, slots=True)
class SessionCut:
    """A session was ended by us."""

    client: Client
    cause: Cause


@dataclass(frozen=True, slots=True)
class ContentRefused:
    """A content was refused before anybody looked at it."""

    client: Client
    reverse_path: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class BareNewlinesNormalised:
    """A content had bare CR or LF, which became CRLF."""

    client: Client
    reverse_path: str


@dataclass(frozen=True, slots=True)
class AuthenticationFailed:
    """A user name and password were wrong."""

    client: Client
    user: str


@dataclass(frozen=True, slots=True)
class SessionFaulted:
    """A bug, ours or of what was handed in; the client got a temporary reply."""

    client: Client
    error: Exception


IntakeEvent = (
    SessionBegun
    | SessionEnded
    | SessionRefused
    | SessionCut
    | ContentRefused
    | BareNewlinesNormalised
    | AuthenticationFailed
    | SessionFaulted
)

Observe = Callable[[IntakeEvent], None]
"""Takes an event; must not block or raise."""

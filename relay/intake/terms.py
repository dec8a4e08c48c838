"""On which terms we talk to clients: the listeners, limits and callables that are handed in, as values."""

import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from relay.channels.networks import Networks
from relay.intake.events import Observe
from relay.intake.transaction import Authenticate, Begin


class TlsMode(StrEnum):
    """How a listener speaks TLS."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"
    REQUIRED = "required"
    IMPLICIT = "implicit"


class AuthMode(StrEnum):
    """Whether a listener wants AUTH."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """One address that we listen on, and how."""

    host: str
    port: int
    """0: any free one."""
    tls: TlsMode = TlsMode.OPPORTUNISTIC
    auth: AuthMode = AuthMode.NONE
    proxy: Networks = field(default_factory=Networks)
    """Peers that begin with a PROXY header."""
    xclient: Networks = field(default_factory=Networks)
    """Peers that may say XCLIENT."""
    reuse_port: bool = False


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """The limits of docs/channels.md; 0 means none."""

    message_size: int = 50 * 1024 * 1024
    header_size: int = 1024 * 1024
    recipients: int = 1000
    connections: int = 2000
    connections_per_client: int = 50
    received: int = 50
    junk_commands: int = 20
    auth_failures: int = 5
    command_timeout: float = 300.0
    """Seconds."""
    handshake_timeout: float = 30.0
    """Seconds for a PROXY header, and for a TLS handshake; not 0."""
    data_rate: float = 500.0
    """Octets a second."""
    normalise_bare_newlines: bool = False
    """For everybody, not only for users and trusted.relay."""
    auth_delay: float = 1.0
    """Seconds before the reply to the first failed AUTH of a session; each further failure waits that much longer."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything a session goes by; a session keeps the terms that were in force when it began."""

    hostname: str
    folder: Path
    """Where large contents are kept, in files without a name."""
    begin: Begin
    observe: Observe
    authenticate: Authenticate | None = None
    """None: AUTH is not offered."""
    tls: ssl.SSLContext | None = None
    """None: TLS is not offered."""
    limits: IntakeLimits = field(default_factory=IntakeLimits)
    unlimited: Networks = field(default_factory=Networks)
    """Clients without a limit on their connections (trusted.unlimited)."""
    always_normalised: Networks = field(default_factory=Networks)
    """Clients whose bare newlines become CRLF whatever the limits say (trusted.relay)."""

"""Who may come in, and where: listeners, their TLS, users.  Pure."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address

from relay.channels import Networks
from relay.settings.words import ListenerAuth, ListenerTls, Right

PASSWORD_HASH = re.compile(
    r"\$scrypt\$ln=(?P<ln>1[0-7]),r=8,p=(?P<p>[1-4])\$(?P<salt>[A-Za-z0-9+/]{22,86})\$(?P<key>[A-Za-z0-9+/]{43,86})"
)
"""What ``helpdesk-relay hash-password`` prints (PHC string format); its shape bounds what a comparison costs."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a listener listens: ``host`` and ``port``, or the absolute ``path`` of a unix socket."""

    host: str = ""
    """A name or an address without brackets."""
    port: int = 0
    path: str = ""

    @property
    def loopback(self) -> bool:
        """Only this machine can reach it."""
        if self.path or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SmtpListener:
    """One address on which SMTP is spoken."""

    address: Endpoint = Endpoint("127.0.0.1", 2525)
    tls: ListenerTls = ListenerTls.OPPORTUNISTIC
    auth: ListenerAuth = ListenerAuth.NONE
    proxy: Networks = field(default_factory=Networks)
    xclient: Networks = field(default_factory=Networks)
    reuse_port: bool = False


@dataclass(frozen=True, slots=True)
class ListenSettings:
    """Who listens where; an empty tuple or None: nobody."""

    smtp: tuple[SmtpListener, ...] = (SmtpListener(),)
    milter: tuple[Endpoint, ...] = ()
    web: Endpoint | None = Endpoint("127.0.0.1", 8025)


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """The files for TLS at our listeners: both or none."""

    certificate: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who can log in, by SMTP AUTH or on the web page."""

    name: str
    password: str = field(repr=False)
    """A hash, in the shape of ``PASSWORD_HASH``."""
    may: frozenset[Right] = frozenset()

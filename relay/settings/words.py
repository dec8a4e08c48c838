"""The words that keys of channels.yaml take, each with what it means.  Pure."""

from enum import StrEnum


class ListenerTls(StrEnum):
    """TLS at a listener."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"
    REQUIRED = "required"
    IMPLICIT = "implicit"


class ListenerAuth(StrEnum):
    """SMTP AUTH at a listener."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Right(StrEnum):
    """What a user may do."""

    SEND = "send"
    READ = "read"
    OPERATE = "operate"


class Mode(StrEnum):
    """Where mail waits, if anywhere (docs/operate.md)."""

    PASS_THROUGH = "pass-through"  # noqa: S105 - no password
    SPOOL = "spool"
    PASS_THROUGH_OR_SPOOL = "pass-through-or-spool"  # noqa: S105 - no password


class XForward(StrEnum):
    """Whether a next hop is told who the client was."""

    AUTO = "auto"
    NEVER = "never"


class JournalAddresses(StrEnum):
    """How the journal keeps addresses."""

    FULL = "full"
    HASHED = "hashed"


class BareNewlines(StrEnum):
    """What happens to a bare CR or LF in a client's content."""

    REJECT = "reject"
    NORMALIZE = "normalize"


class OnFailure(StrEnum):
    """What the milter answers when it fails."""

    ACCEPT = "accept"
    TEMPFAIL = "tempfail"


class Mixed(StrEnum):
    """What the milter inserts where some forward-paths are not the helpdesk's."""

    STATUS_ONLY = "status-only"
    NONE = "none"
    FULL = "full"


class Preset(StrEnum):
    """Helpdesks whose own fields the stamp knows."""

    ZAMMAD = "zammad"
    ZNUNY = "znuny"
    OTOBO = "otobo"
    RT = "rt"


class LogFormat(StrEnum):
    """How log lines look; ``auto``: text on a terminal, else JSON."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The least that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class DigestLanguage(StrEnum):
    """The language of digests."""

    EN = "en"
    DE = "de"

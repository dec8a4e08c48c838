"""One thing that ``check --dns`` looked at, and what it found.  Pure."""

from dataclasses import dataclass
from enum import StrEnum


class About(StrEnum):
    """What was looked at."""

    WAY = "way"
    """Where mail goes: the MX records of a domain, the addresses of a named server."""
    SERVER = "server"
    """Whether a server answers, and what it offers."""
    TLS = "tls"
    SIZE = "size"
    UTF8 = "utf8"
    HOSTNAME = "hostname"
    REVERSE_NAME = "reverse-name"
    ARRIVAL = "arrival"
    """Where mail for a domain of ours arrives."""
    SRS = "srs"
    SPF = "spf"


class Answer(StrEnum):
    """Whether it is as it must be."""

    YES = "yes"
    NO = "no"
    """Only this fails the command."""
    WARNING = "warning"
    """Mail goes, but not as well as it could, or nobody can tell from here."""
    HINT = "hint"
    """Right in some set-ups, a mistake in others."""
    UNREACHABLE = "unreachable"
    """Nobody answers at that place, as far as can be seen from this machine."""


@dataclass(frozen=True, slots=True)
class Point:
    """One line of ``check --dns``."""

    about: About
    of: str
    """The name, the server or the address that was looked at."""
    answer: Answer
    because: str
    """What was found, in words; where that is wrong, also what would be right."""
    publish: tuple[str, ...] = ()
    """DNS records, ready to be published, that would make it right."""


def record(name: str, kind: str, value: str) -> str:
    """Return a DNS record as it stands in a zone; ``name`` without a dot at the end."""
    return f"{name}. {kind} {value}"


def text_record(name: str, text: str) -> str:
    """Return a TXT record, cut into strings of at most 255 octets (RFC 1035 3.3)."""
    pieces = [_quotable(text[start : start + 255]) for start in range(0, len(text), 255)]
    return record(name, "TXT", " ".join(f'"{piece}"' for piece in pieces))


def _quotable(piece: str) -> str:
    return piece.replace("\\", r"\\").replace('"', r"\"")

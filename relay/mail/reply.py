"""An SMTP reply: code, enhanced status code, text.  Pure."""

import re
from dataclasses import dataclass

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?: |$)")
_MAX_LINE = 480
"""Octets of text a line; RFC 5321 4.5.3.1.5 allows 512 with code and CRLF."""
_MAX_LINES = 20


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answers to one command (RFC 5321 4.2, RFC 2034)."""

    code: int
    enhanced: str
    """An enhanced status code such as ``5.7.1``; empty where none belongs (greeting, EHLO, 354)."""
    text: str
    """Without code; lines are separated by ``\\n``."""

    @property
    def positive(self) -> bool:
        """The command did what it was asked to (2yz), or waits for more (3yz)."""
        return 200 <= self.code < 400

    @property
    def temporary(self) -> bool:
        """Trying again later may help (4yz)."""
        return 400 <= self.code < 500

    @property
    def permanent(self) -> bool:
        """Trying again will not help (5yz)."""
        return 500 <= self.code < 600

    def __str__(self) -> str:
        """Return the reply as one line of text, fit for a log."""
        return " ".join(filter(None, (str(self.code), self.enhanced, self.text.replace("\n", " / "))))

    def encode(self) -> bytes:
        """Return the octets on the wire: printable ASCII only, whatever the text holds, ending in CRLF."""
        prefix = f"{self.enhanced} " if self.enhanced else ""
        lines = [_UNPRINTABLE.sub("?", line)[:_MAX_LINE] for line in self.text.split("\n")[:_MAX_LINES]]
        last = len(lines) - 1
        return "".join(
            f"{self.code}{' ' if number == last else '-'}{prefix}{line}\r\n"
            for number, line in enumerate(lines)
        ).encode("ascii")


def from_peer(code: int, lines: list[bytes]) -> Reply:
    """Return what another server said, its enhanced status code taken out of the text and kept apart.

    ``lines`` come without code and line end.  Octets outside ASCII become ``?``; an enhanced status code that
    is missing or of another class than ``code`` is replaced by ``x.0.0`` (RFC 2034 section 4).
    """
    enhanced = ""
    texts = []
    for line in lines:
        text = line.decode("ascii", "replace")
        if not (text.isascii() and text.isprintable()):
            text = _UNPRINTABLE.sub("?", text)
        if found := _ENHANCED.match(text):
            text = text[found.end() :]
            enhanced = enhanced or found[1]
        texts.append(text)
    if not enhanced.startswith(str(code // 100)):
        enhanced = f"{code // 100}.0.0" if code // 100 in (2, 4, 5) else ""
    return Reply(code, enhanced, "\n".join(texts))

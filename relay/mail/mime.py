"""Octets of messages that we write ourselves: no raw control character, no long line, whatever goes in.  Pure."""

import re
from base64 import b64encode

WIDTH = 76
"""Characters of a line, where there is a place to break it."""
LONGEST = 900
"""Octets of a line that cannot be broken; RFC 5322 2.1.1 allows 998."""

_IN_A_WORD = 39
"""Octets of an encoded word, so that it fits on a line of ``WIDTH`` behind a name."""

_NOT_PRINTABLE_ASCII = re.compile(r"[^\x20-\x7e]")
_TOKEN = re.compile(r"[^ ]{1,200}")
_NOT_LITERAL = re.compile(rb"[^\t -<>-~]|[\t ]\Z")  # RFC 2045 6.7
_NOT_7BIT = re.compile(rb"[^\t\r\n -~]|\r(?!\n)|(?<!\r)\n|[^\n]{1000}")
_NOT_8BIT = re.compile(rb"[^\t\r\n -~\x80-\xff]|\r(?!\n)|(?<!\r)\n|[^\n]{1000}")


def printable(text: str, *, utf8: bool = False) -> str:
    """Return ``text`` with ``?`` for every character that does not print, and without ``utf8`` for all outside ASCII."""
    if utf8:
        return "".join(c if c.isprintable() else "?" for c in text)
    return _NOT_PRINTABLE_ASCII.sub("?", text)


def wrapped(text: str, indent: str = "", *, utf8: bool = False) -> str:
    """Return ``text`` on lines of ``WIDTH`` that end in CRLF but for the last; ``indent`` begins all but the first."""
    lines = [""]
    for token in _TOKEN.findall(printable(" ".join(text.split()), utf8=utf8)):
        if lines[-1].strip() and len(lines[-1]) + len(token) + 1 > WIDTH:
            lines.append(indent + token)
        else:
            lines[-1] += f" {token}" if lines[-1] else token
    return "\r\n".join(lines)


def field(name: str, value: str) -> bytes:
    """Return a field in ASCII, folded, ending in CRLF."""
    return wrapped(f"{name}: {value}", "\t").encode() + b"\r\n"


def address_field(name: str, value: str, *, utf8: bool = False) -> bytes:
    """Return a field whose value must not be broken, ending in CRLF; what is too long for a line is cut."""
    line = printable(f"{name}: {value}", utf8=utf8).encode()
    return line[:LONGEST].decode(errors="ignore").encode() + b"\r\n"


def text_field(name: str, value: str) -> bytes:
    """Return a field of free text, folded, ending in CRLF; with encoded words where it is not ASCII (RFC 2047)."""
    if value.isascii():
        return field(name, value)
    words, word = [], b""
    for character in printable(value, utf8=True):
        octets = character.encode(errors="replace")
        if len(word) + len(octets) > _IN_A_WORD:
            words.append(word)
            word = b""
        word += octets
    return field(name, " ".join(f"=?utf-8?b?{b64encode(each).decode()}?=" for each in (*words, word)))


def is_7bit(octets: bytes) -> bool:
    """Tell octets that may stand in a message as they are."""
    return _NOT_7BIT.search(octets) is None


def is_8bit(octets: bytes) -> bool:
    """Tell octets that may stand in a message as they are, where 8 bits may (RFC 6152)."""
    return _NOT_8BIT.search(octets) is None


def quoted_printable(octets: bytes) -> bytes:
    """Return ``octets`` as RFC 2045 6.7 has it; lines end in CRLF, however they ended."""
    lines = octets.replace(b"\r\n", b"\n").split(b"\n")
    return b"\r\n".join(_soft(_NOT_LITERAL.sub(lambda found: b"=%02X" % found[0][0], line)) for line in lines)


def _soft(line: bytes) -> bytes:
    """Break an encoded line, and no escape in it."""
    pieces = []
    while len(line) > WIDTH:
        cut = WIDTH - 1
        escape = line.find(b"=", cut - 2, cut)
        cut = escape if escape >= 0 else cut
        pieces.append(line[:cut])
        line = line[cut:]
    return b"=\r\n".join([*pieces, line])

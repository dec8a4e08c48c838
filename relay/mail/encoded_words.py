"""Encoded words (RFC 2047), read for display, never for identity, and written.  Pure."""

import re
from base64 import b64decode, b64encode
from quopri import decodestring

_ENCODED = re.compile(r"=\?([A-Za-z0-9_-]+)(?:\*[^?\s]*)?\?([BbQq])\?([^?\s]*)\?=")
_OCTETS_OF_A_WORD = 45
"""So that a word has at most the 75 characters of RFC 2047 section 2."""
_BETWEEN_ENCODED = re.compile(r"(\?=)[ \t]+(?==\?)")


def decoded(text: str) -> str:
    """Return ``text`` with its encoded words read (RFC 2047); one that cannot be read stays as it is."""
    return _ENCODED.sub(_word, _BETWEEN_ENCODED.sub(r"\1", text)) if "=?" in text else text


def _word(found: re.Match[str]) -> str:
    charset, encoding, text = found.groups()
    try:
        octets = b64decode(text) if encoding in "Bb" else decodestring(text.encode(), header=True)
        return octets.decode(charset)
    except (ValueError, LookupError):
        return found[0]


def encoded(text: str) -> list[str]:
    """Return ``text`` as encoded words in UTF-8, none of which ends within a character; blanks go between them."""
    words = [bytearray()]
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(words[-1]) + len(octets) > _OCTETS_OF_A_WORD:
            words.append(bytearray())
        words[-1] += octets
    return [f"=?utf-8?b?{b64encode(word).decode('ascii')}?=" for word in words]

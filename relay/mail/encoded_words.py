"""Encoded words read for display (RFC 2047); never for identity.  Pure."""

import re
from base64 import b64decode
from quopri import decodestring

_ENCODED = re.compile(r"=\?([A-Za-z0-9_-]+)(?:\*[^?\s]*)?\?([BbQq])\?([^?\s]*)\?=")
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

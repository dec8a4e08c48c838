"""Hash passwords, and compare a password with a hash (scrypt, RFC 7914; PHC string format).

Both take about 100 ms and 32 MiB on purpose: never call them on the event loop, use a thread.
A password is prepared as RFC 8265 4.2 (OpaqueString) says, so that what is typed on another machine is the same
password: blanks outside ASCII become the blank, then NFC.  Case counts.  What is hashed is its UTF-8.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from base64 import b64decode, b64encode
from binascii import Error as Base64Error

from relay.settings.entrances import PASSWORD_HASH

_LN, _P = 15, 1
_SALT_OCTETS, _KEY_OCTETS = 16, 32
_MEMORY = 129 << 20
"""Octets that a comparison may take: what the dearest shape of a hash (ln=17) needs."""
_LONGEST = 1024
"""Characters of a password."""
_BLANK = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def hash_password(password: str) -> str:
    """Return a hash for ``users`` in channels.yaml; ValueError says what is wrong with the password."""
    octets = _prepared(password)
    if octets is None:
        raise ValueError(f"a password has 1 to {_LONGEST} characters, none of them a control character")
    salt = secrets.token_bytes(_SALT_OCTETS)
    key = _scrypt(octets, salt, _LN, _P, _KEY_OCTETS)
    return f"$scrypt$ln={_LN},r=8,p={_P}${_text(salt)}${_text(key)}"


def verify(password: str, hashed: str | None) -> bool:
    """Tell whether ``password`` belongs to ``hashed``; never raises.

    Of an unknown user pass None: the answer is no, and takes as long as for a known one.
    """
    octets = _prepared(password) or b""
    found = PASSWORD_HASH.fullmatch(hashed or "")
    try:
        salt, key = (_octets(found["salt"]), _octets(found["key"])) if found else (b"", b"")
    except Base64Error:
        return False
    ln, p = (int(found["ln"]), int(found["p"])) if found else (_LN, _P)
    computed = _scrypt(octets, salt, ln, p, len(key) or _KEY_OCTETS)
    return hmac.compare_digest(computed, key) and octets != b""


def _prepared(password: str) -> bytes | None:
    if not 0 < len(password) <= _LONGEST or _FORBIDDEN.search(password):
        return None
    return unicodedata.normalize("NFC", _BLANK.sub(" ", password)).encode()


def _scrypt(password: bytes, salt: bytes, ln: int, p: int, octets: int) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=1 << ln, r=8, p=p, maxmem=_MEMORY, dklen=octets)


def _text(octets: bytes) -> str:
    return b64encode(octets).decode("ascii").rstrip("=")


def _octets(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), validate=True)

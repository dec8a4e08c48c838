"""Who a browser is, as a signed cookie; and the tokens that bind a form to it.  Pure."""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from relay.settings.entrances import User

LIFETIME = 12 * 60 * 60
"""Seconds."""
_LONGEST = 1024
"""Octets of a cookie that is looked at."""


@dataclass(frozen=True, slots=True)
class Session:
    """One browser, known by what it was given.  Without a name it is nobody's, and only holds forms together."""

    name: str
    """Of a user; empty: nobody has logged in."""
    nonce: str
    """Drawn at random for each session; letters and digits."""
    until: int
    """When it ends, in seconds since 1970."""
    mark: str = ""
    """What the user's password hash and rights were (``mark_of``)."""


def seal(session: Session, key: bytes) -> str:
    """Return the session as a cookie's value; only who has ``key`` can make one."""
    body = ".".join((session.name.encode().hex(), session.nonce, str(session.until), session.mark))
    return f"{body}.{_signed(key, b'session:', body)}"


def unseal(text: str, key: bytes, now: int) -> Session | None:
    """Return the session in a cookie's value; None if it is forged, broken or over."""
    body, _, signature = text.rpartition(".")
    if len(text) > _LONGEST or not text.isascii() or not _equal(signature, _signed(key, b"session:", body)):
        return None
    name, nonce, until, mark = body.split(".")
    session = Session(bytes.fromhex(name).decode(), nonce, int(until), mark)
    return session if now < session.until else None


def mark_of(user: User, key: bytes) -> str:
    """Return what changes as soon as a user's password hash or rights do, and tells neither."""
    return _signed(key, b"user:", "\0".join((user.name, user.password, *sorted(user.may))))


def form_token(session: Session, key: bytes) -> str:
    """Return what a form carries, so that only a page of ours can have made it for this session."""
    return _signed(key, b"form:", session.nonce)


def is_form_token(claimed: str, session: Session, key: bytes) -> bool:
    """Tell whether a form carries its session's token."""
    return _equal(claimed, form_token(session, key))


def _signed(key: bytes, purpose: bytes, text: str) -> str:
    digest = hmac.digest(key, purpose + text.encode("utf-8", "surrogatepass"), "sha256")
    return urlsafe_b64encode(digest[:24]).decode("ascii")


def _equal(claimed: str, right: str) -> bool:
    return hmac.compare_digest(claimed.encode("utf-8", "surrogatepass"), right.encode())

"""AUTH PLAIN and LOGIN (RFC 4954, RFC 4616): from octets to a user name and a password.  No I/O of its own."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from relay.intake import replies
from relay.mail.reply import Reply


class Credentials(NamedTuple):
    """Who the client says it is, and its proof."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r})"


Ask = Callable[[bytes], Awaitable[bytes | None]]
"""Sends a challenge, returns the client's line without its end; None when the client is gone."""


async def read_credentials(argument: str, ask: Ask) -> Credentials | Reply:
    """Hold the exchange that ``AUTH argument`` begins; a Reply ends it without a user name and password."""
    mechanism, _, initial = argument.partition(" ")
    match mechanism.upper():
        case "PLAIN":
            return await _plain(initial.strip(), ask)
        case "LOGIN":
            return await _login(initial.strip(), ask)
        case _:
            return replies.UNKNOWN_MECHANISM


async def _plain(initial: str, ask: Ask) -> Credentials | Reply:
    answer = await _response(initial, b"", ask)
    if isinstance(answer, Reply):
        return answer
    parts = answer.split(b"\0")
    if len(parts) != 3 or parts[0] not in (b"", parts[1]):
        return replies.AUTH_FAILED
    return _credentials(parts[1], parts[2])


async def _login(initial: str, ask: Ask) -> Credentials | Reply:
    user = await _response(initial, b"Username:", ask)
    if isinstance(user, Reply):
        return user
    password = await _response("", b"Password:", ask)
    return password if isinstance(password, Reply) else _credentials(user, password)


def _credentials(user: bytes, password: bytes) -> Credentials | Reply:
    try:
        return Credentials(user.decode(), password.decode())
    except UnicodeDecodeError:
        return replies.AUTH_FAILED


async def _response(initial: str, challenge: bytes, ask: Ask) -> bytes | Reply:
    """Return the client's decoded response, the initial one if it gave one (``=`` is an empty one)."""
    if initial == "=":
        return b""
    line = initial.encode("utf-8", "surrogateescape") if initial else await ask(base64.b64encode(challenge))
    if line is None or line.strip() == b"*":
        return replies.AUTH_CANCELLED
    try:
        return base64.b64decode(line.strip(), validate=True)
    except binascii.Error:
        return replies.BAD_BASE64

"""What we say to a hop: command lines made from envelopes, by what the hop announces.  Pure.

Nothing that is put into a line can end it or add a parameter to it: ``LocalProtocolError`` otherwise.
What a hop does not announce is left out: SIZE (RFC 1870), BODY (RFC 6152), RET, ENVID, NOTIFY and
ORCPT (RFC 3461), SMTPUTF8 (RFC 6531), and Postfix's XFORWARD.  AUTH= (RFC 4954 section 5) never is
passed on: we do not vouch for what another server was told.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from relay.errors import LocalProtocolError
from relay.mail.address import in_ascii
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.reply import Reply

NEEDS_SMTPUTF8 = Reply(553, "5.6.7", "The next hop does not take addresses outside ASCII (SMTPUTF8)")
"""Our answer for a path that the hop cannot be told (RFC 6531 3.5); nothing is sent."""

_PATH = re.compile(r'(?:"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*+"|[^"<>\x00-\x20\x7f])*+')
_VALUE = re.compile(r"[\x21-\x7e]+")
_UTF8_VALUE = re.compile(r"[^\x00-\x20\x7f]+")
_FIT_FOR_XFORWARD = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")
_UNAVAILABLE = "[UNAVAILABLE]"


@dataclass(frozen=True, slots=True)
class Announced:
    """What a hop offered in its reply to EHLO or LHLO; nothing at all after HELO."""

    pipelining: bool = False
    size: bool = False
    most_octets: int = 0
    """What a content may have at most; 0: not said (RFC 1870 section 3)."""
    eight_bit_mime: bool = False
    smtputf8: bool = False
    dsn: bool = False
    xforward: frozenset[str] = frozenset()
    """The attributes it takes, in capitals."""


def announced(extensions: Mapping[str, str]) -> Announced:
    """Return what ``extensions`` (keyword in small letters -> its parameters) offer."""
    return Announced(
        pipelining="pipelining" in extensions,
        size="size" in extensions,
        most_octets=_number(extensions.get("size", "")),
        eight_bit_mime="8bitmime" in extensions,
        smtputf8="smtputf8" in extensions,
        dsn="dsn" in extensions,
        xforward=frozenset(extensions.get("xforward", "").upper().split()),
    )


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,20}", text) else 0


def wants_smtputf8(reverse_path: ReversePath, forward_paths: Sequence[ForwardPath], hop: Announced) -> bool:
    """Return whether the MAIL line gets SMTPUTF8: the client asked for it, or a path cannot be told without."""
    if not hop.smtputf8:
        return False
    if reverse_path.smtputf8 or in_ascii(reverse_path.text, reverse_path.mailbox) is None:
        return True
    return any(in_ascii(path.text, path.mailbox) is None for path in forward_paths)


def mail_command(path: ReversePath, hop: Announced, *, utf8: bool) -> bytes | None:
    """Return the MAIL line for ``path``, with CRLF; None if it cannot be told without SMTPUTF8 (``utf8``)."""
    text = path.text if utf8 else in_ascii(path.text, path.mailbox)
    if text is None:
        return None
    return _line(
        f"MAIL FROM:<{_checked_path(text)}>",
        f"SIZE={path.size}" if hop.size and path.size is not None else "",
        f"BODY={_checked(path.body)}" if hop.eight_bit_mime and path.body else "",
        "SMTPUTF8" if utf8 else "",
        f"RET={_checked(path.ret)}" if hop.dsn and path.ret else "",
        f"ENVID={_checked(path.envid)}" if hop.dsn and path.envid else "",
    )


def rcpt_command(path: ForwardPath, hop: Announced, *, utf8: bool) -> bytes | None:
    """Return the RCPT line for ``path``, with CRLF; None if it cannot be told without SMTPUTF8 on the MAIL line.

    Without that, an ORCPT outside ASCII is left out.
    """
    text = path.text if utf8 else in_ascii(path.text, path.mailbox)
    if text is None:
        return None
    orcpt = path.orcpt if path.orcpt and (utf8 or path.orcpt.isascii()) else None
    return _line(
        f"RCPT TO:<{_checked_path(text)}>",
        f"NOTIFY={_checked(path.notify)}" if hop.dsn and path.notify else "",
        f"ORCPT={_checked(orcpt, _UTF8_VALUE)}" if hop.dsn and orcpt else "",
    )


@lru_cache(maxsize=256)
def xforward_command(client: Client, taken: frozenset[str]) -> bytes | None:
    """Return the XFORWARD line that tells a hop about ``client``; None if it takes none (Postfix XFORWARD_README).

    ``taken``: the attributes that the hop has announced.
    """
    address = _UNAVAILABLE
    if client.address is not None:
        address = ("IPV6:" if client.address.version == 6 else "") + client.address_text
    facts = {
        "NAME": _UNAVAILABLE,
        "ADDR": address,
        "PROTO": "ESMTP" if client.esmtp else "SMTP",
        "HELO": client.helo if _FIT_FOR_XFORWARD.fullmatch(client.helo) else _UNAVAILABLE,
    }
    told = [f"{name}={value}" for name, value in facts.items() if name in taken]
    return _line("XFORWARD", *told) if told else None


def _checked_path(text: str) -> str:
    if not _PATH.fullmatch(text):
        raise LocalProtocolError(
            "a path holds what would end it: a control character, a blank or an angle bracket"
        )
    return text


def _checked(value: str, pattern: re.Pattern[str] = _VALUE) -> str:
    if not pattern.fullmatch(value):
        raise LocalProtocolError(
            "a parameter's value holds a blank, a control character or what is not ASCII"
        )
    return value


def _line(verb: str, *parameters: str) -> bytes:
    try:
        return " ".join([verb, *filter(None, parameters)]).encode() + b"\r\n"
    except UnicodeEncodeError:
        raise LocalProtocolError("a command holds what is no Unicode text") from None

"""What a request may say: each input with its schema, its meaning, and how it is read.

A reader takes text and returns what it means, or raises ValueError with words for whoever wrote it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from relay.judge import Disposition, Reason
from relay.judge.explain import Language
from relay.mail.address import Mailbox
from relay.mail.envelope import Address
from relay.mail.text import unicode_text, visible
from relay.mail.typed import bare_path, typed_ip, typed_mailbox
from relay.web.api.schema import Schema

LARGEST = 2**63 - 1
"""The largest number that a database knows."""
_SHOWN = 100
"""Characters of an input that are said again."""
EMAIL: Schema = {"type": "string", "format": "email"}


@dataclass(frozen=True, slots=True)
class Field:
    """One input: a parameter of the query or the path, or a member of a JSON body."""

    name: str
    meaning: str
    schema: Schema
    """Of one value."""
    read: Callable[[str], object]
    many: bool = False
    """It may be given several times; what is read is a list."""
    most: int = 1000
    """So many times."""
    default: object = None
    """What counts where it is not given; of ``many`` an empty list."""

    @property
    def absent(self) -> object:
        """What counts where it is not given."""
        return [] if self.many else self.default


def said(text: str) -> str:
    """Return an input as it may be said again."""
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return visible(unicode_text(short))


def words(name: str, meaning: str, longest: int) -> Field:
    """Return a field for any text that is not empty."""

    def read(text: str) -> str:
        if not 1 <= len(text) <= longest:
            raise ValueError(f"write 1 to {longest} characters, or leave it out")
        return text

    return Field(name, meaning, {"type": "string", "minLength": 1, "maxLength": longest}, read)


def number(name: str, meaning: str, least: int, most: int, default: int | None = None) -> Field:
    """Return a field for a whole number."""

    def read(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,20}", text) or not least <= int(text) <= most:
            raise ValueError(f"{said(text)} is no whole number from {least} to {most}")
        return int(text)

    schema: Schema = {"type": "integer", "minimum": least, "maximum": most}
    if default is not None:
        schema["default"] = default
    return Field(name, meaning, schema, read, default=default)


def one_of(name: str, meaning: str, kind: type[StrEnum], default: StrEnum | None = None) -> Field:
    """Return a field for one of a few words."""
    values = [each.value for each in kind]

    def read(text: str) -> StrEnum:
        if text not in values:
            raise ValueError(f"{said(text)} is none of {', '.join(values)}")
        return kind(text)

    schema: Schema = {"type": "string", "enum": values}
    if default is not None:
        schema["default"] = default.value
    return Field(name, meaning, schema, read, default=default)


def yes_or_no(name: str, meaning: str) -> Field:
    """Return a field for ``true`` or ``false``, false where nothing is said."""

    def read(text: str) -> bool:
        if text not in ("true", "false"):
            raise ValueError(f"{said(text)} is neither true nor false")
        return text == "true"

    return Field(name, meaning, {"type": "boolean", "default": False}, read, default=False)


def address(name: str, meaning: str) -> Field:
    """Return a field for an address, read as text in the form in which it was written."""

    def read(text: str) -> str:
        _mailbox(text)
        return bare_path(text)

    return Field(name, meaning, EMAIL, read)


def pattern(name: str, meaning: str, shape: str, kind: str) -> Field:
    """Return a field for a text of a certain shape, a regular expression that ``kind`` puts into words."""

    def read(text: str) -> str:
        if not re.fullmatch(shape, text):
            raise ValueError(f"{said(text)} is no {kind}")
        return text

    return Field(name, meaning, {"type": "string", "pattern": f"^{shape}$"}, read)


def _mailbox(text: str) -> Mailbox:
    found = typed_mailbox(text)
    if found is None:
        raise ValueError(f"{said(text)} is no address; write one such as support@company.com")
    return found


def _reverse_path(text: str) -> str:
    if text not in ("", "<>"):
        _mailbox(text)
    return bare_path(text)


def _ip(text: str) -> Address:
    found = typed_ip(text)
    if found is None:
        raise ValueError(f"{said(text)} is no IP address; write one such as 192.0.2.1")
    return found


LANG = one_of("lang", "The language of sentences.", Language, Language.EN)
VERDICT = one_of("verdict", "Only this verdict.", Disposition)
REASON = one_of("reason", "Only this reason.", Reason)
CHANNEL = words("channel", "Only what this channel's address stood in From of.", 100)
CURSOR = pattern(
    "cursor", "Go on behind a page: its `next`.", "[0-9]{1,18}", "cursor; take the `next` of a page"
)
RCPT_TO = Field("rcpt_to", "A forward-path: whom it arrived for.", EMAIL, _mailbox, many=True)
MAIL_FROM = Field(
    "mail_from",
    "The reverse-path; `<>` or nothing for the null reverse-path.",
    {"anyOf": [EMAIL, {"type": "string", "enum": ["", "<>"]}]},
    _reverse_path,
)
CLIENT_IP = Field(
    "client_ip",
    "The address of the client that handed it in.",
    {"anyOf": [{"type": "string", "format": "ipv4"}, {"type": "string", "format": "ipv6"}]},
    _ip,
)
AUTH_USER = words("auth_user", "The SMTP AUTH identity.", 200)
ENVELOPE = (RCPT_TO, MAIL_FROM, CLIENT_IP, AUTH_USER)

Values = dict[str, Any]
"""What was read, by the names of fields; None or an empty list where nothing was given."""

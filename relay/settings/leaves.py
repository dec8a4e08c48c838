"""The kinds of values that keys of channels.yaml take, each with the words of what would be right.  Without I/O."""

import os.path
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import PurePath
from typing import Any

from relay.mail.hop import Way
from relay.settings import values
from relay.settings.entrances import PASSWORD_HASH
from relay.settings.reading import Leaf, Named, Nullable
from relay.settings.stamp_fields import field_value, strip_pattern, wrong_name
from relay.settings.wording import shown


def leaf(right: str, convert: Callable[[str], Any], *, text: bool = True) -> Leaf:
    """Return the reader of one value."""
    return Leaf(right, lambda value, _: convert(value), text)


def hop(*allowed: Way) -> Leaf:
    """Return the reader of a next hop: a URL or one of the words ``allowed``."""
    right = f"a URL such as smtp://host:25, or one of {', '.join(allowed)}"
    return _secret(right, partial(values.way, allowed), values.filled_url)


def _secret(
    right: str, convert: Callable[[str], Any], filled: Callable[[str, Mapping[str, str]], str] = values.filled
) -> Leaf:
    """Return the reader of what may be a variable; ``convert`` raises, so that no problem repeats a secret."""
    return Leaf(right, lambda value, reading: convert(filled(value, reading.environ)), text=False)


def _password_hash(text: str) -> str:
    if not PASSWORD_HASH.fullmatch(text):
        raise ValueError("that is no password hash; write what helpdesk-relay hash-password prints")
    return text


def _some_secret(text: str) -> str:
    if not text.strip():
        raise ValueError("an empty secret protects nothing; write a long random text")
    return text


def _database(text: str) -> str:
    if not re.fullmatch(r"postgresql://[^\s/?#][^\s]*", text):
        raise ValueError(
            "that is no database; write postgresql://user:password@host/name, or null for SQLite"
        )
    return text


def _printable(text: str) -> str | None:
    return text if text.strip() == text and text.isprintable() and text else None


def _separator(text: str) -> str | None:
    return text if re.fullmatch(r"[!#$%&'*+/=?^_`{|}~.-]?", text) else None


def channel_name(name: str) -> str | None:
    """Return what is wrong with the name of a channel."""
    if re.fullmatch(r"[a-z0-9-]{1,64}", name):
        return None
    near = re.sub(r"[^a-z0-9-]+", "-", name.lower())[:64].strip("-")
    return f"a channel's name has only a-z, 0-9 and -{f'; did you mean {near}?' if near else ''}"


def user_name(name: str) -> str | None:
    """Return what is wrong with the name of a user."""
    return None if _printable(name) else "a user needs a name of printable characters"


def _version(text: str) -> int:
    if text != "1":
        raise ValueError(f"this relay reads version 1, not {shown(text)}; write version: 1")
    return 1


def _path(text: str, folder: str) -> str | None:
    return os.path.normpath(PurePath(folder, text)) if _printable(text) else None


TEXT = leaf("a text", _printable)
ADDRESS = leaf("an address such as support@company.com", values.address)
FORWARD_PATH = leaf("an address such as support@company.com", values.forward_path)
DOMAIN = leaf("a domain such as company.com", values.domain)
HOST = leaf("a host name such as relay.company.com", values.host)
NETWORK = leaf("a network such as 10.9.0.0/24 or 2001:db8::/48", values.network)
NARROW_NETWORK = leaf("a network such as 10.9.0.0/24 or 2001:db8::/48", values.narrow_network)
DURATION = leaf("a time such as 5s, 10m, 6h or 5d", values.duration, text=False)
SOME_TIME = leaf("a time such as 5s, 10m, 6h or 5d", values.some_time, text=False)
SIZE = leaf("a size such as 64KiB, 50MiB or 2GiB, or a number of octets", values.size, text=False)
FILE = Leaf("the path of a file", lambda text, reading: _path(text, reading.folder))
DATABASE = Nullable(_secret("postgresql://user:password@host/name, or null", _database, values.filled_url))
HELPDESK = hop(Way.MX, Way.MX_STARTTLS, Way.SANDBOX)
FIELDS = Named(
    "field",
    wrong_name,
    leaf("printable ASCII in one line, without blanks around it", field_value, text=False),
    lambda name, value: (name, value),
)

PASSWORD = _secret("what helpdesk-relay hash-password prints", _password_hash)
SECRET = Nullable(_secret("a long random text, or null", _some_secret))
SEPARATOR = leaf("one sign such as + or -, or nothing between the quotes", _separator)
VERSION = leaf("1", _version, text=False)
FOLDER = Leaf("the path of a folder", lambda text, reading: _path(text, reading.folder))
ENDPOINT = leaf("an address and a port, such as 127.0.0.1:2525 or [::1]:25", values.endpoint)
MILTER_ENDPOINT = leaf("unix:/path/of/socket or inet:127.0.0.1:8891", values.milter_endpoint)
RATE = leaf("a rate such as 500B/s or 2KiB/s, or 0 for none", values.rate, text=False)
FILE_MODE = leaf('an octal mode such as "0660"', values.file_mode, text=False)
TIME_OF_DAY = leaf("a time of day such as 07:00", values.time_of_day, text=False)
STRIP = leaf("a name of header fields, in which * stands for anything, such as X-Spam-*", strip_pattern)
WEB_URL = leaf("an address such as https://relay.company.com", values.web_url)

"""What the texts in channels.yaml mean: durations, sizes, addresses, networks, URLs.  Without I/O.

Each function returns None where the text is not of its kind, or raises ValueError with better words.
"""

import re
from collections.abc import Mapping
from datetime import time, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import quote

from relay.channels import Network, Networks
from relay.mail.address import QUOTED, Mailbox, normal_domain, parse_mailbox
from relay.mail.envelope import ForwardPath
from relay.mail.hop import NextHop, Way, parse_hop
from relay.settings.entrances import Endpoint
from relay.settings.wording import did_you_mean, shown

_AMOUNT = r"([0-9]{1,12}(?:\.[0-9]{1,6})?)"
_DURATION = re.compile(rf"{_AMOUNT}([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = 36500 * 86400
"""Seconds."""
_SIZE = re.compile(rf"{_AMOUNT}(B|KiB|MiB|GiB)?")
_OCTETS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, None: 1}
_SLOPPY_SIZE = re.compile(r"([0-9.]+) ?([KMG])i?B?(/s)?", re.IGNORECASE)
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_MODE = re.compile(r"0?[0-7]{3}")

_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_LONGEST_HOST = 253
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_QUOTED = re.compile(QUOTED, re.DOTALL)
_IN_BRACKETS = re.compile(r".*<([^<>\s]+@[^<>\s]+)>\s*")
_HOST_AND_PORT = re.compile(r"(\[[^\[\]\s]+\]|[^:\[\]/\s]+):([0-9]{1,5})")
_PORT_ONLY = re.compile(r":?([0-9]{1,5})")
_LIBMILTER = re.compile(r"inet6?:([0-9]{1,5})@([\w.:\[\]-]+)")
_LONGEST_SOCKET = 107
_URL = re.compile(r"(https?://)(\[[0-9A-Fa-f:.]+\]|[^/:\s?#\[\]@]+)(:[0-9]{1,5})?(/[^\s?#]*)?")

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

_WIDEST = {4: 20, 6: 40}
_NOT_PUBLIC = tuple(
    map(
        ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10",
         "::1/128", "fc00::/7", "fe80::/10"),
    )
)  # fmt: skip


def duration(text: str) -> timedelta | None:
    """Read ``5s``, ``10m``, ``6h``, ``5d``; ``0`` needs no unit."""
    if text == "0":
        return timedelta()
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    seconds = float(found[1]) * _UNITS[found[2]]
    if seconds > _LONGEST:
        raise ValueError(f"{text} is longer than a hundred years; write a shorter time")
    return timedelta(seconds=seconds)


def some_time(text: str) -> timedelta | None:
    """Read a duration that is not 0."""
    amount = duration(text)
    if amount == timedelta():
        raise ValueError("0 would mean never to wait; write a time, such as 30s")
    return amount


def size(text: str) -> int | None:
    """Read ``50MiB``, ``64KiB``, ``2GiB``, ``512B`` or a number of octets."""
    found = _SIZE.fullmatch(text)
    if found is not None:
        return int(float(found[1]) * _OCTETS[found[2]])
    if sloppy := _SLOPPY_SIZE.fullmatch(text):
        raise ValueError(
            f"{text} is no size; did you mean {sloppy[1]}{sloppy[2].upper()}iB{sloppy[3] or ''}?"
        )
    return None


def rate(text: str) -> int | None:
    """Read ``500B/s`` or ``2KiB/s``; ``0`` needs no unit."""
    if text == "0":
        return 0
    amount, slash, second = text.rpartition("/")
    return size(amount) if slash and second == "s" else None


def time_of_day(text: str) -> time | None:
    """Read ``07:00``."""
    found = _TIME.fullmatch(text)
    return time(int(found[1]), int(found[2])) if found else None


def file_mode(text: str) -> int | None:
    """Read ``0660``."""
    return int(text, 8) if _MODE.fullmatch(text) else None


def host(text: str) -> str | None:
    """Read a host name or domain; it becomes A-labels in lower case."""
    name = "" if " " in text or "\t" in text else normal_domain(text)
    if not name.isascii():
        raise ValueError(
            f"{shown(text)} has no A-label form (IDNA 2008); write the domain as it is registered"
        )
    return name if len(name) <= _LONGEST_HOST and _HOST.fullmatch(name) else None


def domain(text: str) -> str | None:
    """Read a domain, with better words for what is near to one."""
    bare = text.removeprefix("*.").removeprefix("@").removesuffix(".")
    if bare != text and host(bare):
        why = " (there are no patterns, each domain stands for itself)" if text.startswith("*") else ""
        raise ValueError(f"{shown(text)} is no domain{why}; did you mean {shown(bare)[1:-1]}?")
    return host(text)


def forward_path(text: str) -> ForwardPath:
    """Read an address to which mail can be sent."""
    if bracketed := _IN_BRACKETS.fullmatch(text):
        raise ValueError(f"write the bare address, without a name: {shown(bracketed[1])}")
    local, at, behind = text.rpartition("@")
    if at and (not local or local == "*"):
        raise ValueError(
            f"{shown(text)} is no address; a whole domain stands under domains or inside: {shown(behind)}"
        )
    found = None if _CONTROL.search(text) or " " in _QUOTED.sub("", text) else parse_mailbox(text)
    if found is None or host(found.domain) is None:
        raise ValueError(f"{shown(text)} is no address; write one such as support@company.com")
    return ForwardPath(f"{local}@{found.domain}", found)


def address(text: str) -> Mailbox:
    """Read an address in the form in which addresses are compared."""
    return forward_path(text).mailbox


def network(text: str) -> Network | None:
    """Read ``10.9.0.0/24``, ``2001:db8::/48`` or a single address."""
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        return None
    host_part = text.partition("/")[0]
    if "%" in host_part:
        return None
    if ip_address(host_part) != meant.network_address:
        raise ValueError(f"{text} names a host, not a network; did you mean {meant}?")
    return meant


def narrow_network(text: str) -> Network | None:
    """Read a network whose clients get rights: a public one must not be so wide that strangers are in it."""
    found = network(text)
    if found is None:
        return None
    meant = Networks([found]).all[0]
    widest = _WIDEST[meant.version]
    if meant.prefixlen < widest and not any(_inside(meant, private) for private in _NOT_PUBLIC):
        raise ValueError(
            f"{text} is so wide that it trusts strangers; write the helpdesk's or your own networks: "
            f"public ones no wider than /{widest}"
        )
    return found


def _inside(inner: Network, outer: Network) -> bool:
    match inner, outer:
        case (IPv4Network(), IPv4Network()) | (IPv6Network(), IPv6Network()):
            return inner.subnet_of(outer)  # type: ignore[arg-type]  # both of one version
        case _:
            return False


def endpoint(text: str) -> Endpoint | None:
    """Read ``127.0.0.1:2525`` or ``[::1]:25``."""
    if port := _PORT_ONLY.fullmatch(text):
        raise ValueError(
            f"{shown(text)} names no address; write 0.0.0.0:{port[1]} for every IPv4 address, [::]:{port[1]} for IPv6"
        )
    found = _HOST_AND_PORT.fullmatch(text)
    if found is None:
        return None
    if not 1 <= int(found[2]) <= 65535:
        raise ValueError(f"{found[2]} is no port; write a number from 1 to 65535")
    name = _bracketed(found[1]) if found[1].startswith("[") else _name_or_ipv4(found[1])
    return Endpoint(name, int(found[2])) if name else None


def milter_endpoint(text: str) -> Endpoint | None:
    """Read ``unix:/path`` or ``inet:host:port``."""
    kind, _, rest = text.partition(":")
    if kind in ("unix", "local"):
        if not rest.startswith("/") or rest.endswith("/") or _CONTROL.search(rest):
            raise ValueError(
                "a unix socket needs an absolute path; write unix:/var/spool/postfix/…/milter.sock"
            )
        if len(rest.encode()) > _LONGEST_SOCKET:
            raise ValueError(
                f"the path of a unix socket may have {_LONGEST_SOCKET} octets; write a shorter one"
            )
        return Endpoint(path=rest)
    if turned := _LIBMILTER.fullmatch(text):
        raise ValueError(f"{shown(text)} is no listener; did you mean inet:{turned[2]}:{turned[1]}?")
    return endpoint(rest) if kind == "inet" else None


def _bracketed(text: str) -> str | None:
    try:
        found = ip_address(text[1:-1])
    except ValueError:
        return None
    return str(found) if found.version == 6 else None


def _name_or_ipv4(text: str) -> str | None:
    name = host(text)
    if name is None or not re.fullmatch(r"[0-9.]+", name):
        return name
    try:
        return str(ip_address(name))
    except ValueError:
        return None


def way(words: tuple[Way, ...], text: str) -> NextHop | Way:
    """Read the URL of a next hop, or one of ``words``; what stands there is never repeated: it may be secret."""
    if text in words:
        return Way(text)
    allowed = ", ".join(words)
    if "://" not in text:
        raise ValueError(
            f"that is no next hop; write a URL such as smtp://host:25, or one of {allowed}"
            f"{did_you_mean(text, list(words))}"
        )
    return parse_hop(text)


def web_url(text: str) -> str | None:
    """Read where the world sees the web page."""
    found = _URL.fullmatch(text)
    if found is None or not (found[2].startswith("[") or host(found[2])):
        return None
    return text.rstrip("/")


def filled(text: str, environ: Mapping[str, str]) -> str:
    """Put the environment's values where ``${NAME}`` stands."""
    if "${" in _VARIABLE.sub("", text):
        raise ValueError("a variable is written ${NAME}, with letters, digits and _")
    return _VARIABLE.sub(lambda found: _variable(found[1], environ), text)


def filled_url(text: str, environ: Mapping[str, str]) -> str:
    """Do the same in a URL: a value that is only a part of it is percent-encoded."""
    if _VARIABLE.fullmatch(text):
        return filled(text, environ)
    return filled(
        text, {name: quote(environ[name], safe="") for name in _VARIABLE.findall(text) if name in environ}
    )


def _variable(name: str, environ: Mapping[str, str]) -> str:
    if not environ.get(name):
        raise ValueError(f"the environment variable {name} is not set; set it, or write the secret here")
    return environ[name]

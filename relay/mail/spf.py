"""SPF records as values: the terms of one, and what its macros mean (RFC 7208 sections 5 to 7).  Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network

from relay.mail.envelope import Address

VERSION = "v=spf1"
_LONGEST_NAME = 253

_EXPAND = r"(?:%\{[slodiphv][0-9]*r?[-.+,/_=]*\}|%[%_-])"
_STRING = rf"(?:{_EXPAND}|[!-$&-~])*"
_TOP_LABEL = r"(?![0-9]+\.?\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_DOMAIN = re.compile(
    rf"(?={_STRING}\Z).*(?:\.{_TOP_LABEL}\.?|{_EXPAND})", re.IGNORECASE | re.ASCII | re.DOTALL
)
_MODIFIER = re.compile(rf"(?P<name>[a-z][a-z0-9_.-]*)=(?P<value>{_STRING})", re.IGNORECASE | re.ASCII)
_MECHANISM = re.compile(
    r"(?P<qualifier>[+?~-])?(?P<name>all|include|a|mx|ptr|ip4|ip6|exists)(?=[:/]|\Z)(?P<rest>.*)",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)
_LENGTHS = re.compile(
    r"(?P<domain>.*?)(?:/(?P<four>0|[1-9][0-9]?))?(?://(?P<six>0|[1-9][0-9]{0,2}))?", re.DOTALL
)
_MACRO = re.compile(
    r"%(?:\{(?P<letter>[slodiphv])(?P<parts>[0-9]*)(?P<reverse>r?)(?P<delimiters>[-.+,/_=]*)\}|(?P<plain>[%_-]))",
    re.IGNORECASE | re.ASCII,
)
_PLAIN = {"%": "%", "_": " ", "-": "%20"}
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


class Result(StrEnum):
    """What a domain's record says of an address (RFC 7208 2.6)."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


QUALIFIERS = {"+": Result.PASS, "-": Result.FAIL, "~": Result.SOFTFAIL, "?": Result.NEUTRAL}


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One of the terms that are tried in order."""

    text: str
    """As it stands in the record."""
    result: Result
    """What it says where it matches."""
    name: str
    """In small letters: ``all``, ``include``, ``a``, ``mx``, ``ptr``, ``ip4``, ``ip6``, ``exists``."""
    domain: str = ""
    """With its macros; empty: the domain whose record this is."""
    network: IPv4Network | IPv6Network | None = None
    """Of ``ip4`` and ``ip6``."""
    four: int = 32
    six: int = 128
    """The prefix lengths of ``a`` and ``mx``."""


@dataclass(frozen=True, slots=True)
class Record:
    """One SPF record."""

    mechanisms: tuple[Mechanism, ...]
    redirect: str | None = None
    """With its macros."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What macros stand for (RFC 7208 7.2)."""

    address: Address
    sender: str
    helo: str
    validated_name: str = "unknown"

    def of(self, letter: str, domain: str) -> str:
        """Return what the macro ``letter`` stands for in the record of ``domain``."""
        local, _, sender_domain = self.sender.rpartition("@")
        four = self.address.version == 4
        dotted = str(self.address) if four else ".".join(self.address.exploded.replace(":", ""))
        values = {
            "s": self.sender,
            "l": local,
            "o": sender_domain,
            "d": domain,
            "i": dotted,
            "p": self.validated_name,
            "h": self.helo,
            "v": "in-addr" if four else "ip6",
        }
        return values[letter]


def is_spf(record: str) -> bool:
    """Tell whether a TXT record is an SPF record (RFC 7208 4.5)."""
    return record.lower() == VERSION or record.lower().startswith(VERSION + " ")


def read_record(text: str) -> Record:
    """Read an SPF record; ValueError names the term that breaks its grammar (RFC 7208 4.6)."""
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    for term in filter(None, text[len(VERSION) :].split(" ")):
        if found := _MECHANISM.fullmatch(term):
            mechanisms.append(_mechanism(term, found))
        elif found := _MODIFIER.fullmatch(term):
            _modifier(found, modifiers, term)
        else:
            raise _wrong(term)
    return Record(tuple(mechanisms), modifiers.get("redirect"))


def expand(text: str, domain: str, meaning: Meaning) -> str:
    """Return the domain that ``text`` of the record of ``domain`` means; what is too long loses labels in front."""

    def one(found: re.Match[str]) -> str:
        if found["plain"]:
            return _PLAIN[found["plain"]]
        value = _transformed(meaning.of(found["letter"].lower(), domain), found)
        return _percent_encoded(value) if found["letter"].isupper() else value

    name = _MACRO.sub(one, text).removesuffix(".")
    while len(name) > _LONGEST_NAME and "." in name:
        name = name.partition(".")[2]
    return name


def uses_validated_name(record: Record) -> bool:
    """Tell whether a macro asks for the validated name of the address, which costs look-ups."""
    texts = [each.domain for each in record.mechanisms] + [record.redirect or ""]
    return any((found["letter"] or "").lower() == "p" for text in texts for found in _MACRO.finditer(text))


def _mechanism(term: str, found: re.Match[str]) -> Mechanism:
    name, rest = found["name"].lower(), found["rest"]
    result = QUALIFIERS[found["qualifier"] or "+"]
    match name:
        case "all" if not rest:
            return Mechanism(term, result, name)
        case "ip4" | "ip6":
            return Mechanism(term, result, name, network=_network(term, name, rest))
        case "include" | "exists" if rest.startswith(":"):
            return Mechanism(term, result, name, _domain(term, rest[1:]))
        case "ptr" if not rest.startswith("/"):
            return Mechanism(term, result, name, _domain(term, rest[1:]) if rest else "")
        case "a" | "mx":
            lengths = _LENGTHS.fullmatch(rest)
            assert lengths is not None, "everything in it may be missing"
            four, six = int(lengths["four"] or 32), int(lengths["six"] or 128)
            if four > 32 or six > 128 or lengths["domain"].startswith("/"):
                raise _wrong(term)
            domain = _domain(term, lengths["domain"][1:]) if lengths["domain"] else ""
            return Mechanism(term, result, name, domain, four=four, six=six)
    raise _wrong(term)


def _modifier(found: re.Match[str], modifiers: dict[str, str], term: str) -> None:
    name = found["name"].lower()
    if name not in ("redirect", "exp"):
        return
    if name in modifiers:
        raise _wrong(term)
    modifiers[name] = _domain(term, found["value"])


def _domain(term: str, text: str) -> str:
    if not _DOMAIN.fullmatch(text) or any(
        found["parts"] and not int(found["parts"]) for found in _MACRO.finditer(text)
    ):
        raise _wrong(term)
    return text


def _network(term: str, name: str, rest: str) -> IPv4Network | IPv6Network:
    address, slash, length = rest[1:].partition("/")
    if slash and not re.fullmatch(r"0|[1-9][0-9]{0,2}", length, re.ASCII):
        raise _wrong(term)
    try:
        network = ip_network(f"{address}/{length}" if slash else address, strict=False)
    except ValueError:
        raise _wrong(term) from None
    if f"ip{network.version}" != name or "%" in address:
        raise _wrong(term)
    return network


def _transformed(value: str, found: re.Match[str]) -> str:
    """Split, turn round, cut, and join with dots (RFC 7208 7.3)."""
    parts = re.split(f"[{re.escape(found['delimiters'] or '.')}]", value)
    if found["reverse"]:
        parts.reverse()
    if found["parts"]:
        parts = parts[-int(found["parts"]) :]
    return ".".join(parts)


def _percent_encoded(value: str) -> str:
    encode: Callable[[str], str] = lambda sign: "".join(f"%{octet:02X}" for octet in sign.encode())  # noqa: E731
    return "".join(sign if _UNRESERVED.fullmatch(sign) else encode(sign) for sign in value)


def _wrong(term: str) -> ValueError:
    return ValueError(f"{term!r} is no term of an SPF record")

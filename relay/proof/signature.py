"""One DKIM-Signature field (RFC 6376 3.5) read strictly: what could prove something, or why it cannot.  Pure."""

import base64
import re
from dataclasses import dataclass

from relay.mail.fields import Row
from relay.mail.proof import ProofFault
from relay.mail.signatures import read_tags, signer

_KINDS = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}
"""Algorithms that are believed (RFC 8301, RFC 8463), and the kind of key that each wants (k=)."""
_FORMS = {"simple": False, "relaxed": True}
_NEEDED = ("v", "a", "b", "bh", "d", "h", "s")
_NAME = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})\.)*[A-Za-z0-9_][A-Za-z0-9_-]{0,62}")
"""A selector, or a domain in A-labels."""
_TIME = re.compile(r"[0-9]{1,12}")
_BLANKS = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that is worth to be verified: it covers From and the whole body, and has not expired."""

    row: Row
    """The field itself."""
    domain: str
    """In A-labels."""
    selector: str
    kind: str
    """Of its key: ``rsa`` or ``ed25519``."""
    covers: tuple[bytes, ...]
    """Names of fields in lower case, in the order of h=."""
    relaxed_header: bool
    relaxed_body: bool
    for_a_subdomain: bool
    """i= names a subdomain of the domain."""
    body_hash: bytes
    octets: bytes
    """b= decoded."""

    @property
    def key_name(self) -> str:
        """Where its key stands in DNS (RFC 6376 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


def read_signature(row: Row, now: float) -> Signature | ProofFault:
    """Read the field ``row`` at ``now`` (seconds since 1970)."""
    tags = read_tags(row.value)
    if tags is None or any(name not in tags for name in _NEEDED):
        return ProofFault.MALFORMED
    covers = tuple(_BLANKS.sub("", tags["h"]).lower().encode("utf-8", "surrogateescape").split(b":"))
    return (
        _weakness(tags, covers)
        or _fault_of_time(tags, now)
        or _whole(row, tags, covers)
        or ProofFault.MALFORMED
    )


def _weakness(tags: dict[str, str], covers: tuple[bytes, ...]) -> ProofFault | None:
    """Return why the signature would prove nothing, were it valid."""
    if tags["a"] not in _KINDS:
        return ProofFault.ALGORITHM
    if b"from" not in covers:
        return ProofFault.FROM_NOT_COVERED
    return ProofFault.PARTIAL if "l" in tags else None


def _fault_of_time(tags: dict[str, str], now: float) -> ProofFault | None:
    times = [tags[name] for name in ("t", "x") if name in tags]
    if not all(map(_TIME.fullmatch, times)) or sorted(times, key=int) != times:
        return ProofFault.MALFORMED
    return ProofFault.EXPIRED if "x" in tags and int(tags["x"]) < now else None


def _whole(row: Row, tags: dict[str, str], covers: tuple[bytes, ...]) -> Signature | None:
    """Return the signature; None where what it says of itself is against its syntax."""
    domain, selector = signer(tags), tags["s"]
    header_form, _, body_form = tags.get("c", "simple").partition("/")
    identity = _identity(tags, domain)
    body_hash, octets = _decoded(tags["bh"]), _decoded(tags["b"])
    if (
        tags["v"] != "1"
        or not _is_name(tags["d"], domain)
        or not _NAME.fullmatch(selector)
        or header_form not in _FORMS
        or (body_form or "simple") not in _FORMS
        or "dns/txt" not in _BLANKS.sub("", tags.get("q", "dns/txt")).split(":")
        or identity is None
        or not body_hash
        or not octets
    ):
        return None
    return Signature(
        row=row,
        domain=domain,
        selector=selector,
        kind=_KINDS[tags["a"]],
        covers=covers,
        relaxed_header=_FORMS[header_form],
        relaxed_body=_FORMS[body_form or "simple"],
        for_a_subdomain=identity != domain,
        body_hash=body_hash,
        octets=octets,
    )


def _is_name(written: str, domain: str) -> bool:
    return not _BLANKS.search(written) and _NAME.fullmatch(domain) is not None


def _identity(tags: dict[str, str], domain: str) -> str | None:
    """Return the domain of i=; None where it is neither ``domain`` nor below it."""
    named = signer({"d": tags.get("i", f"@{domain}").rpartition("@")[2]})
    return named if named == domain or named.endswith(f".{domain}") else None


def _decoded(text: str) -> bytes:
    """Return what base64 stands for, or nothing."""
    try:
        return base64.b64decode(_BLANKS.sub("", text).encode(), validate=True)
    except (ValueError, UnicodeError):
        return b""

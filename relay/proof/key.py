"""Keys of signatures: a record of DNS read (RFC 6376 3.6.1), a signature held against it.  The only importer of dkim.

Only a record made anew from checked parts reaches dkimpy, and only a signature of the right length.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import dkim
import dkim.crypto

from relay.mail.proof import ProofFault
from relay.mail.signatures import read_tags
from relay.proof.signature import Signature

WEAKEST, STRONGEST = 1024, 4096
"""Bits of an RSA key (RFC 8301 3.2)."""
_LONGEST_RECORD = 4096
"""Octets; the longest key takes a quarter of them."""
_LARGEST_EXPONENT = 1 << 32
_ED25519_SIGNATURE = 64
"""Octets (RFC 8032 5.1.6)."""
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_BLANKS = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, slots=True)
class Key:
    """A public key that may verify signatures on mail."""

    kind: str
    """``rsa`` or ``ed25519``."""
    octets: int
    """The length of its signatures."""
    public: Any
    """As dkimpy has it."""
    not_for_subdomains: bool
    """Its signatures may not speak for a subdomain (t=s)."""


def read_key(records: tuple[bytes, ...]) -> Key | ProofFault:
    """Read the TXT records of a key's name; there may be only one."""
    if not records:
        return ProofFault.NO_KEY
    if len(records) > 1 or len(records[0]) > _LONGEST_RECORD:
        return ProofFault.BAD_KEY
    tags = read_tags(records[0])
    if tags is None or not _is_for_us(tags):
        return ProofFault.BAD_KEY
    flags = _listed(tags.get("t", ""))
    if "y" in flags:
        return ProofFault.TESTING
    public = _BLANKS.sub("", tags["p"])
    if not public:
        return ProofFault.REVOKED
    return _key(tags.get("k", "rsa"), public, not_for_subdomains="s" in flags)


def is_signed(octets: bytes, signature: Signature, key: Key) -> bool:
    """Tell whether ``signature`` is one that ``key`` made of ``octets``."""
    if len(signature.octets) != key.octets:
        return False
    digest = hashlib.sha256(octets)
    if key.kind == "rsa":
        verified = dkim.crypto.RSASSA_PKCS1_v1_5_verify(digest, signature.octets, key.public)  # type: ignore[no-untyped-call]
        return bool(verified)
    try:
        key.public.verify(digest.digest(), signature.octets)
    except Exception:  # what a library of a library says of a signature that is none
        return False
    return True


def _is_for_us(tags: dict[str, str]) -> bool:
    """Tell whether the record is one of a key for mail and SHA-256."""
    return (
        "p" in tags
        and ("v" not in tags or (next(iter(tags)), tags["v"]) == ("v", "DKIM1"))
        and "sha256" in _listed(tags.get("h", "sha256"))
        and not {"*", "email"}.isdisjoint(_listed(tags.get("s", "*")))
    )


def _listed(words: str) -> list[str]:
    return _BLANKS.sub("", words).split(":")


def _key(kind: str, public: str, *, not_for_subdomains: bool) -> Key | ProofFault:
    if kind not in ("rsa", "ed25519") or not _BASE64.fullmatch(public):
        return ProofFault.BAD_KEY
    try:
        read, bits, _, _ = dkim.evaluate_pk("", f"k={kind}; p={public}".encode())  # type: ignore[no-untyped-call]
    except Exception:  # dkimpy raises whatever it stumbles over
        return ProofFault.BAD_KEY
    if kind == "ed25519":
        return Key(kind, _ED25519_SIGNATURE, read, not_for_subdomains)
    if bits < WEAKEST:
        return ProofFault.WEAK_KEY
    if bits > STRONGEST or not 2 < read["publicExponent"] <= _LARGEST_EXPONENT:
        return ProofFault.BAD_KEY
    return Key(kind, (bits + 7) // 8, read, not_for_subdomains)

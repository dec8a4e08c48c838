"""Signed links to decisions: whoever has one may read that one decision, as long as it is kept.  Pure.

A signature has no date, so a link ends with its entry, or when ``web.key`` becomes another one.
"""

import hmac

_DIGITS = 32
"""Hexadecimal ones, 128 bits; no sign among them that a mail reader takes for the end of a link."""


def why_link(url: str, ref: str, key: bytes) -> str:
    """Return the link to the decision ``ref`` on the web page that the world sees at ``url``."""
    return f"{url}/why/{ref}?s={signature(ref, key)}"


def signature(ref: str, key: bytes) -> str:
    """Return what proves that we have made the link to a decision."""
    return hmac.new(key, b"why\0" + ref.encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:_DIGITS]


def is_signed(ref: str, proof: str, key: bytes) -> bool:
    """Tell whether ``proof`` is the signature of ``ref``; takes the same time whatever it is."""
    return hmac.compare_digest(proof.encode("utf-8", "replace"), signature(ref, key).encode())

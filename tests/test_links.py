"""Signed links: each opens the one decision that it was made for."""

import re

from hypothesis import given
from hypothesis import strategies as st

from relay.links import is_signed, signature, why_link

KEY = b"0123456789abcdef"
URL = "https://relay.company.com/desk"
texts = st.text(max_size=40) | st.text(st.characters(), max_size=5)


def test_a_link_leads_to_its_decision_and_carries_the_proof() -> None:
    link = why_link(URL, "66A1B2C3D4-1F", KEY)
    found = re.fullmatch(r"https://relay\.company\.com/desk/why/66A1B2C3D4-1F\?s=([0-9a-f]{32})", link)
    assert found is not None
    assert is_signed("66A1B2C3D4-1F", found[1], KEY)


@given(texts, texts, st.binary(max_size=64), st.binary(max_size=64))
def test_a_proof_is_right_for_one_decision_and_one_key(
    ref: str, other: str, key: bytes, foreign: bytes
) -> None:
    proof = signature(ref, key)
    assert is_signed(ref, proof, key)
    assert is_signed(other, proof, key) is (other == ref)
    assert is_signed(ref, signature(ref, foreign), key) is (hmac_key(foreign) == hmac_key(key))


@given(texts, texts)
def test_whatever_somebody_makes_up_is_no_proof_and_no_fault(ref: str, proof: str) -> None:
    assert not is_signed(ref, proof, KEY)
    assert not is_signed(ref, signature(ref, KEY)[:-1], KEY)
    assert not is_signed(ref, signature(ref, KEY).upper() + proof, KEY)


def test_a_proof_does_not_change_between_versions() -> None:
    """A link in a ticket must still open after an upgrade."""
    assert signature("66A1B2C3D4-1F", KEY) == "bcd979eb884485d2dd85a1bd113a9932"


def hmac_key(key: bytes) -> bytes:
    """What HMAC makes of a short key (RFC 2104): zeros at its end change nothing."""
    return key.rstrip(b"\0")

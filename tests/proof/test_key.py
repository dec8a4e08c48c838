"""What DNS may hold as a key, and what a key may verify."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.fields import read_header
from relay.mail.proof import ProofFault
from relay.proof.canonical import signed_octets
from relay.proof.key import Key, is_signed, read_key
from relay.proof.signature import Signature, read_signature
from tests.proof.signing import ed25519_key, ed25519_record, record, rsa_key, signed

P = rsa_key(2048)[1]


def public(bits: int, exponent: int = 65537) -> str:
    """p= of a key of ``bits`` that nobody has, as RFC 8017 A.1.1 writes it."""
    numbers = [(number, number.bit_length() // 8 + 1) for number in ((1 << bits) - 1, exponent)]
    parts = b"".join(_der(2, number.to_bytes(size, "big")) for number, size in numbers)
    return base64.b64encode(_der(0x30, parts)).decode()


def _beginning(value: object) -> str:
    """What is the same in every process, keys being made anew."""
    return str(value)[:14]


def _der(tag: int, octets: bytes) -> bytes:
    return bytes([tag, 0x82]) + len(octets).to_bytes(2, "big") + octets


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"v=DKIM1; k=rsa; p={P}", "rsa"),
        (f"p={P}", "rsa"),
        (f"p={public(2048)}", "rsa"),
        (f"v=DKIM1; p={P};", "rsa"),
        (f"v=DKIM1; h=sha1:sha256; s=email; n=a note; p={P[:60]} {P[60:]}", "rsa"),
        (f"v=DKIM1; s=other:*; t=x; p={P}", "rsa"),
        (f"v=DKIM1; k=ed25519; p={ed25519_key()[1]}", "ed25519"),
    ],
    ids=_beginning,
)
def test_keys_that_count(text: str, kind: str) -> None:
    found = read_key((text.encode(),))
    assert isinstance(found, Key)
    assert (found.kind, found.octets) == (kind, 256 if kind == "rsa" else 64)


def test_a_key_may_be_for_the_domain_alone() -> None:
    found = read_key((f"v=DKIM1; t=s; p={P}".encode(),))
    assert isinstance(found, Key)
    assert found.not_for_subdomains


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"v=DKIM1; t=y; p={P}", ProofFault.TESTING),
        (f"v=DKIM1; t=s : y; p={P}", ProofFault.TESTING),
        ("v=DKIM1; k=rsa; p=", ProofFault.REVOKED),
        ("v=DKIM1; k=ed25519; p= ", ProofFault.REVOKED),
        ("p=", ProofFault.REVOKED),
        (f"v=DKIM1; k=dsa; p={P}", ProofFault.BAD_KEY),
        (f"p={public(1023)}", ProofFault.WEAK_KEY),
        (f"p={public(512)}", ProofFault.WEAK_KEY),
        (f"p={public(4097)}", ProofFault.BAD_KEY),
        (f"p={public(2048, 1)}", ProofFault.BAD_KEY),
        (f"p={public(2048, 1 << 2000)}", ProofFault.BAD_KEY),
        (f"v=DKIM2; p={P}", ProofFault.BAD_KEY),
        (f"k=rsa; v=DKIM1; p={P}", ProofFault.BAD_KEY),
        (f"v=DKIM1; h=sha1; p={P}", ProofFault.BAD_KEY),
        (f"v=DKIM1; s=tlsrpt; p={P}", ProofFault.BAD_KEY),
        (f"v=DKIM1; p={P}; p={P}", ProofFault.BAD_KEY),
        (f"v=DKIM1; k=ed25519; p={P}", ProofFault.BAD_KEY),
        (f"v=DKIM1; k=rsa; p={ed25519_key()[1]}", ProofFault.BAD_KEY),
        ("v=DKIM1; k=rsa; p=AAAA", ProofFault.BAD_KEY),
        ("v=DKIM1; k=rsa; p=!", ProofFault.BAD_KEY),
        (f"v=DKIM1; k=rsa; p={P[:-40]}", ProofFault.BAD_KEY),
        ("v=spf1 -all", ProofFault.BAD_KEY),
        ("", ProofFault.BAD_KEY),
        ("v=DKIM1; k=rsa", ProofFault.BAD_KEY),
        (f"v=DKIM1; n={'x' * 5000}; p={P}", ProofFault.BAD_KEY),
    ],
    ids=_beginning,
)
def test_records_that_are_no_key(text: str, fault: ProofFault) -> None:
    assert read_key((text.encode(),)) is fault


def test_there_must_be_exactly_one_record() -> None:
    assert read_key(()) is ProofFault.NO_KEY
    assert read_key((record().encode(), record().encode())) is ProofFault.BAD_KEY


@given(st.binary(max_size=80))
def test_no_record_raises(octets: bytes) -> None:
    read_key((octets,))
    read_key((b"k=ed25519; p=" + octets,))


def made(**keys: object) -> tuple[bytes, Signature]:
    rows = read_header(signed(**keys)).rows
    found = read_signature(rows[0], 0.0)
    assert isinstance(found, Signature), found
    return signed_octets(rows, found), found


@pytest.mark.parametrize("form", ["simple", "relaxed"])
@pytest.mark.parametrize(
    ("algorithm", "text"),
    [("rsa-sha256", record()), ("ed25519-sha256", ed25519_record())],
    ids=_beginning,
)
def test_a_signature_is_its_keys_alone_and_of_these_octets_alone(
    algorithm: str, text: str, form: str
) -> None:
    octets, signature = made(algorithm=algorithm, form=(form, "simple"))
    key = read_key((text.encode(),))
    assert isinstance(key, Key)
    assert is_signed(octets, signature, key)
    assert not is_signed(octets + b" ", signature, key)
    for changed in (
        b"\x00" + signature.octets,
        signature.octets[:-1] + b"\x00\x00",
        b"\x00" * len(signature.octets),
        b"",
        b"x" * 100_000,
    ):
        assert not is_signed(octets, replace(signature, octets=changed), key)
    other = read_key((record(1024).encode(),))
    assert isinstance(other, Key)
    assert not is_signed(octets, signature, other)

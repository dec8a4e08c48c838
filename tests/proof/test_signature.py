"""A DKIM-Signature field is read strictly, and what could prove nothing is told apart before anybody is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.fields import read_header
from relay.mail.proof import ProofFault
from relay.proof.signature import Signature, read_signature

NOW = 1_772_366_400.0
GOOD = {
    "v": "1", "a": "rsa-sha256", "c": "relaxed/simple", "d": "Mail.Desk.example", "s": "s1", "i": "@mail.desk.example", "q": "dns/txt",
    "t": "1772366000", "x": "1772366500", "h": "From : To:\r\n\t SUBJECT:from", "bh": "YWJj", "b": "eH\r\n l6",
}  # fmt: skip


def read(**tags: str | None) -> Signature | ProofFault:
    text = "; ".join(f"{name}={value}" for name, value in {**GOOD, **tags}.items() if value is not None)
    (row,) = read_header(f"DKIM-Signature: {text}\r\n\r\n".encode()).rows
    return read_signature(row, NOW)


def test_a_signature_is_read_whole() -> None:
    found = read()
    assert isinstance(found, Signature)
    assert (found.domain, found.key_name) == ("mail.desk.example", "s1._domainkey.mail.desk.example")
    assert found.covers == (b"from", b"to", b"subject", b"from")
    assert (found.relaxed_header, found.relaxed_body, found.kind) == (True, False, "rsa")
    assert (found.body_hash, found.octets, found.for_a_subdomain) == (b"abc", b"xyz", False)


@pytest.mark.parametrize(
    ("form", "header", "body"),
    [
        (None, False, False),
        ("simple", False, False),
        ("relaxed", True, False),
        ("simple/relaxed", False, True),
        ("relaxed/relaxed", True, True),
    ],
)
def test_the_form_is_simple_where_it_is_not_said(form: str | None, header: bool, body: bool) -> None:
    found = read(c=form)
    assert isinstance(found, Signature)
    assert (found.relaxed_header, found.relaxed_body) == (header, body)


@pytest.mark.parametrize(
    "tags",
    [
        {"a": "ed25519-sha256"},
        {"i": None},
        {"i": "agent@mail.desk.example"},
        {"i": "@deep.mail.desk.example"},
        {"q": None},
        {"q": "dns/txt:other"},
        {"t": None, "x": None},
        {"x": "1772366400"},
        {"unknown": "anything"},
        {"d": "mäil.example", "i": None},
    ],
)
def test_what_is_allowed_to_vary(tags: dict[str, str | None]) -> None:
    assert isinstance(read(**tags), Signature)


@pytest.mark.parametrize(
    ("tags", "fault"),
    [
        *[({name: None}, ProofFault.MALFORMED) for name in ("v", "a", "d", "s", "h", "bh", "b")],
        ({"v": "2"}, ProofFault.MALFORMED),
        ({"a": "rsa-sha1"}, ProofFault.ALGORITHM),
        ({"a": "RSA-SHA256"}, ProofFault.ALGORITHM),
        ({"h": "to:subject"}, ProofFault.FROM_NOT_COVERED),
        ({"h": ""}, ProofFault.FROM_NOT_COVERED),
        ({"h": "x-from:from-x"}, ProofFault.FROM_NOT_COVERED),
        ({"l": "0"}, ProofFault.PARTIAL),
        ({"l": "9999999"}, ProofFault.PARTIAL),
        ({"x": "1772366399"}, ProofFault.EXPIRED),
        ({"t": "1", "x": "2"}, ProofFault.EXPIRED),
        ({"t": "1772366500", "x": "1772366499"}, ProofFault.MALFORMED),
        ({"x": "soon"}, ProofFault.MALFORMED),
        ({"x": "9" * 13}, ProofFault.MALFORMED),
        ({"t": "-1"}, ProofFault.MALFORMED),
        ({"c": "loose"}, ProofFault.MALFORMED),
        ({"c": "simple/loose"}, ProofFault.MALFORMED),
        ({"q": "dns"}, ProofFault.MALFORMED),
        ({"i": "@desk.example"}, ProofFault.MALFORMED),
        ({"i": "@evilmail.desk.example"}, ProofFault.MALFORMED),
        ({"d": "mail.desk .example"}, ProofFault.MALFORMED),
        ({"d": "mail..example", "i": None}, ProofFault.MALFORMED),
        ({"s": "a b"}, ProofFault.MALFORMED),
        ({"s": "a/../b"}, ProofFault.MALFORMED),
        ({"s": "a" * 64}, ProofFault.MALFORMED),
        ({"s": ""}, ProofFault.MALFORMED),
        ({"b": "no base64!"}, ProofFault.MALFORMED),
        ({"b": "\u00e4"}, ProofFault.MALFORMED),
        ({"bh": ""}, ProofFault.MALFORMED),
        ({"D": "x", "d": GOOD["d"] + "; d=" + GOOD["d"]}, ProofFault.MALFORMED),
        ({"; ": ""}, ProofFault.MALFORMED),
    ],
)
def test_why_a_signature_cannot_prove_anything(tags: dict[str, str | None], fault: ProofFault) -> None:
    assert read(**tags) is fault


@given(st.binary(max_size=80))
def test_no_octets_raise(octets: bytes) -> None:
    for row in read_header(b"DKIM-Signature: v=1; d=x; " + octets).rows:
        read_signature(row, NOW)

"""Hashing and comparing passwords."""

import hashlib
import re
from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.passwords import hash_password, verify
from relay.settings.entrances import PASSWORD_HASH

HASHED = "$scrypt$ln=15,r=8,p=1$dtYPxppHYnsXu6IgGOjFlA$iKeYWqNYiF2rINH5Vh4oeI/OLV2E6zH2CvMEFWzRs6U"
"""What ``hash_password("correct horse")`` once printed."""


def test_a_password_belongs_to_its_own_hash_and_another_does_not() -> None:
    assert verify("correct horse", HASHED)
    assert not verify("Correct horse", HASHED)
    assert not verify("correct horse ", HASHED)


def test_a_hash_has_the_shape_that_channels_yaml_wants_and_its_own_salt() -> None:
    other = hash_password("correct horse")
    assert PASSWORD_HASH.fullmatch(HASHED)
    assert PASSWORD_HASH.fullmatch(other)
    assert other != HASHED
    assert "correct" not in HASHED


def test_the_same_characters_are_the_same_password_however_they_are_typed() -> None:
    hashed = hash_password("Gr\u00fc\u00dfe aus M\u00fcnchen")
    assert verify("Gru\u0308\u00dfe\u00a0aus\u3000Mu\u0308nchen", hashed)
    assert not verify("Gr\u00fcsse aus M\u00fcnchen", hashed)


def test_an_unknown_user_is_refused_after_the_same_work() -> None:
    assert not verify("correct horse", None)
    assert not verify("", None)


@pytest.mark.parametrize("password", ["", "a\nb", "a\0b", "\ud800", "\x85", "a" * 1025])
def test_a_password_that_nobody_could_type_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="a password has 1 to 1024 characters"):
        hash_password(password)
    assert not verify(password, HASHED)


@pytest.mark.parametrize(
    "hashed",
    [
        "",
        "correct horse",
        "$scrypt$",
        HASHED[:-1],
        HASHED + "\n",
        HASHED.replace("ln=15", "ln=18"),
        HASHED.replace("ln=15", "ln=99"),
        HASHED.replace("r=8", "r=4096"),
        HASHED.replace("p=1", "p=99"),
        HASHED.replace("$scrypt$", "$2b$"),
        re.sub(r"\$[^$]{22}\$", "$" + "a" * 25 + "$", HASHED),
        re.sub(r"\$[^$]{22}\$", "$" + "é" * 22 + "$", HASHED),
    ],
)
def test_a_damaged_or_hostile_hash_belongs_to_no_password(hashed: str) -> None:
    assert not verify("correct horse", hashed)


def test_a_hash_of_another_cost_is_compared_by_that_cost() -> None:
    key = hashlib.scrypt(b"correct horse", salt=b"salt" * 4, n=2**10, r=8, p=2, dklen=32)
    cheaper = f"$scrypt$ln=10,r=8,p=2${b64encode(b'salt' * 4).decode()}${b64encode(key).decode()}".replace(
        "=$", "$"
    )
    cheaper = cheaper.replace("=$", "$").rstrip("=")
    assert verify("correct horse", cheaper)
    assert not verify("correct mule", cheaper)


@settings(max_examples=20, deadline=None)
@given(st.text(), st.text())
def test_comparing_never_raises(password: str, hashed: str) -> None:
    assert not verify(password, hashed)

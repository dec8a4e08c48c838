"""Canonical forms of RFC 6376 3.4, held against dkimpy's."""

import hashlib
from itertools import pairwise

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import example, given
from hypothesis import strategies as st

from relay.proof.canonical import BodyHash
from tests.growth import linear

SIMPLE, RELAXED = False, True
PIECES = st.lists(
    st.sampled_from([b"a", b"bc", b" ", b"  ", b"\t", b"\r\n", b"\r\n\r\n", b"x\r\n", b" \r\n"])
)


def hashed(*pieces: bytes, relaxed: bool) -> bytes:
    body = BodyHash(relaxed=relaxed)
    for piece in pieces:
        body.feed(piece)
    return body.digest()


def sha256(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


@pytest.mark.parametrize(
    ("body", "simple", "relaxed"),
    [
        (b"", b"\r\n", b""),
        (b"\r\n", b"\r\n", b""),
        (b"\r\n\r\n", b"\r\n", b""),
        (b"a", b"a\r\n", b"a\r\n"),
        (b"a\r\n\r\n\r\n", b"a\r\n", b"a\r\n"),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C \r\nD \t E\r\n", b" C\r\nD E\r\n"),  # RFC 6376 3.4.5
        (b"a\r\n \r\n", b"a\r\n \r\n", b"a\r\n"),
        (b" \r\n", b" \r\n", b""),
        (b"a  ", b"a  \r\n", b"a\r\n"),
        (b"a\nb\n", b"a\r\nb\r\n", b"a\r\nb\r\n"),
        (b"a\rb\r\r\n", b"a\rb\r\r\n", b"a\rb\r\r\n"),
        (b"a\r\n\r\r\n", b"a\r\n\r\r\n", b"a\r\n\r\r\n"),
        (b"a\r", b"a\r\r\n", b"a\r\r\n"),
        (b"\r\n\r\na\r\n", b"\r\n\r\na\r\n", b"\r\n\r\na\r\n"),
    ],
)
def test_canonical_bodies(body: bytes, simple: bytes, relaxed: bytes) -> None:
    assert hashed(body, relaxed=SIMPLE) == sha256(simple)
    assert hashed(body, relaxed=RELAXED) == sha256(relaxed)


@given(PIECES.map(b"".join), st.lists(st.integers(0, 200)), st.booleans())
@example(b"a \r\n\r\n", [1, 2, 3, 4, 5], RELAXED)
def test_a_body_that_ends_in_a_line_end_hashes_as_dkimpy_says_however_it_is_cut(
    body: bytes, cuts: list[int], relaxed: bool
) -> None:
    body += b"\r\n"
    places = sorted({0, len(body), *[cut % len(body) for cut in cuts]})
    pieces = [body[start:end] for start, end in pairwise(places)]
    form = Relaxed if relaxed else Simple
    assert hashed(*pieces, relaxed=relaxed) == sha256(form.canonicalize_body(body))


@given(st.binary(max_size=60), st.lists(st.integers(0, 200)), st.booleans())
@example(b"a\rb\r", [2, 4], SIMPLE)
@example(b"a\n\n", [2], RELAXED)
def test_any_octets_hash_the_same_however_they_are_cut(body: bytes, cuts: list[int], relaxed: bool) -> None:
    places = sorted({0, len(body), *[cut % (len(body) + 1) for cut in cuts]})
    pieces = [body[start:end] for start, end in pairwise(places)]
    assert hashed(*pieces, relaxed=relaxed) == hashed(body, relaxed=relaxed)


@pytest.mark.parametrize(
    "piece", [b" ", b"\t", b"\r\n", b"\r", b"\n", b" \r\n", b" x", b"\rx"], ids=lambda piece: repr(piece)
)
@pytest.mark.parametrize("relaxed", [SIMPLE, RELAXED])
def test_no_body_takes_time_by_the_square_of_its_length(piece: bytes, relaxed: bool) -> None:
    def read(size: int) -> None:
        body = piece * (size // len(piece))
        hashed(*(body[start : start + 65536] for start in range(0, size, 65536)), b"x", relaxed=relaxed)

    assert linear(read, 1 << 20)

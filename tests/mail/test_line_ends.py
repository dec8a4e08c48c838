"""Whether every line ends in CRLF, against a count of all three kinds of ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.line_ends import LineEnds, has_bare

CONTENTS = st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"a", b"\x85", b"\xff\x0c", b"\x00", b"."])).map(
    b"".join
)


def counted(octets: bytes) -> bool:
    """Return the answer from counts."""
    return not octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n")


@pytest.mark.parametrize(
    ("octets", "bare"),
    [
        (b"", False),
        (b"a", False),
        (b"a\r\nb\r\n", False),
        (b"a\nb\r\n", True),
        (b"a\rb\r\n", True),
        (b"a\r\r\n", True),
        (b"a\n\r", True),
        (b"a\r", True),
        (b"\n", True),
        (b"\x0b\x0c\x1c\x85 \r\n", False),
    ],
)
def test_a_cr_or_lf_alone_is_seen_and_nothing_else_ends_a_line(octets: bytes, bare: bool) -> None:
    assert has_bare(octets) is bare


@given(CONTENTS)
def test_the_answer_is_that_of_counting(octets: bytes) -> None:
    assert has_bare(octets) is counted(octets)


@given(st.lists(CONTENTS))
def test_any_chunking_gives_the_same_answer(chunks: list[bytes]) -> None:
    ends = LineEnds()
    for chunk in chunks:
        ends.feed(chunk)
    assert ends.finish() is counted(b"".join(chunks))

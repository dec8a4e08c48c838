"""The content of a message in memory, with its header section at hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.content import Content, HeldContent, head_end
from tests.strategies import octets


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_the_head_is_everything_up_to_and_including_the_empty_line(end: bytes) -> None:
    head = b"A: 1" + end + b"B: 2" + end + end
    content: Content = HeldContent(head + b"body" + end + end)
    assert (content.head, content.head_is_whole) == (head, True)


def test_without_an_empty_line_the_head_is_everything() -> None:
    assert HeldContent(b"A: 1\r\nbody\r\n").head == b"A: 1\r\nbody\r\n"


def test_a_head_of_just_the_limit_is_whole() -> None:
    content = HeldContent(b"A: 1\r\n\r\nbody", 8)
    assert (content.head, content.head_is_whole) == (b"A: 1\r\n\r\n", True)


def test_a_larger_head_is_cut_one_octet_over_the_limit_so_that_it_shows() -> None:
    content = HeldContent(b"A: 1\r\nB: 2\r\n\r\nbody", 8)
    assert (content.head, content.head_is_whole) == (b"A: 1\r\nB: ", False)
    assert head_end(content.head) > 8


def test_a_limit_of_zero_is_none() -> None:
    assert HeldContent(b"A: 1\r\n\r\n", 0).head_is_whole


@given(octets(), st.integers(0, 220))
def test_the_octets_from_any_offset_on_are_those_of_the_message(content: bytes, offset: int) -> None:
    held = HeldContent(content)
    assert held.size == len(content)
    assert b"".join(held.chunks_from(offset)) == content[offset:]
    assert b"".join(held.chunks_from(0)) == content
    assert content.startswith(held.head)

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.delivery.stuffing import DotStuffer
from relay.errors import LocalProtocolError


def stuffed(*chunks: bytes) -> bytes:
    stuffer = DotStuffer()
    return b"".join([stuffer.feed(chunk) for chunk in chunks]) + stuffer.finish()


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (b"", b".\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"..\r\n", b"...\r\n.\r\n"),
        (b"a\r\n.\r\n.b\r\nc.d\r\n", b"a\r\n..\r\n..b\r\nc.d\r\n.\r\n"),
        (b"\r\n", b"\r\n.\r\n"),
    ],
)
def test_lines_that_start_with_a_dot_get_another(content: bytes, wire: bytes) -> None:
    assert stuffed(content) == wire


pieces = st.lists(st.sampled_from([b"\r\n", b".", b"a", b"..", b"\r\n.\r\n", b"\xff"]), max_size=30)


@given(pieces.map(b"".join), st.lists(st.integers(0, 100), max_size=10))
def test_any_chunking_gives_the_same_octets(content: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    assert stuffed(*(content[a:b] for a, b in pairwise(edges))) == stuffed(content)
    assert stuffed(*(bytes([octet]) for octet in content)) == stuffed(content)


@given(pieces.map(b"".join))
def test_what_is_stuffed_comes_back_and_only_the_end_looks_like_the_end(content: bytes) -> None:
    wire = b"\r\n" + stuffed(content)
    assert wire.find(b"\r\n.\r\n") == len(wire) - 5
    body = re.sub(rb"(?<=\r\n)\.", b"", wire[:-3])[2:]
    assert body in (content, content + b"\r\n")
    assert body.endswith(b"\r\n") or not content


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a"]), max_size=20))
def test_a_bare_cr_or_lf_is_never_finished_however_it_is_cut(chunks: list[bytes]) -> None:
    clean = not re.search(rb"\r(?!\n)|(?<!\r)\n", b"".join(chunks))
    if clean:
        assert stuffed(*chunks)
    else:
        with pytest.raises(LocalProtocolError):
            stuffed(*chunks)

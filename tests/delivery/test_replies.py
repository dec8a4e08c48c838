from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.delivery.replies import MOST_KEPT, MOST_READ, ReplyReader
from relay.errors import PeerError
from relay.mail.reply import Reply


def read(*chunks: bytes) -> tuple[list[Reply], str | None]:
    """Return the replies in ``chunks``, and the fault behind them."""
    reader = ReplyReader()
    replies: list[Reply] = []
    try:
        for chunk in chunks:
            for reply in reader.feed(chunk):
                replies.append(reply)
    except PeerError as fault:
        return replies, str(fault)
    return replies, None


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"250 2.1.0 ok\r\n", Reply(250, "2.1.0", "ok")),
        (b"250\r\n", Reply(250, "2.0.0", "")),
        (b"250 \r\n", Reply(250, "2.0.0", "")),
        (b"354 go\r\n", Reply(354, "", "go")),
        (b"550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 box\r\n", Reply(550, "5.1.1", "no\nsuch\nbox")),
        (b"571 5.7.1 LF alone\n", Reply(571, "5.7.1", "LF alone")),
        (b"450 4.2.0 caf\xc3\xa9 \x1b[2J\x00\r\n", Reply(450, "4.2.0", "caf? ?[2J?")),
    ],
)
def test_a_reply_is_read_with_its_code_enhanced_code_and_text(octets: bytes, reply: Reply) -> None:
    assert read(octets) == ([reply], None)


@pytest.mark.parametrize(
    "octets",
    [
        *(b"\r\n", b"hello\r\n", b"25 ok\r\n", b"2500 ok\r\n", b"250:ok\r\n", b" 250 ok\r\n", b"-250 ok\r\n"),
        *(
            b"150 ok\r\n",
            b"650 ok\r\n",
            b"000 ok\r\n",
            b"\xd9\xa2\xd9\xa5\xd9\xa0 ok\r\n",
            b"250-a\r\n251 b\r\n",
        ),
        *(b"250-a\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n", b"\x16\x03\x01\x00\n", b"+OK\r\n"),
    ],
)
def test_what_is_no_reply_is_a_fault_of_the_peer(octets: bytes) -> None:
    replies, fault = read(octets)
    assert not replies
    assert fault is not None
    assert fault.isprintable()


def test_replies_in_front_of_rubbish_are_still_replies() -> None:
    replies, fault = read(b"250 one\r\n250 two\r\nthree\r\n")
    assert [reply.text for reply in replies] == ["one", "two"]
    assert fault == 'a line is no SMTP reply: "three"'


def test_a_long_reply_is_cut_and_the_next_one_is_whole() -> None:
    line = b"250-" + b"x" * 994 + b"\r\n"
    replies, fault = read(line * 60 + b"250 end\r\n" + b"250 next\r\n")
    assert fault is None
    assert len(replies[0].text) <= MOST_KEPT
    assert replies[1] == Reply(250, "2.0.0", "next")


@pytest.mark.parametrize("octets", [b"2" * (MOST_READ + 1), b"250-\r\n" * (MOST_READ // 6 + 1)])
def test_a_reply_without_end_is_a_fault_of_the_peer(octets: bytes) -> None:
    assert read(octets) == ([], f"a reply is longer than {MOST_READ} octets")


lines = st.builds(
    lambda code, more, text, end: code + more + text + end,
    st.sampled_from([b"250", b"550", b"421", b"354", b"99", b""]),
    st.sampled_from([b" ", b"-", b""]),
    st.binary(max_size=20),
    st.sampled_from([b"\r\n", b"\n", b"\r", b""]),
)


@given(st.lists(lines, max_size=8).map(b"".join), st.lists(st.integers(0, 200), max_size=8))
def test_byte_by_byte_and_in_any_chunks_is_the_same_as_at_once(octets: bytes, cuts: list[int]) -> None:
    at_once = read(octets)
    edges = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    assert read(*(octets[a:b] for a, b in pairwise(edges))) == at_once
    assert read(*(bytes([octet]) for octet in octets)) == at_once


@given(st.binary(max_size=300))
def test_no_octets_make_the_reader_raise_anything_else(octets: bytes) -> None:
    for reply in read(octets)[0]:
        assert 200 <= reply.code < 600
        assert reply.encode().isascii()

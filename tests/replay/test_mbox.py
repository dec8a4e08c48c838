"""An mbox is read as header sections: where messages begin, and that pieces and sizes change nothing."""

import mailbox
import re
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.content import head_end
from relay.replay.mbox import begins_mbox, header_sections
from tests import strategies

LINE = b"From anna@mail.example Mon Jan  5 10:00:00 2026\n"
HEAD = b"From: care@shop.example\nTo: anna@mail.example\n\n"


def read(octets: bytes, limit: int = 0, size: int = 1 << 20) -> list[bytes]:
    pieces = [octets[start : start + size] for start in range(0, len(octets), size)]
    return list(header_sections(pieces, limit))


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(LINE + HEAD + b"Hi\n\n" + LINE + b"X: y\n\nHo\n", [HEAD, b"X: y\n\n"], id="two"),
        pytest.param(b"\n\r\n\n" + LINE + HEAD, [HEAD], id="empty lines first"),
        pytest.param(LINE + HEAD + LINE + HEAD, [HEAD, HEAD], id="no body between"),
        pytest.param(LINE + b"X: y\n" + LINE + HEAD, [b"X: y\n", HEAD], id="a header section without an end"),
        pytest.param(LINE + HEAD + b"Hi\n" + LINE + HEAD, [HEAD, HEAD], id="no empty line above, but a time"),
        pytest.param(LINE + HEAD + b"Hi\n\nFrom x\n" + HEAD, [HEAD, HEAD], id="no time, but an empty line above"),
        pytest.param(LINE + HEAD + b"Hi\nFrom now on\n", [HEAD], id="a sentence that nobody quoted"),
        pytest.param(LINE + HEAD + b"Hi\n\n>From x 10:00\n", [HEAD], id="mboxo quotes"),
        pytest.param(LINE + HEAD + b"Hi\n\n>>From x 10:00\n", [HEAD], id="mboxrd quotes"),
        pytest.param(LINE + HEAD + b"Hi\n\n From x 10:00\n", [HEAD], id="not at the beginning of a line"),
        pytest.param(LINE + HEAD + b"Hi\n\nFrom\tx 10:00\n", [HEAD], id="no blank"),
        pytest.param(
            LINE + b"From : care@shop.example\n\n", [b"From : care@shop.example\n\n"], id="a From field, old style"
        ),
        pytest.param(
            LINE + b"X: y\nFrom : Team 10:00 <care@shop.example>\n\n",
            [b"X: y\nFrom : Team 10:00 <care@shop.example>\n\n"],
            id="a From field, old style, with a time",
        ),
        pytest.param(LINE, [b""], id="nothing behind the line"),
        pytest.param(LINE[:-1], [b""], id="the line is all, and has no end"),
        pytest.param(LINE + LINE + HEAD, [b"", HEAD], id="a message of nothing"),
        pytest.param(LINE + b"\nHi\n", [b"\n"], id="no header section"),
        pytest.param(LINE + b"From: x", [b"From: x"], id="broken off"),
        pytest.param(
            LINE + HEAD + b"\nFrom x 10:00 " + b"y" * 1000 + b"\n", [HEAD], id="far too long to begin a message"
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_a_from_line_begins_a_message_below_an_empty_line_or_with_a_time(
    octets: bytes, expected: list[bytes], end: bytes
):
    assert read(octets.replace(b"\r\n", b"\n").replace(b"\n", end)) == [
        head.replace(b"\n", end) for head in expected
    ]


def pieces_of_mboxes() -> st.SearchStrategy[bytes]:
    tricky = st.sampled_from(
        (LINE, HEAD, b"\n", b"\r\n", b"From ", b"From x\n", b"\nFrom y\n", b"\r\n\r\nFrom z\r\n", b"10:00", b"From :", b">From ", b"X: y\n", b" ", b"F",
         b"x" * 998, b"Hi\n", b"\n\n")
    )  # fmt: skip
    return st.lists(st.one_of(tricky, tricky, st.binary(max_size=8)), max_size=20).map(b"".join)


@given(pieces_of_mboxes(), st.integers(1, 40), st.sampled_from((0, 0, 1, 30, 100)))
def test_pieces_of_any_size_give_the_same(octets: bytes, size: int, limit: int):
    assert read(octets, limit, size) == read(octets, limit)
    assert read(LINE + octets, limit, size) == read(LINE + octets, limit)


@given(pieces_of_mboxes(), st.sampled_from((1, 30, 100)))
def test_a_header_section_over_the_limit_is_cut_one_octet_behind_it(octets: bytes, limit: int):
    whole = read(LINE + octets)
    assert read(LINE + octets, limit) == [head[: limit + 1] for head in whole]


def messages() -> st.SearchStrategy[bytes]:
    """Return messages whose header section has no line that a writer would have to quote."""
    heads = st.one_of(strategies.header_sections(), st.just(HEAD))
    body = st.lists(
        st.sampled_from((b"Hi\n", b"\n", b"From x 10:00\n", b">From \n", b"From now on\n", b"x"))
    ).map(b"".join)
    lf = st.builds(lambda head, text: head[: head_end(head)].replace(b"\r\n", b"\n") + b"\n\n" + text, heads, body)  # fmt: skip
    return lf.filter(lambda message: not re.search(rb"^From ", message[: head_end(message)], re.MULTILINE))


@given(st.lists(messages(), max_size=5), st.sampled_from((1, 7, 1 << 20)))
def test_what_pythons_mailbox_writes_is_read_back(written: list[bytes], size: int):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "box"
        box = mailbox.mbox(path)
        for message in written:
            box.add(message)
        box.close()
        octets = path.read_bytes() if written else b""
    assert read(octets, size=size) == [message[: head_end(message)] for message in written]


def test_a_long_body_is_skipped_without_being_kept():
    def pieces():
        yield LINE + HEAD
        for _ in range(100):
            yield b"\n" + b"From x" * 100_000
        yield b"\n\n" + LINE + HEAD

    tracemalloc.start()
    assert list(header_sections(pieces(), 0)) == [HEAD, HEAD]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_a_header_section_without_an_end_is_not_kept_beyond_the_limit():
    def pieces():
        yield LINE + b"X: y\n"
        for _ in range(100):
            yield b"z" * 100_000
        yield b"\n\n" + LINE + HEAD

    tracemalloc.start()
    large, small = header_sections(pieces(), 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(large), small) == (1001, HEAD)
    assert peak < 2_000_000


@pytest.mark.parametrize(
    ("octets", "is_one"),
    [
        (LINE + HEAD, True),
        (LINE.replace(b"\n", b"\r\n") + b"x", True),
        (b"\n\n" + LINE, True),
        (b"From -\nX-Mozilla-Status: 0001\n", True),
        (b"From x\n>From y\n", True),
        (b"From here to eternity\nis a film\n", False),
        (b"From : care@shop.example\nTo: x 10:00\n", False),
        (b"From: care@shop.example\n", False),
        (b"Hi\n\n" + LINE, False),
        (b"", False),
    ],
)
def test_a_file_is_an_mbox_by_its_first_line(octets: bytes, is_one: bool):
    assert begins_mbox(octets) is is_one

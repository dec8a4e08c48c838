"""The content reader: where data ends, what is kept, and that chunks do not matter."""

from pathlib import Path
from sys import getsizeof

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.intake.content import ContentReader, has_more_received
from relay.intake.limits import Memory
from relay.intake.receiving import Received, close, receive
from relay.intake.stored import PIECE, Keeper, StoredContent
from relay.intake.terms import Terms
from relay.mail.content import HeldContent


def read(octets: bytes, *sizes: int, normalise: bool = False) -> tuple[bytes, bytes, bool, bool]:
    """Feed ``octets`` in pieces of ``sizes`` and then the rest; return content, rest, bare, done."""
    reader = ContentReader(normalise=normalise)
    pieces = []
    at = 0
    for size in (*sizes, len(octets)):
        chunk, at = octets[at : at + size], at + size
        if reader.done:
            reader.rest += chunk
        else:
            pieces.append(reader.feed(chunk))
    content = b"".join(pieces)
    assert reader.size == len(content)
    return content, reader.rest, reader.bare, reader.done


@pytest.mark.parametrize(
    ("data", "content", "rest"),
    [
        (b".\r\n", b"", b""),
        (b"\r\n.\r\n", b"\r\n", b""),
        (b"a\r\n.\r\n", b"a\r\n", b""),
        (b"a\r\n.\r\nQUIT\r\n", b"a\r\n", b"QUIT\r\n"),
        (b".\r\n.\r\n", b"", b".\r\n"),
        (b"a\r\n..\r\n.\r\n", b"a\r\n.\r\n", b""),
        (b"..\r\n.\r\n", b".\r\n", b""),
        (b".a\r\n.\r\n", b"a\r\n", b""),
        (b"a\r\n...b\r\n.c\r\nd.\r\n.\r\n", b"a\r\n..b\r\nc\r\nd.\r\n", b""),
        (b"\x00\xff\xfe\r\n.\r\n", b"\x00\xff\xfe\r\n", b""),
        (b"x" * 100_000 + b"\r\n.\r\n", b"x" * 100_000 + b"\r\n", b""),
    ],
)
def test_data_ends_at_the_lone_dot_and_stuffing_is_undone(data: bytes, content: bytes, rest: bytes) -> None:
    assert read(data) == (content, rest, False, True)
    assert read(data, *[1] * len(data)) == (content, rest, False, True)


NO_ENDS = [
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\n.\r", b"\r.\n", b"\r\n\x00.\r\n",
    b"\r\n.\x00\r\n", b"\r\n.\r\r\n", b"\r\n.\n\r\n", b"\n\n.\r\n", b"\r\r.\r\n", b"\n\r.\r\n", b"\n\r.\n\r",
    b"\r\n.\n\n", b"\r\n. \r\n", b"\r\n..\r\n", b"\r\r\n.\r\r\n", b"\x0b.\x0b", b"\x85.\x85", b"\r\n.\r\x00\n",
]  # fmt: skip


@pytest.mark.parametrize("trick", NO_ENDS)
def test_nothing_but_crlf_dot_crlf_ends_data(trick: bytes) -> None:
    _, _, _, done = read(b"a" + trick + b"MAIL FROM:<evil@bad.example>\r\n")
    assert not done


@pytest.mark.parametrize("trick", NO_ENDS)
def test_a_normalised_content_has_crlf_only(trick: bytes) -> None:
    content, rest, _, done = read(b"a" + trick + b"b\r\n.\r\nQUIT\r\n", normalise=True)
    assert done
    assert rest == b"QUIT\r\n"
    assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")
    assert content.endswith(b"\r\n")


@pytest.mark.parametrize(
    ("data", "bare"),
    [
        (b"a\r\nb", False),
        (b"a\nb", True),
        (b"a\rb", True),
        (b"a\r\r\nb", True),
        (b"a\n\rb", True),
        (b"\nb", True),
        (b"\rb", True),
        (b"b\r", True),
        (b"b\n", True),
        (b".\nb", True),
        (b".\rb", True),
        (b"\r\n.\rb", True),
    ],
)
def test_a_bare_cr_or_lf_is_noticed(data: bytes, bare: bool) -> None:
    octets = data + b"\r\n.\r\n"
    assert read(octets)[2] is bare
    assert read(octets, *[1] * len(octets))[2] is bare


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (b"a\nb\rc\r\nd", b"a\r\nb\r\nc\r\nd\r\n"),
        (b"a\r\r\nb", b"a\r\nb\r\n"),
        (b"a\r\r\r\nb", b"a\r\n\r\nb\r\n"),
        (b"a\n\nb", b"a\r\n\r\nb\r\n"),
        (b"a\n\rb", b"a\r\n\r\nb\r\n"),
        (b"a\n.\r\nb", b"a\r\n.\r\nb\r\n"),
        (b"\nb", b"\r\nb\r\n"),
        (b"..\nb", b".\r\nb\r\n"),
    ],
)
def test_normalising_gives_every_line_end_its_crlf(data: bytes, content: bytes) -> None:
    octets = data + b"\r\n.\r\n"
    assert read(octets, normalise=True)[0] == content
    assert read(octets, *[1] * len(octets), normalise=True)[0] == content


def test_skimming_reads_to_the_end_and_gives_nothing_back() -> None:
    reader = ContentReader(normalise=False)
    reader.feed(b"abc")
    reader.skimming = True
    assert reader.feed(b"d" * 1000 + b"\r\n.\r") == b""
    assert not reader.done
    assert reader.feed(b"\nQUIT\r\n") == b""
    assert reader.done
    assert reader.rest == b"QUIT\r\n"
    assert reader.size == 3


OCTETS = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a", b"\x00", b"\xff"]), max_size=30
).map(b"".join)


@given(OCTETS, st.lists(st.integers(0, 7), max_size=40), st.booleans())
def test_any_chunking_gives_the_same_result(octets: bytes, sizes: list[int], normalise: bool) -> None:
    octets += b"\r\n.\r\nNOOP\r\n"
    assert read(octets, *sizes, normalise=normalise) == read(octets, normalise=normalise)


@given(OCTETS)
def test_what_a_correct_client_stuffs_arrives_octet_for_octet(octets: bytes) -> None:
    content = octets.replace(b"\r", b"").replace(b"\n", b"\r\n") + b"\r\n"
    stuffed = b"".join(
        b"." + line if line.startswith(b".") else line for line in content.splitlines(keepends=True)
    )
    if b"\x00" in content:  # splitlines knows more line ends than mail does; keep to those that both know
        content = content.replace(b"\x00", b"0")
        stuffed = stuffed.replace(b"\x00", b"0")
    assert read(stuffed + b".\r\nQUIT\r\n") == (content, b"QUIT\r\n", False, True)


@given(OCTETS, st.booleans())
def test_the_end_stands_where_the_first_lone_dot_line_is(octets: bytes, normalise: bool) -> None:
    data = octets + b"\r\n.\r\n"
    _, rest, _, done = read(data, normalise=normalise)
    assert done
    end = (b"\r\n" + data).index(b"\r\n.\r\n") + 3
    assert rest == data[end:]


@pytest.mark.parametrize(
    ("head", "limit", "more"),
    [
        (b"Received: a\r\n" * 3, 3, False),
        (b"Received: a\r\n" * 3, 2, True),
        (b"RECEIVED : a\r\nreceived:b\r\n\r\n", 1, True),
        (b"X-Received: a\r\nSubject: Received: b\r\n received: c\r\n\r\n", 1, False),
        (b"Received: a\r\n" * 500, 0, False),
    ],
)
def test_received_fields_are_counted_and_nothing_else(head: bytes, limit: int, more: bool) -> None:
    assert has_more_received(head, limit) is more


async def test_a_content_in_a_file_shows_one_octet_more_than_the_limit_like_one_in_memory(
    tmp_path: Path,
) -> None:
    """So whoever reads ``head`` sees by itself that it is over the limit (relay.mail.content.Content)."""
    octets = b"X: " + b"x" * 3_000_000 + b"\r\nCc: a@b.example\r\n\r\nHi\r\n"
    keeper = Keeper(tmp_path, 1000, Memory())
    await keeper.keep(octets)
    content = await keeper.content()
    assert isinstance(content, StoredContent)
    try:
        assert content.head == HeldContent(octets, 1000).head == octets[:1001]
        assert not content.head_is_whole
    finally:
        content.close()


@pytest.mark.parametrize("large", [0, 1000])
async def test_a_content_that_drips_in_takes_no_more_memory_than_it_is_large(
    tmp_path: Path, large: int
) -> None:
    """An object of two octets is more than ten times as large as they are."""
    keeper, octets = Keeper(tmp_path, 0, Memory()), b""
    for number in range(20_000):
        piece = bytes((number % 256, number // 256)) if number % 100 else b"x" * large
        octets += piece
        await keeper.keep(piece)
    held = sum(map(getsizeof, keeper._pieces)) + getsizeof(keeper._pieces)
    assert held < 2 * keeper.size
    assert b"".join((await keeper.content()).chunks_from(0)) == octets


class Giver:
    """Gives its chunks; remembers what it heard of them."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = list(chunks)
        self.heard: list[tuple[int, bool]] = []

    async def next_chunk(self) -> bytes:
        return self.chunks.pop(0) if self.chunks else b""

    def data_came(self, octets: int, *, last: bool) -> None:
        self.heard.append((octets, last))


@pytest.mark.parametrize(
    "chunks", [[b"a\r\n.\r\nQUIT\r\n"], [b"a", b"\r\n.\r", b"\nQUIT\r\n"], [b"a\r\n.\r\n", b"QUIT\r\n"]]
)
async def test_a_content_is_counted_until_it_is_closed_however_it_comes(
    terms: Terms, chunks: list[bytes]
) -> None:
    memory, giver = Memory(), Giver(*chunks)
    received = await receive(giver, terms, memory, normalise=False)
    assert isinstance(received, Received)
    assert b"".join(received.content.chunks_from(0)) == b"a\r\n"
    assert received.rest + b"".join(giver.chunks) == b"QUIT\r\n"
    assert memory.held == 3
    close(received.content, memory)
    assert memory.held == 0
    assert [last for _, last in giver.heard] == [*[False] * (len(giver.heard) - 1), True]


@pytest.mark.parametrize("chunks", [[], [b"a"], [b"a", b"b\r\n"]])
async def test_of_a_client_that_goes_away_in_its_data_nothing_is_held(
    terms: Terms, chunks: list[bytes]
) -> None:
    memory = Memory()
    assert await receive(Giver(*chunks), terms, memory, normalise=False) is None
    assert memory.held == 0


async def test_what_comes_at_once_and_is_large_goes_to_a_file_where_memory_is_short(terms: Terms) -> None:
    memory = Memory(at_most=0)
    received = await receive(Giver(b"x" * (PIECE + 1) + b"\r\n.\r\n"), terms, memory, normalise=False)
    assert isinstance(received, Received)
    assert isinstance(received.content, StoredContent)
    close(received.content, memory)
    assert memory.held == 0

"""Header octets to fields and back, and header edits (docs/rule.md)."""

import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.fields import (
    HeaderEdit,
    blank_line,
    edited,
    edited_stream,
    field_line,
    names_and_values,
    read_header,
    text_of,
    unfold,
)
from tests.strategies import garbled, header_sections, octets

CONTENTS = st.one_of(octets(), header_sections(), garbled())
REMOVED = re.compile(rb"x-ticket-status|x-ticket-reason|x-ticket-why|x-spam.*")
INSERTED = (("X-Ticket-Status", "auto-closed"), ("X-Ticket-Reason", "outbound-copy"))
EDIT = HeaderEdit(REMOVED, INSERTED)
TOP = b"X-Ticket-Status: auto-closed\r\nX-Ticket-Reason: outbound-copy\r\n"
RECEIVED = b"Received: from a\r\n\tby b; now\r\n"


def rows(head: bytes) -> list[tuple[bytes, bytes]]:
    """Return name and value, without line end, of each row."""
    return [(row.name, row.value.rstrip(b"\r")) for row in read_header(head).rows]


def result(content: bytes, edit: HeaderEdit = EDIT, on_top: Iterable[bytes] = ()) -> bytes:
    replacement, replaced = edited(content, edit, on_top)
    return replacement + content[replaced:]


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_lines_end_in_crlf_or_lf(end: bytes) -> None:
    assert rows(b"A: 1" + end + b"B: 2" + end + end + b"C: 3" + end) == [(b"A", b" 1"), (b"B", b" 2")]


@pytest.mark.parametrize(
    "other", [b"\r", b"\x0b", b"\x0c", b"\x85", b"\xc2\x85", b"\xe2\x80\xa8", b"\x1c", b"\x00"]
)
def test_nothing_else_ends_a_line(other: bytes) -> None:
    assert rows(b"A: 1" + other + b"B: 2\r\n\r\n") == [(b"A", b" 1" + other + b"B: 2")]
    lines = b"A: 1\r\n" + other + b"\r\n"
    assert blank_line(lines + b"\r\n") == (len(lines), len(lines) + 2)


@pytest.mark.parametrize("line", [b"A: 1", b"A:1", b"A : 1", b"A\t: 1", b"A \t :1"])
def test_blanks_before_the_colon_belong_to_no_name(line: bytes) -> None:
    assert [(name, value.strip()) for name, value in rows(line + b"\r\n")] == [(b"A", b"1")]


def test_names_are_kept_as_they_are_written() -> None:
    assert [name for name, _ in rows(b"fRoM: a\nFROM: b\n")] == [b"fRoM", b"FROM"]


@pytest.mark.parametrize(
    ("folded", "value"),
    [
        (b"A: 1\r\n 2\r\n", b"1 2"),
        (b"A: 1\n\t2\n", b"1\t2"),
        (b"A:\r\n 1\r\n \r\n 2\r\n", b"1  2"),
        (b"A: 1\r\n  2\n 3\r\n", b"1  2 3"),
        (b"A: 1", b"1"),
        (b"A: 1\r", b"1"),
        (b"A:", b""),
        (b"A: \xff\r\n", b"\xff"),
        (b"A: 1\r2\r\n", b"1\r2"),
    ],
)
def test_a_folded_value_is_read_on_one_line(folded: bytes, value: bytes) -> None:
    (row,) = read_header(folded).rows
    assert (row.octets, unfold(row.value)) == (folded, value)


@pytest.mark.parametrize(
    "junk",
    [
        b"no field",
        b": no name",
        b"two words: x",
        b"N\xc3\xa4me: x",
        b" a fold of nothing",
        b"\x00: x",
        b">From x",
    ],
)
def test_a_line_that_is_no_field_is_kept_without_a_name(junk: bytes) -> None:
    section = read_header(junk + b"\r\nA: 1\r\n\r\n")
    assert [(row.octets, row.name) for row in section.rows] == [(junk + b"\r\n", b""), (b"A: 1\r\n", b"A")]


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_leading_blank_line_means_that_there_is_no_header_section(end: bytes) -> None:
    section = read_header(end + b"From: a@x" + end + end)
    assert (section.rows, section.rest) == ((), end + b"From: a@x" + end + end)


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_leading_mbox_line_is_skipped(end: bytes) -> None:
    section = read_header(b"From a@x Mon Jan  5 10:00:00 2026" + end + b"A: 1" + end + end)
    assert section.mbox_line == b"From a@x Mon Jan  5 10:00:00 2026" + end
    assert [row.name for row in section.rows] == [b"A"]


@pytest.mark.parametrize("line", [b"From : a@x", b"From \t: a@x", b"From  :a@x"])
def test_a_from_field_with_blanks_before_its_colon_is_no_mbox_line(line: bytes) -> None:
    section = read_header(line + b"\r\n\r\n")
    assert section.mbox_line == b""
    assert [row.name for row in section.rows] == [b"From"]


@pytest.mark.parametrize(
    "line", [b"from a@x now\n", b"FROM a@x now\n", b"From\ta@x now\n", b">From a@x now\n", b"From a@x now"]
)
def test_what_only_looks_like_an_mbox_line_is_a_line_that_is_no_field(line: bytes) -> None:
    section = read_header(line)
    assert (section.mbox_line, [row.name for row in section.rows]) == (b"", [b""])


def test_an_mbox_line_further_down_is_a_line_that_is_no_field() -> None:
    assert [name for name, _ in rows(b"A: 1\nFrom a@x now\nB: 2\n")] == [b"A", b"", b"B"]


def test_a_blank_line_behind_the_mbox_line_means_that_there_is_no_header_section() -> None:
    section = read_header(b"From a@x now\n\nFrom: a@x\n")
    assert (section.rows, section.rest) == ((), b"\nFrom: a@x\n")


def test_without_an_empty_line_everything_is_header_section() -> None:
    section = read_header(b"A: 1\r\nthis is a body\r\n")
    assert ([row.name for row in section.rows], section.rest) == ([b"A", b""], b"")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"A: 1\r\n\r\nx", (6, 8)),
        (b"A: 1\n\nx", (5, 6)),
        (b"A: 1\r\n\nx", (6, 7)),
        (b"A: 1\n\r\nx", (5, 7)),
        (b"A: 1\n\nx\r\n\r\ny", (5, 6)),
        (b"A: 1\r\n\r\nx\n\ny", (6, 8)),
        (b"\r\nx", (0, 2)),
        (b"\nx", (0, 1)),
        (b"A: 1\r\n", (6, 6)),
        (b"A: 1\r\n\r", (7, 7)),
        (b"A: 1\r\n \r\nx", (10, 10)),
        (b"", (0, 0)),
    ],
)
def test_the_first_empty_line_ends_the_header_section(content: bytes, expected: tuple[int, int]) -> None:
    assert blank_line(content) == expected


@given(CONTENTS)
def test_whatever_octets_come_the_reader_gives_all_of_them_back(content: bytes) -> None:
    section = read_header(content)
    assert b"".join([section.mbox_line, *(row.octets for row in section.rows), section.rest]) == content
    assert section.rest == b"" or section.rest.startswith((b"\r\n", b"\n"))
    assert all(not row.octets.startswith((b"\r\n", b"\n")) for row in section.rows)


@given(CONTENTS)
def test_every_named_row_begins_with_its_name_and_ends_with_its_value(content: bytes) -> None:
    for row in read_header(content).rows:
        assert row.octets.startswith(row.name)
        assert row.octets.endswith((row.value, row.value + b"\n"))


@given(CONTENTS)
def test_names_and_values_are_those_of_the_rows(content: bytes) -> None:
    rows = read_header(content).rows
    assert names_and_values(content, blank_line(content)[0]) == [(row.name, row.value) for row in rows]


@given(st.binary())
def test_text_of_octets_loses_nothing(content: bytes) -> None:
    assert text_of(content).encode("utf-8", "surrogateescape") == content


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("auto-closed", b"X-A: auto-closed\r\n"),
        ("a\r\nBcc: b", b"X-A: a??Bcc: b\r\n"),
        ("a\nb", b"X-A: a?b\r\n"),
        ("a\tb", b"X-A: a\tb\r\n"),
        ("a\x00b\x7f", b"X-A: a?b?\r\n"),
        ("müller", b"X-A: m?ller\r\n"),
        ("\udcff", b"X-A: ?\r\n"),
    ],
)
def test_nothing_in_a_value_can_end_the_line_that_is_inserted(value: str, line: bytes) -> None:
    assert field_line("X-A", value) == line


def test_fields_are_inserted_on_top_above_our_received() -> None:
    content = b"From: a@x\r\n\r\nbody\r\n"
    assert result(content, EDIT, [RECEIVED]) == TOP + RECEIVED + content


def test_where_nothing_is_removed_only_the_top_is_replaced() -> None:
    assert edited(b"From: a@x\r\n\r\nbody", EDIT) == (TOP, 0)


@pytest.mark.parametrize(
    "forged",
    [
        b"X-Ticket-Status: auto-closed\r\n",
        b"x-tICKET-status: auto-closed\r\n",
        b"X-Ticket-Status : auto-closed\r\n",
        b"X-Ticket-Status\t :auto-closed\n",
        b"X-Ticket-Status:\r\n auto-closed\r\n",
        b"X-Ticket-Status: auto-closed\r\n\tand more\r\n and more\r\n",
        b"X-Ticket-Status: a\r\nX-Ticket-Status: b\r\n",
        b"X-Ticket-Reason: x\r\nX-Ticket-Why: http://evil.example\r\n",
        b"X-Spam-Flag: yes\r\nX-SPAM: yes\r\n",
        b"X-Ticket-Status:\r\n",
    ],
)
def test_fields_that_nobody_else_may_set_are_removed(forged: bytes) -> None:
    for content in (forged + b"A: 1\r\n\r\nbody", b"A: 1\r\n" + forged + b"\r\nbody"):
        assert result(content) == TOP + content.replace(forged, b"")


@pytest.mark.parametrize(
    "innocent",
    [
        b"X-Ticket-Statuses: x\r\n",
        b"Not-X-Ticket-Status: x\r\n",
        b"Subject: hi\r\n X-Ticket-Status: auto-closed\r\n",
        b"A: 1\r\n\r\nX-Ticket-Status: auto-closed\r\n",
        b"\r\nX-Ticket-Status: auto-closed\r\n",
        b"no field X-Ticket-Status: x\r\n",
    ],
)
def test_all_other_octets_go_through_unchanged(innocent: bytes) -> None:
    assert result(innocent) == TOP + innocent


def test_a_leading_mbox_line_stays_the_first_line() -> None:
    content = b"From a@x now\r\nX-Ticket-Status: x\r\nA: 1\r\n\r\n"
    assert result(content) == b"From a@x now\r\n" + TOP + b"A: 1\r\n\r\n"
    assert result(b"From a@x now\r\nA: 1\r\n\r\n") == b"From a@x now\r\n" + TOP + b"A: 1\r\n\r\n"


def test_an_edit_that_removes_nothing_keeps_everything() -> None:
    assert result(b"X-Ticket-Status: x\r\n\r\n", HeaderEdit(None, ())) == b"X-Ticket-Status: x\r\n\r\n"


@given(CONTENTS)
def test_edits_touch_no_octet_outside_the_stamp(content: bytes) -> None:
    before = read_header(content)
    kept = [row.octets for row in before.rows if not REMOVED.fullmatch(row.name.lower())]
    assert result(content, EDIT, [RECEIVED]) == b"".join(
        [before.mbox_line, TOP, RECEIVED, *kept, before.rest]
    )


@given(CONTENTS)
def test_after_an_edit_the_names_of_the_stamp_are_there_once(content: bytes) -> None:
    after = result(content + b"\r\n")
    names = [row.name.lower() for row in read_header(after).rows]
    assert [name for name in names if REMOVED.fullmatch(name)] == [b"x-ticket-status", b"x-ticket-reason"]


@given(CONTENTS, st.lists(st.integers(1, 9), min_size=1, max_size=4), st.booleans())
def test_a_stream_is_edited_like_a_head_however_it_is_cut(
    content: bytes, sizes: list[int], removes: bool
) -> None:
    edit = EDIT if removes else HeaderEdit(None, INSERTED)
    chunks = []
    rest = content
    while rest:
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(rest[:size])
        rest = rest[size:]
    assert b"".join(edited_stream(chunks, edit, [RECEIVED])) == result(content, edit, [RECEIVED])
    assert b"".join(edited_stream([content], edit, [RECEIVED])) == result(content, edit, [RECEIVED])


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_stream_keeps_every_line_of_the_body(end: bytes) -> None:
    content = end.join([b"A: 1", b"X-Ticket-Status: x", b"", b"X-Ticket-Status: x", b" y", b""])
    expected = TOP + content.replace(b"X-Ticket-Status: x" + end, b"", 1)
    assert b"".join(edited_stream([content], EDIT)) == result(content) == expected


@pytest.mark.parametrize("name", [b"X-Ticket-Status", b"X-Other"])
def test_a_stream_drops_and_keeps_lines_longer_than_a_chunk(name: bytes) -> None:
    content = b"A: 1\r\n" + name + b": " + b"x" * 5000 + b"\r\n " + b"y" * 5000 + b"\r\nB: 2\r\n\r\nbody"
    chunks = [content[at : at + 700] for at in range(0, len(content), 700)]
    assert b"".join(edited_stream(chunks, EDIT)) == result(content)


def test_what_is_no_mbox_line_for_a_thousand_octets_is_none_in_a_stream() -> None:
    content = b"From " + b"x" * 3000
    assert b"".join(edited_stream([content[:600], content[600:1200], content[1200:]], EDIT)) == TOP + content

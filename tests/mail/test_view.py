"""What is seen of a message: author, recipients with their evidence, signs (docs/rule.md)."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.mail.envelope import Client, HeaderState, Known, Source
from relay.mail.view import (
    HEADER_CUT,
    Evidence,
    MessageView,
    make_view,
    traced_addresses,
    unread_view,
    within,
)
from tests.growth import linear
from tests.samples import author_of, box, head, view
from tests.strategies import garbled, header_sections, octets

CARE = ("care@shop.example", None)


def seen(*fields: str | bytes, **keys: object) -> list[tuple[str, str]]:
    """Return address and place of every certain recipient."""
    return [(str(r.mailbox), r.where) for r in view(*fields, **keys).recipients if r.certain]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value",
    [
        "care@shop.example",
        "Care <care@shop.example>",
        "CARE@Shop.Example",
        '"Care, the team" <care@shop.example>',
        '"care"@shop.example',
        "care@shop.example (Care)",
        "(Care) care (x) @ (y) shop.example (z)",
        "Care <@relay.example:care@shop.example>",
        "Care\r\n <care@shop.example>",
        "Care <care@shop.example\r\n >",
        "\r\n\tcare@shop.example",
        "care@shop.example <CARE@shop.example>",
        '"bob@evil.example" <care@shop.example>',
        "=?utf-8?q?bob=40evil=2Eexample?= <care@shop.example>",
        "(bob@evil.example) care@shop.example",
        b"K\xe4se <care@shop.example>",
        "Käse <care@shop.example>",
        "care@shop.example,",
        ",care@shop.example",
    ],
)
def test_the_author_is_the_mailbox_in_from(value: str | bytes) -> None:
    assert author_of(value) == CARE


@pytest.mark.parametrize(
    ("fields", "fault", "ambiguous"),
    [
        (["To: a@x"], "MISSING", False),
        (["From:"], "EMPTY", False),
        (["From: "], "EMPTY", False),
        (["From: Care"], "EMPTY", False),
        (["From: <>"], "EMPTY", False),
        (["From: care@"], "EMPTY", False),
        (["From: (care@shop.example)"], "EMPTY", False),
        (['From: "care@shop.example"'], "EMPTY", False),
        (["From: =?utf-8?q?care=40shop=2Eexample?="], "EMPTY", False),
        (["From: ;"], "EMPTY", False),
        (["From: care@shop.example", "From: anna@mail.example"], "FIELDS", True),
        (["From: care@shop.example", "From: care@shop.example"], "FIELDS", True),
        (["From: care@shop.example", "from : care@shop.example"], "FIELDS", True),
        (["From: care@shop.example", "From:"], "FIELDS", True),
        (["From: care@shop.example, anna@mail.example"], "MAILBOXES", True),
        (["From: care@shop.example, care@shop.example"], "MAILBOXES", True),
        (["From: care@shop.example; care@shop.example"], "MAILBOXES", True),
        (["From: care@shop.example;"], "BROKEN", True),
        (["From: Care: care@shop.example;"], "GROUP", True),
        (["From: Care:;"], "GROUP", True),
        (["From: Care: care@shop.example"], "GROUP", True),
        (["From: care@shop.example, Team:;"], "GROUP", True),
        (["From: support@company.com <evil@bad.example>"], "BROKEN", True),
        (["From: evil@bad.example <care@shop.example>"], "BROKEN", True),
        (['From: "care"@shop.example <evil@bad.example>'], "BROKEN", True),
        (["From: Care evil@bad.example <care@shop.example>"], "BROKEN", True),
        (["From: <care@shop.example> <care@shop.example>"], "BROKEN", True),
        (["From: <care@shop.example> Care"], "BROKEN", True),
        (["From: Care, Inc. <care@shop.example>"], "BROKEN", True),
        (["From: <care@shop.example"], "BROKEN", True),
        (["From: care@shop.example."], "BROKEN", True),
        (["From: ca(x)re@shop.example"], "BROKEN", True),
        (["From: care@shop.example (never closed"], "BROKEN", True),
        (['From: "never closed <care@shop.example>'], "BROKEN", True),
        (["From: care@shop.example\rX: y"], "OCTETS", True),
        (["From: \rcare@shop.example"], "OCTETS", True),
        (["From: care@shop.example\r"], "OCTETS", True),
        (["From: ca\x00re@shop.example"], "OCTETS", True),
        (["From: Care\x00 <care@shop.example>"], "OCTETS", True),
        (["no field", "From: care@shop.example"], "BELOW_JUNK", True),
        (["A: 1", "no field", "From: care@shop.example"], "BELOW_JUNK", True),
        ([" a fold of nothing", "From: care@shop.example"], "BELOW_JUNK", True),
        (["N\xe4me: x", "From: care@shop.example"], "BELOW_JUNK", True),
    ],
)
def test_an_author_that_is_missing_or_unclear_is_told_apart(
    fields: list[str], fault: str, ambiguous: bool
) -> None:
    seen = view(*fields)
    assert seen.author is None
    assert seen.author_fault is not None
    assert (seen.author_fault.name, seen.author_fault.ambiguous) == (fault, ambiguous)


@pytest.mark.parametrize(
    "other", ["Sender", "Reply-To", "Resent-From", "Return-Path", "Resent-Sender", "X-From"]
)
def test_no_other_field_is_identity(other: str) -> None:
    assert view(f"{other}: evil@bad.example", "From: care@shop.example").author == box(CARE[0])
    assert view(f"{other}: care@shop.example").author is None


def test_a_line_that_is_no_field_below_from_changes_nothing() -> None:
    assert view("From: care@shop.example", "no field", "To: anna@mail.example").author == box(CARE[0])


@pytest.mark.parametrize("name", ["From", "FROM", "from", "fRoM", "From ", "From\t", "from \t"])
def test_field_names_match_in_any_case_with_or_without_blanks_before_the_colon(name: str) -> None:
    assert view(f"{name}: care@shop.example").author == box(CARE[0])
    assert view("A: 1", f"{name}:care@shop.example").author == box(CARE[0])


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_the_body_and_attached_messages_do_not_count(end: bytes) -> None:
    body = head("From: evil@bad.example", "To: care@shop.example", end=end)
    content = head("From: care@shop.example", "Content-Type: message/rfc822", end=end) + body
    found = make_view(content, [], Client())
    assert (found.author, found.recipients) == (box(CARE[0]), ())


def test_a_leading_blank_line_leaves_nothing_to_see() -> None:
    found = make_view(b"\r\nFrom: care@shop.example\r\nTo: anna@mail.example\r\n\r\n", [], Client())
    assert (found.author_fault and found.author_fault.name, found.recipients) == ("MISSING", ())


def test_a_leading_mbox_line_is_no_author() -> None:
    assert make_view(b"From evil@bad.example now\nFrom: care@shop.example\n\n", [], Client()).author == box(
        CARE[0]
    )


@pytest.mark.parametrize("other", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_no_other_character_begins_a_new_field(other: str) -> None:
    found = view(
        "From: care@shop.example", f"Subject: x{other}From: evil@bad.example{other}To: care@shop.example"
    )
    assert (found.author, found.recipients) == (box(CARE[0]), ())


@pytest.mark.parametrize("name", ["To", "Cc", "Resent-To", "Resent-Cc"])
def test_all_mailboxes_of_all_addressed_fields_are_seen_groups_included(name: str) -> None:
    found = view(f"{name}: a@x, Team: b@y, c@z;", f"{name.upper()} : D <d@x>", f"{name.lower()}:\r\n e@x")
    assert [(str(r.mailbox), r.where, r.evidence, r.certain) for r in found.recipients] == [
        (address, name, Evidence.ADDRESSED, True) for address in ("a@x", "b@y", "c@z", "d@x", "e@x")
    ]


@pytest.mark.parametrize("name", ["Bcc", "Resent-Bcc"])
def test_blind_fields_are_evidence_of_their_own(name: str) -> None:
    (found,) = view(f"{name}: a@x").recipients
    assert (found.where, found.evidence) == (name, Evidence.BLIND)


def test_forward_paths_are_seen_once_each_in_their_order() -> None:
    found = view(rcpt_to=["b@y", "a@x", "B@Y"]).recipients
    assert [(str(r.mailbox), r.where, r.evidence) for r in found] == [
        ("b@y", "envelope", Evidence.ENVELOPE),
        ("a@x", "envelope", Evidence.ENVELOPE),
    ]


def test_one_address_in_two_places_is_kept_with_both() -> None:
    assert seen("To: a@x, A@X", "Cc: a@x", "Bcc: a@x", rcpt_to=["a@x"]) == [
        ("a@x", "To"),
        ("a@x", "Cc"),
        ("a@x", "Bcc"),
        ("a@x", "envelope"),
    ]


def test_five_thousand_addresses_are_all_seen() -> None:
    addresses = [f"a{n}@x" for n in range(5000)]
    assert [address for address, _ in seen("To: " + ",\r\n ".join(addresses))] == addresses


def test_a_broken_part_counts_for_the_address_that_it_ends_with() -> None:
    found = view("To: support@company.com <anna@mail.example>, b@y").recipients
    assert [(str(r.mailbox), r.certain) for r in found] == [
        ("b@y", True),
        ("anna@mail.example", True),
        ("support@company.com", False),
    ]


def test_what_only_stands_in_a_broken_part_is_kept_as_uncertain() -> None:
    found = view('To: "foo care@shop.example').recipients
    assert [(str(r.mailbox), r.certain) for r in found] == [("care@shop.example", False)]


@pytest.mark.parametrize("order", [1, -1])
def test_an_address_that_is_uncertain_in_one_field_and_certain_in_another_is_certain(order: int) -> None:
    fields = ["To: foo anna@mail.example bar", "To: anna@mail.example"][::order]
    assert seen(*fields) == [("anna@mail.example", "To")]


def test_reply_to_names_whole_mailboxes_and_what_broken_parts_end_with() -> None:
    found = view("Reply-To: a@x, foo b@y bar, x@ <c@z>", "Reply-To: Team: d@x;")
    assert list(map(str, found.reply_to)) == ["a@x", "c@z", "d@x"]


@pytest.mark.parametrize("name", ["List-Id", "Mailing-List", "X-Google-Group-Id", "list-id", "LIST-ID "])
def test_the_signs_of_a_list_are_seen(name: str) -> None:
    assert (view(f"{name}: x").list_field or "").lower() == name.strip().lower()


def test_without_the_sign_of_a_list_there_is_none() -> None:
    assert view("List-Unsubscribe: x", "Precedence: list").list_field is None


@pytest.mark.parametrize("name", ["X-Original-Sender", "X-Original-From"])
def test_original_authors_are_seen(name: str) -> None:
    assert view(f"{name}: Anna <anna@mail.example>").originals == (box("anna@mail.example"),)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("multipart/report", True),
        ("multipart/report; report-type=delivery-status; boundary=x", True),
        ("Multipart/REPORT;x=y", True),
        ("multipart/report (a comment)", True),
        ("(a comment) multipart / report ;x=y", True),
        ("multipart/\r\n report", True),
        ("multipart/reporting", False),
        ("multipart/mixed; x=multipart/report", False),
        ("text/plain", False),
        ("", False),
        ("xmultipart/report", False),
    ],
)
def test_a_delivery_report_is_known_by_its_content_type(value: str, expected: bool) -> None:
    assert view(f"Content-Type: {value}").delivery_report is expected
    assert view("content-type : text/plain", f"Content-Type: {value}").delivery_report is expected


TRACE_FIELDS = (
    "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Forwarded-To", "X-Forwarded-For", "X-Gm-Original-To",
)  # fmt: skip


@pytest.mark.parametrize("name", TRACE_FIELDS)
def test_trace_fields_are_seen_with_where_they_stood(name: str) -> None:
    (found,) = view(f"{name}: a@x", "Received: one", "Received: two").recipients
    assert (str(found.mailbox), found.where, found.evidence) == ("a@x", f"trace:{name}", Evidence.TRACE)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("t", False),
        ("tR", True),
        ("Rt", False),
        ("tRR", True),
        ("RtR", True),
        ("RRt", False),
        ("RtRR", True),
        ("RRtR", False),
        ("RRRt", False),
    ],
)
def test_trace_fields_are_believed_only_above_the_second_received_or_above_the_only_one(
    rows: str, expected: bool
) -> None:
    fields = {"t": "Delivered-To: a@x", "R": "Received: from b by c"}
    assert bool(view(*(fields[row] for row in rows)).recipients) is expected


def test_a_trace_field_below_is_not_seen_because_another_above_is() -> None:
    assert seen("Delivered-To: a@x", "Received: one", "Received: two", "Delivered-To: b@y") == [
        ("a@x", "trace:Delivered-To")
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a@x", ["a@x"]),
        (b"a@x b@y", ["a@x", "b@y"]),
        (b"a@x, b@y", ["a@x", "b@y"]),
        (b"a@x,b@y\tc@z", ["a@x", "b@y", "c@z"]),
        (b"<a@x> <b@y>", ["a@x", "b@y"]),
        (b"Anna <a@x>", ["a@x"]),
        (b" a@x\r\n b@y", ["a@x", "b@y"]),
        (b"nobody", []),
        (b"nobody a@x", ["a@x"]),
        (b"", []),
        (b"<>", []),
        (b"\xff\x00", []),
    ],
)
def test_addresses_in_trace_fields_are_separated_by_blanks_or_commas(
    value: bytes, expected: list[str]
) -> None:
    assert list(map(str, traced_addresses(value))) == expected


def test_a_header_section_of_just_the_limit_is_read_and_one_more_octet_is_not() -> None:
    octets = head("From: care@shop.example", "To: anna@mail.example")
    assert make_view(octets, [], Client(), limit=len(octets)).author is not None
    over = make_view(octets, [box("a@x")], Client(), limit=len(octets) - 1)
    assert (over.author, over.author_fault, over.known.header) == (None, None, HeaderState.CUT)
    assert over.unreadable == f"the header section is larger than {len(octets) - 1} octets"
    assert [str(r.mailbox) for r in over.recipients] == ["a@x"]


def test_a_large_body_is_not_a_large_header_section() -> None:
    octets = head("From: care@shop.example")
    assert make_view(octets + b"x" * 5000, [], Client(), limit=100).header_octets == len(octets)


def test_a_header_section_that_was_cut_is_not_read() -> None:
    found = view("From: care@shop.example", known=Known(header=HeaderState.CUT), rcpt_to=["a@x"])
    assert (found.author, found.author_fault, found.unreadable) == (None, None, HEADER_CUT)
    assert found.known.header is HeaderState.CUT


def test_a_cut_header_section_over_the_limit_is_called_too_large() -> None:
    found = view("From: care@shop.example", known=Known(header=HeaderState.CUT), limit=10)
    assert found.unreadable == "the header section is larger than 10 octets"


def test_what_is_known_is_kept() -> None:
    known = Known(Source.TRACE, Source.UNKNOWN)
    assert view("From: a@x", known=known).known == known
    assert view("From: a@x").known == Known(Source.GIVEN, Source.GIVEN, HeaderState.COMPLETE)


def test_an_unread_view_shows_the_envelope_alone() -> None:
    found = unread_view("a fault of ours", (), Client(), Known())
    assert found == MessageView(
        None, None, (), (), None, (), False, Client(), Known(), 0, "a fault of ours", ()
    )


@given(header_sections(), st.sampled_from((0, 1, 50, 100, 1000)))
def test_a_view_held_to_a_limit_is_the_view_that_was_made_with_it(section: bytes, limit: int) -> None:
    paths = [box("a@x")]
    unlimited = make_view(section, paths, Client())
    assert within(unlimited, limit) == make_view(section, paths, Client(), limit=limit)


@given(st.one_of(octets(), garbled(), header_sections()))
@settings(max_examples=300)
def test_no_octets_make_a_view_raise(content: bytes) -> None:
    found = make_view(content, [], Client())
    assert (found.author is None) is (found.author_fault is not None)
    assert make_view(content, [], Client()) == found


@given(header_sections())
def test_line_ends_and_a_body_change_nothing_that_is_seen(section: bytes) -> None:
    unix = section.replace(b"\r\n", b"\n")
    wide = unix.replace(b"\n", b"\r\n")
    one, other = make_view(unix, [], Client()), make_view(wide, [], Client())
    assert (one.author, one.author_fault, one.recipients) == (
        other.author,
        other.author_fault,
        other.recipients,
    )
    assert (one.reply_to, one.originals, one.list_field) == (
        other.reply_to,
        other.originals,
        other.list_field,
    )


MIB = 1024 * 1024
BITES = (
    b"(", b")", b"()", b"((", b'"', b'""', b'\\"', b"\\", b"\\\\", b":", b",", b";", b"<", b">", b"<<", b"@", b"a@", b"@a", b"a@b ", b"a@b,", b"a@b;",
    b"<a@b>", b"<a@b> ", b"<a@b>,", b"+", b"a+", b".", b"a.", b" ", b"\t", b" .", b"a .", b"\r\n ", b"a\r\n ", b"a", b"\xff", b"\x00", b"\r", b"'",
    b"'@", b"[", b"@[", b"@[]", b"@ [", b"<@a,", b"<@a:", b"<@", b'<"', b'<"\\"', b'"<', b'("', b'(\\', b"(a@b)", b"(a@b", b'"a@b', b'"a@b"', b'"@', b'"a"@',
    b"x:", b"x:;", b"x:a@b;", b"x:,", b"<a@b", b"a@b>", b"a@b<", b"a@b<a@b>", b"a@b.", b"a@b@", b'a@b"@', b"\xcc\x81\xcc\x96", b"a@\xc3\xbc,",
    b"\xe2\x84\xaa", b"=?utf-8?q?x?=", b"(a)b", b"a(b)@c,", b"\\,", b"a\\@b ",
)  # fmt: skip


@pytest.mark.parametrize("bite", BITES, ids=repr)
def test_a_long_field_of_one_bite_is_read_in_linear_time(bite: bytes) -> None:
    def read(size: int) -> None:
        for name in (b"From", b"To"):
            for start in (b"", b'"', b"(", b"a@b <a@b> "):
                make_view(name + b": " + start + bite * (size // len(bite)) + b"\r\n\r\n", [], Client())

    assert linear(read, MIB // 32)


@pytest.mark.parametrize(
    "field",
    [
        lambda size: b'From: "' + b'\\"' * (size // 2),
        lambda size: b"From: " + b"(" * size,
        lambda size: b"From: a" + b"\xcc\x81\xcc\x96" * (size // 4) + b"@x",
        lambda size: b"From: a@x" + b"\xcc\x81\xcc\x96" * (size // 4),
        lambda size: b"To: " + b"a@b," * (size // 4),
        lambda size: b"To: " + b"a" + b"+" * size + b"@shop.example",
        lambda size: b"To: " + b"<" * size,
        lambda size: b"To: a@b<a@b>" + b",(@ [" * (size // 5),
        lambda size: b"To: " + b":" * size,
        lambda size: b"To: " + b"a\r\n " * (size // 4),
        lambda size: b"Delivered-To: " + b"a@b " * (size // 4),
        lambda size: b"Content-Type: " + b"(" * size,
        lambda size: b"Received: x\r\n" * (size // 13),
        lambda size: b"X" * size,
        lambda size: b"X\r\n" * (size // 3),
    ],
    ids=lambda field: repr(field(60)[:16]),
)
def test_a_large_header_section_is_read_in_linear_time(field: Callable[[int], bytes]) -> None:
    assert linear(lambda size: make_view(field(size) + b"\r\nReceived: x\r\n\r\n", [], Client()), MIB // 4)


def test_ten_megabytes_of_header_section_are_read_or_left_unread_in_good_time() -> None:
    section = b"From: care@shop.example\r\n" + b"X-A: " + b"x" * 90 + b"\r\n"
    section += b"X-B: y\r\n" * 1_300_000 + b"To: anna@mail.example\r\n"
    assert make_view(section, [], Client(), limit=MIB).unreadable is not None
    found = make_view(section, [], Client())
    assert (found.author, len(found.recipients)) == (box("care@shop.example"), 1)

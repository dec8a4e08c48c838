"""What fields such as To say, their broken parts included (docs/rule.md)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.address import Mailbox
from relay.mail.address_list import AddressList, read_address_list
from tests.samples import box
from tests.strategies import texts


def named(text: str) -> list[str]:
    return list(map(str, read_address_list(text).mailboxes))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@x", ["a@x"]),
        ("  a@x\t", ["a@x"]),
        ("Anna <a@x>", ["a@x"]),
        ("<a@x>", ["a@x"]),
        ("<  a@x >", ["a@x"]),
        ("< a @ x >", ["a@x"]),
        ("a @ x", ["a@x"]),
        ('"Anna, Maria" <a@x>', ["a@x"]),
        (r'"An\"na" <a@x>', ["a@x"]),
        ('"b@y" <a@x>', ["a@x"]),
        ("Anna M. Meier <a@x>", ["a@x"]),
        ("[Shop] Anna <a@x>", ["a@x"]),
        ("=?utf-8?q?b=40y?= <a@x>", ["a@x"]),
        ("Änna <a@x>", ["a@x"]),
        ("a@x (Anna)", ["a@x"]),
        ("(Anna) a@x", ["a@x"]),
        ("Anna (the (old) one) <a@x>", ["a@x"]),
        (r"a@x (one \) bracket)", ["a@x"]),
        ("a(c)@(d)x", ["a@x"]),
        ("<a@x> (b@y)", ["a@x"]),
        ("<@one,@two:a@x>", ["a@x"]),
        ("Anna <@one:a@x>", ["a@x"]),
        ("a@x, b@y", ["a@x", "b@y"]),
        ("a@x,,b@y,", ["a@x", "b@y"]),
        (" , a@x", ["a@x"]),
        ("a@x, A@X", ["a@x", "a@x"]),
        ("a@x; b@y", ["a@x", "b@y"]),
        ("a@x;", ["a@x"]),
        ("Team: a@x, b@y;", ["a@x", "b@y"]),
        ("Team: a@x, b@y", ["a@x", "b@y"]),
        ("Team: a@x;, c@z", ["a@x", "c@z"]),
        ("Team: a@x; c@z", ["a@x", "c@z"]),
        ('"Team, one": Anna <a@x>;, Other: b@y;', ["a@x", "b@y"]),
        ("undisclosed-recipients:;", []),
        ("", []),
        (" ", []),
        ("a@x <A@X>", ["a@x"]),
        ("a @ x < a@x >", ["a@x"]),
        ('"a b"@x', ['"a b"@x']),
        ('"a@y"@x', ['"a@y"@x']),
        ('"a,b"@x, c@z', ['"a,b"@x', "c@z"]),
        ("a@[192.0.2.1]", ["a@[192.0.2.1]"]),
        ("a@[IPv6:2001:db8::1], b@y", ["a@[ipv6:2001:db8::1]", "b@y"]),
        ("mailto:a@x", ["a@x"]),
    ],
)
def test_every_form_of_rfc_5322_and_its_obsolete_ones_is_read(text: str, expected: list[str]) -> None:
    listed = read_address_list(text)
    assert list(map(str, listed.mailboxes)) == expected
    assert listed.broken == ()


@pytest.mark.parametrize(
    ("text", "groups", "semicolons"),
    [
        ("Team:;", 1, False),
        ("Team: a@x;", 1, False),
        ("Team: a@x, b@y;", 1, False),
        ("A:; , B: b@y;", 2, False),
        ("A:; B:;", 2, False),
        ("a@x", 0, False),
        ("a@x; b@y", 0, True),
        ("Team: a@x;;", 1, True),
    ],
)
def test_groups_and_semicolons_outside_of_them_are_told(text: str, groups: int, semicolons: bool) -> None:
    listed = read_address_list(text)
    assert (listed.groups, listed.semicolons) == (groups, semicolons)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("foo bar, a@x", ["a@x"]),
        ("a@x, foo bar", ["a@x"]),
        ("a@x, b@, @c, c@z", ["a@x", "c@z"]),
        ("a@x b@y, c@z", ["c@z"]),
        ("<a@x, c@z", ["c@z"]),
        ("a@x>, c@z", ["c@z"]),
        ("support@company.com <anna@mail.example>, c@z", ["c@z"]),
        ("a@x., c@z", ["c@z"]),
        ("(never closed a@x, c@z", ["c@z"]),
        ('"never closed <a@x>, c@z', ["c@z"]),
        ("Foo\\, a@x, c@z", ["c@z"]),
        ("Team: a@x, foo bar, b@y; c@z", ["a@x", "b@y", "c@z"]),
        ("A: B: a@x;, c@z", ["c@z"]),
        ("a@x: b@y; c@z", ["c@z"]),
    ],
)
def test_a_broken_part_does_not_spoil_its_neighbours(text: str, kept: list[str]) -> None:
    listed = read_address_list(text)
    assert list(map(str, listed.mailboxes)) == kept
    assert listed.broken


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("support@company.com <anna@mail.example>", "anna@mail.example"),
        ('"never closed <a@x>', "a@x"),
        ("a@x <b@y> (Bob)", "b@y"),
        ("b,ad@ <a@x>  ", "a@x"),
        ("<a@x> <b@y>", "b@y"),
        ("a@y <@one:b@y>", "b@y"),
        ("a@x <b@y> foo", None),
        ("foo bar", None),
        ("foo <a@>", None),
        ("foo@ <a@x", None),
    ],
)
def test_a_broken_part_tells_the_address_in_brackets_that_it_ends_with(
    text: str, expected: str | None
) -> None:
    part = read_address_list(text).broken[-1]
    assert part.ends_with == (box(expected) if expected else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("foo care@shop.example bar", True),
        ("foo CARE@Shop.Example bar", True),
        ("foo care+t1@shop.example bar", False),
        ('foo "care@shop.example bar', True),
        ('foo@ "Care <care@shop.example>"', True),
        ("foo@ (care@shop.example)", True),
        ("foo@ mailto:care@shop.example", True),
        ("foo@@ [care@shop.example]", True),
        ("foo@ 'care@shop.example'", True),
        ("foo@ ...care@shop.example", True),
        ("foo@ care@shop.example.", True),
        ("foo@ care@shop.example...", True),
        ('foo@ "care"@shop.example', True),
        ("foo@ <care@shop.example>> x", True),
        ("foo@\x00care@shop.example\x00", True),
        ("foo@ xcare@shop.example", False),
        ("foo@ x.care@shop.example", False),
        ("foo@ x-care@shop.example", False),
        ("foo@ care@shop.example.evil", False),
        ("foo@ care@shop.example-evil", False),
        ("foo@ care@shop.examples", False),
        ("foo@ care@shop.example@evil", False),
        ('foo@ "care@shop.example"@evil x', False),
        ('foo@ "' + "x " * 200 + 'care@shop.example"@evil', False),
        ("foo@ care@sub.shop.example", False),
        ("foo@ \xfccare@shop.example", False),
        ("foo@ '@shop.example", False),
    ],
)
def test_an_address_stands_in_a_broken_part_unless_it_is_a_piece_of_a_longer_one(
    text: str, expected: bool
) -> None:
    (part,) = read_address_list(text).broken
    assert (box("care@shop.example") in part.standing()) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("foo a@x bar", True),
        ("foo@ <a@x>", True),
        ("foo \\a@x", True),
        ("Anna", False),
        ("<>", False),
        ('"a@x"', False),
        ("(a@x)", False),
        ('foo "a@x" (b@y)', False),
        ("foo@", False),
    ],
)
def test_a_broken_part_names_somebody_if_an_address_stands_outside_quotes_and_comments(
    text: str, expected: bool
) -> None:
    (part,) = read_address_list(text).broken
    assert part.names_somebody is expected


@given(texts())
def test_no_text_makes_the_reader_raise(text: str) -> None:
    for part in read_address_list(text).broken:
        part.standing()
        assert part.names_somebody in (True, False)


@given(st.lists(st.sampled_from(["a@x", "Anna <b@y>", '"q" <c@z>', "foo bar", "(d@w)", "x@"]), max_size=6))
def test_parts_are_read_as_they_are_alone(parts: list[str]) -> None:
    alone = [read_address_list(part) for part in parts]
    together = read_address_list(",".join(parts))
    assert together.mailboxes == tuple(address for listed in alone for address in listed.mailboxes)
    assert [part.text for part in together.broken] == [
        part.text for listed in alone for part in listed.broken
    ]


@given(texts())
def test_a_comment_behind_an_address_changes_nothing(comment: str) -> None:
    safe = "".join(c for c in comment if c not in "()\\")
    assert read_address_list(f"care@shop.example ({safe})") == AddressList((Mailbox("care", "shop.example"),))


PARTS = (
    "a@x",
    " Anna <b@y> ",
    '"q, r" <c@z>',
    "[x] y <d@w>",
    '"q"@v',
    "",
    " ",
    "foo",
    "(c)",
    "Team:",
    ";",
    "e@[1.2.3.4]",
    "f@y <g@z>",
    "<@h:i@j>",
)


@given(st.lists(st.sampled_from(PARTS), max_size=5))
def test_the_short_way_through_plain_lists_reads_what_the_long_way_reads(parts: list[str]) -> None:
    text = ",".join(parts)
    # An empty group in front has every list read the long way.
    long_way = read_address_list(f"x:;,{text}")
    short_way = read_address_list(text)
    assert (short_way.mailboxes, short_way.groups + 1) == (long_way.mailboxes, long_way.groups)
    assert [part.text for part in short_way.broken] == [part.text for part in long_way.broken]


@given(texts())
def test_the_short_way_reads_any_text_like_the_long_way(text: str) -> None:
    assert read_address_list(text).mailboxes == read_address_list(f"x:;,{text}").mailboxes

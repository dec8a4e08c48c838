"""When two addresses are the same address (docs/rule.md)."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.address import Mailbox, bases, mailbox, normal_domain, normal_text, parse_mailbox
from tests.strategies import mailboxes, texts

SAME = [
    ("care@shop.example", "CARE@Shop.EXAMPLE"),
    ("care@shop.example", '"care"@shop.example'),
    ("care@shop.example", r'"c\are"@shop.example'),
    ("ca.re@shop.example", 'ca."re"@shop.example'),
    ("ca.re@shop.example", "ca . re@shop.example"),
    ("ca.re@shop.example", "ca\t.re@shop . example"),
    ("müller@shop.example", "MÜLLER@shop.example"),
    ("m\u00fcller@shop.example", "mu\u0308ller@shop.example"),
    ("m\u00fcller@shop.example", "MU\u0308LLER@shop.example"),
    ("care@müller.example", "care@xn--mller-kva.example"),
    ("care@müller.example", "care@MÜLLER.Example"),
    ("care@mu\u0308ller.example", "care@XN--MLLER-KVA.example"),
    ("care@straße.example", "care@xn--strae-oqa.example"),
    ("\u01f0@x.example", "J\u030c@x.example"),
    ("a@[192.0.2.1]", "A@[192.0.2.1]"),
]
DIFFERENT = [
    ("support@shop.example", "ſupport@shop.example"),
    ("support@shop.example", "support@ſhop.example"),
    ("k@shop.example", "\u212a@shop.example"),
    ("k@k.example", "k@\u212a.example"),
    ("i@shop.example", "\u0130@shop.example"),
    ("i\u0307@shop.example", "\u0130@shop.example"),
    ("a`b@shop.example", "a\u1fefb@shop.example"),
    ("a@straße.example", "a@strasse.example"),
    ("straße@x.example", "strasse@x.example"),
    ("care@shop.example", "care@shop。example"),
    ("care@shop.example", "cаre@shop.example"),
    ("care@shop.example", "ｃare@shop.example"),
    ("care@shop.example", "care+shop@shop.example"),
    ("care@shop.example", '" care"@shop.example'),
    ("care@shop.example", "care@mail.shop.example"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_address_written_in_two_ways_is_one_address(one: str, other: str) -> None:
    assert parse_mailbox(one) is not None
    assert parse_mailbox(one) == parse_mailbox(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_look_alikes_are_other_addresses(one: str, other: str) -> None:
    assert parse_mailbox(one) is not None
    assert parse_mailbox(one) != parse_mailbox(other)


ASSIGNED = [chr(n) for n in range(sys.maxunicode + 1) if unicodedata.category(chr(n)) not in ("Cn", "Co")]
"""Every character that Unicode knows, surrogates included; what it does not know, it does not change."""


def test_no_character_outside_ascii_ever_becomes_one_of_ascii() -> None:
    outside = [c for c in ASSIGNED if not c.isascii()]
    assert len(outside) > 140_000
    assert [hex(ord(c)) for c in outside if any(n.isascii() for n in normal_text(c))] == []


@pytest.mark.parametrize("mark", ["\u0301", "\u0307", "\u0338", "\u0316"])
def test_no_character_outside_ascii_becomes_one_of_ascii_beside_a_mark(mark: str) -> None:
    outside = [c for c in ASSIGNED if not c.isascii()]
    assert [hex(ord(c)) for c in outside if any(n.isascii() for n in normal_text(c + mark))] == []


def test_normal_forms_are_idempotent_for_every_character() -> None:
    normal = map(normal_text, ASSIGNED)
    assert [once for once in normal if normal_text(once) != once] == []


@given(texts())
def test_normal_text_is_idempotent(text: str) -> None:
    once = normal_text(text)
    assert normal_text(once) == once


@given(texts())
def test_normal_domains_are_idempotent(text: str) -> None:
    once = normal_domain(text)
    assert normal_domain(once) == once


@given(st.text(st.characters(max_codepoint=127)))
def test_text_in_ascii_only_becomes_lower_case(text: str) -> None:
    assert normal_text(text) == text.lower()


@pytest.mark.parametrize(
    "domain", ["ſhop.example", "☃.example", "a_b.müller.example", "-ü.example", "ü" * 300]
)
def test_a_domain_without_an_a_label_form_equals_no_domain_in_ascii(domain: str) -> None:
    assert not normal_domain(domain).isascii()


def test_a_domain_keeps_what_is_in_ascii_already() -> None:
    assert normal_domain("my_host.Example") == "my_host.example"


def test_an_overlong_text_is_left_as_it_is() -> None:
    text = "É" * 1001
    assert normal_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "a", "a@", "@b", "a@b@c", "a b@c", "a@b c", "<a@b>", "Anna <a@b>", ".a@b", "a.@b", "a..b@c", "a@.b", "a@b.", "a@b..c",
        '"a@b', 'a"b"@c', "a(c)@b", "a@[1", "a@b;", "a@b,c@d", "a\n@b", "a@b\x00", "a,b@c", "a@[x]y", "a@[[x]]",
    ],
)  # fmt: skip
def test_what_is_no_address_is_none(text: str) -> None:
    assert parse_mailbox(text) is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Care@Shop.example", "care@shop.example"),
        ('"care"@shop.example', "care@shop.example"),
        ('"a b"@x', '"a b"@x'),
        (r'"a\"b\\c"@x', r'"a\"b\\c"@x'),
        ('""@x', '""@x'),
        ('"a@b"@x', '"a@b"@x'),
        ('".a"@x', '".a"@x'),
        ("a@müller.example", "a@xn--mller-kva.example"),
        ("ü@x", "ü@x"),
    ],
)
def test_an_address_is_written_with_quotes_only_where_it_must(text: str, written: str) -> None:
    assert str(parse_mailbox(text)) == written


def test_postmaster_without_a_domain_is_written_without_an_at_sign() -> None:
    assert str(Mailbox("postmaster", "")) == "postmaster"


@given(mailboxes())
def test_a_written_address_reads_back_as_itself(address: Mailbox) -> None:
    assert parse_mailbox(str(address)) == address


@given(mailboxes())
def test_an_address_in_its_normal_form_stays_as_it_is(address: Mailbox) -> None:
    assert Mailbox(normal_text(address.local), normal_domain(address.domain)) == address


@pytest.mark.parametrize(
    ("local", "separator", "longest", "expected"),
    [
        ("support+t123", "+", 20, ["support"]),
        ("a+b+c", "+", 20, ["a+b", "a"]),
        ("a+b+c", "+", 2, ["a"]),
        ("a+b+c", "+", 3, ["a+b", "a"]),
        ("support+t123", "", 20, []),
        ("support-t123", "+", 20, []),
        ("support-t123", "-", 20, ["support"]),
        ("+a", "+", 20, []),
        ("a+", "+", 20, ["a"]),
        ("a", "+", 20, []),
        ("a+b", "+", 0, []),
        ("a--b", "--", 20, ["a"]),
        ("a---b", "--", 20, ["a-", "a"]),
    ],
)
def test_the_bases_of_a_subaddress_are_cut_at_each_separator_longest_first(
    local: str, separator: str, longest: int, expected: list[str]
) -> None:
    assert list(bases(local, separator, longest)) == expected


@given(st.text("ab+"), st.integers(0, 12))
def test_every_base_is_a_beginning_in_front_of_a_separator(local: str, longest: int) -> None:
    expected = [local[:n] for n in range(len(local), 0, -1) if local[n : n + 1] == "+" and n <= longest]
    assert list(bases(local, "+", longest)) == expected


def test_a_mailbox_is_made_of_both_parts_as_they_stand() -> None:
    assert mailbox('"Anna Maria"', "Müller.example") == Mailbox("anna maria", "xn--mller-kva.example")

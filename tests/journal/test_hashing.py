"""Outsiders are kept only as keyed hashes where the settings say so, and nobody else is."""

import tracemalloc
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given

from relay.channels import ChannelBook
from relay.journal.entry import PathEntry, PathState
from relay.journal.hashing import (
    HASHED_DOMAIN,
    address_number,
    hashed,
    restored,
    without_outsiders,
    words_hashed,
)
from relay.journal.record import text_of_entry
from relay.judge import judge
from relay.mail.address import Mailbox
from relay.mail.view import MessageView
from tests.journal.entries import copy, entry
from tests.samples import BOOK, box
from tests.strategies import books, views

KEY, OTHER = b"k" * 32, b"o" * 32
ANNA = box("anna@mail.example")


def test_the_same_address_and_key_give_the_same_hash_and_others_another() -> None:
    made = {hashed(address, key) for address, key in product((ANNA, box("bob@mail.example")), (KEY, OTHER))}
    assert len(made) == 4
    assert hashed(ANNA, KEY) == hashed(box("ANNA@Mail.Example"), KEY)
    assert hashed(ANNA, KEY).domain == HASHED_DOMAIN
    assert len({address_number(ANNA), address_number(ANNA, KEY), address_number(ANNA, OTHER)}) == 3


def test_a_long_address_has_a_number_and_is_not_kept_in_memory() -> None:
    tracemalloc.start()
    try:
        numbers = {address_number(Mailbox("a" * 100_000 + str(number), "x"), KEY) for number in range(20)}
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()
    assert len(numbers) == 20
    assert address_number(Mailbox("a" * 400, "x"), KEY) != address_number(Mailbox("a" * 400, "x"))


def test_no_octet_of_an_outsider_is_left_and_every_octet_of_ours_is() -> None:
    kept = entry(
        "From: care@shop.example", "To: Anna <anna@mail.example>, hello@shop.example", "Reply-To: eva@mail.example",
        "Cc: \"broken anna2@mail.example",
        mail_from="bounce-anna=mail.example@crm.example",
    )  # fmt: skip
    paths = (
        PathEntry(
            "anna@mail.example",
            PathState.FAILED,
            "550 5.1.1 <anna@mail.example>: no such user; ask eva@mail.example",
        ),
        PathEntry("in-1@desk.example", PathState.DELIVERED, "250 ok", told="zoe@elsewhere.example"),
    )
    kept = replace(kept, paths=paths, reply="250 2.0.0 kept for anna@mail.example")
    text = text_of_entry(without_outsiders(kept, BOOK, KEY))
    for outsider in ("anna", "eva", "zoe", "mail.example", "crm.example@", "elsewhere"):
        assert outsider not in text.replace('"crm.example"', "")
    for own in ("care@shop.example", "hello@shop.example", "in-1@desk.example"):
        assert own in text


def test_a_stranger_as_author_is_hashed_in_the_findings_too() -> None:
    kept = without_outsiders(entry("From: bob@mail.example", "To: care@shop.example"), BOOK, KEY)
    assert kept.view.author == hashed(box("bob@mail.example"), KEY)
    assert not any("bob" in word for finding in kept.verdict.findings for word in finding.evidence)


@pytest.mark.parametrize("words", ["", "250 ok", "no address @ all", "<>", "a@b@c", "@", "\ud800@x.example"])
def test_words_without_an_outsider_never_raise(words: str) -> None:
    words_hashed(words, BOOK, KEY)


@given(views(), books())
def test_hashed_mail_is_judged_by_its_own_book_as_before(view: MessageView, book: ChannelBook) -> None:
    first = judge(view, book)
    kept = without_outsiders(replace(copy(), view=view, verdict=first), book, KEY)
    again = judge(kept.view, book)
    assert (again.disposition, again.reason, again.doubts) == (first.disposition, first.reason, first.doubts)


def test_another_book_finds_its_own_addresses_among_hashed_ones() -> None:
    kept = without_outsiders(copy(), BOOK, KEY)
    own = [box("anna0@mail.example")]
    seen = restored(kept.view, own, KEY)
    assert own[0] in [recipient.mailbox for recipient in seen.recipients]
    assert restored(kept.view, own, OTHER) == kept.view

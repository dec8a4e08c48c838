"""Whose address is it, and what may be done with it (docs/rule.md)."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given

from relay.channels import AutoClose, BccEvidence, Channel, ChannelBook, Platform, WhenInDoubt
from relay.mail.address import Mailbox
from relay.mail.envelope import Client
from tests.samples import BOOK, CARE_CHANNEL, ORDERS_CHANNEL, OUTSIDE, book, box, networks, rule, view
from tests.strategies import books, mailboxes

TRUSTED = ip_address("203.0.113.9")


@pytest.mark.parametrize(
    ("address", "channel"),
    [
        ("care@shop.example", "care"),
        ("CARE@Shop.Example", "care"),
        ('"care"@shop.example', "care"),
        ("hello@shop.example", "care"),
        ("orders@shop.example", "orders"),
        ("in-1@desk.example", None),
        ("care+shop@shop.example", None),
        ("anna@mail.example", None),
        ("care@other.example", None),
    ],
)
def test_an_author_is_matched_exactly_with_address_and_also(address: str, channel: str | None) -> None:
    found = BOOK.channel_of(box(address))
    assert (found.name if found else None) == channel


def test_nobody_is_no_channel() -> None:
    assert BOOK.channel_of(None) is None


NESTED = book(
    Channel("care", box("care@shop.example"), inbound=(box("care+in@shop.example"),)),
    Channel("shop", box("care+shop@shop.example")),
    Channel("deep", box("other@shop.example"), also=(box("care+shop+deep@shop.example"),)),
)


@pytest.mark.parametrize(
    ("address", "role"),
    [
        ("care@shop.example", ("care", False)),
        ("care+t123@shop.example", ("care", False)),
        ("CARE+T123@Shop.Example", ("care", False)),
        ("care+a+b+c@shop.example", ("care", False)),
        ("care+shop@shop.example", ("shop", False)),
        ("care+shop+x@shop.example", ("shop", False)),
        ("care+shop+deep@shop.example", ("deep", False)),
        ("care+shop+deep+x+y@shop.example", ("deep", False)),
        ("care+in@shop.example", ("care", True)),
        ("care+in+x@shop.example", ("care", True)),
        ("care+@shop.example", ("care", False)),
        ("+care@shop.example", None),
        ("care-t@shop.example", None),
        ("care+t@other.example", None),
        ("xcare+t@shop.example", None),
    ],
)
def test_a_subaddress_is_what_its_longest_known_base_is(address: str, role: tuple[str, bool] | None) -> None:
    found = NESTED.role_of(box(address))
    assert ((found.channel.name, found.inbound) if found else None) == role


@pytest.mark.parametrize(
    ("separator", "address", "itself"),
    [
        ("+", "care+x@shop.example", True),
        ("-", "care-x@shop.example", True),
        ("-", "care+x@shop.example", False),
        ("", "care+x@shop.example", False),
        ("", "care@shop.example", True),
        ("--", "care--x@shop.example", True),
        ("--", "care---x@shop.example", True),
        ("--", "care-x@shop.example", False),
    ],
)
def test_the_separator_of_subaddresses_is_the_rules_and_empty_turns_it_off(
    separator: str, address: str, itself: bool
) -> None:
    by = book(rule=rule(subaddress_separator=separator))
    assert by.is_itself(CARE_CHANNEL, box(address)) is itself


@pytest.mark.parametrize(
    ("address", "itself"),
    [
        ("care@shop.example", True),
        ("hello@shop.example", True),
        ("hello+t@shop.example", True),
        ("in-1@desk.example", False),
        ("in-1+t@desk.example", False),
        ("orders@shop.example", False),
        ("anna@mail.example", False),
    ],
)
def test_inbound_addresses_never_count_as_the_channel(address: str, itself: bool) -> None:
    assert BOOK.is_itself(CARE_CHANNEL, box(address)) is itself


OURS = book(domains=["desk.example"], inside=["shop.example"])


@pytest.mark.parametrize(
    ("address", "outsider", "accepted"),
    [
        ("care@shop.example", False, True),
        ("hello+t@shop.example", False, True),
        ("in-1+t@desk.example", False, True),
        ("anybody@desk.example", False, True),
        ("boss@shop.example", False, False),
        ("boss@sub.shop.example", True, False),
        ("x@sub.desk.example", True, False),
        ("anna@mail.example", True, False),
    ],
)
def test_an_outsider_is_none_of_ours_and_inside_accepts_nothing(
    address: str, outsider: bool, accepted: bool
) -> None:
    assert (OURS.is_outsider(box(address)), OURS.accepts(box(address))) == (outsider, accepted)


@given(books(), mailboxes())
def test_what_is_accepted_is_never_an_outsider(by: ChannelBook, address: Mailbox) -> None:
    assert not (by.accepts(address) and by.is_outsider(address))


@given(books(), mailboxes())
def test_an_author_that_is_a_channel_is_that_channel_as_a_recipient_too(
    by: ChannelBook, address: Mailbox
) -> None:
    channel = by.channel_of(address)
    assert channel is None or by.is_itself(channel, address)


@pytest.mark.parametrize(
    ("of_channel", "of_rule", "expected"),
    [
        (None, WhenInDoubt.CLOSE, WhenInDoubt.CLOSE),
        (None, WhenInDoubt.OPEN, WhenInDoubt.OPEN),
        (WhenInDoubt.CLOSE, WhenInDoubt.OPEN, WhenInDoubt.CLOSE),
        (WhenInDoubt.OPEN, WhenInDoubt.CLOSE, WhenInDoubt.OPEN),
    ],
)
def test_a_channels_when_in_doubt_goes_before_the_rules(
    of_channel: WhenInDoubt | None, of_rule: WhenInDoubt, expected: WhenInDoubt
) -> None:
    channel = replace(CARE_CHANNEL, when_in_doubt=of_channel)
    assert book(channel, rule=rule(when_in_doubt=of_rule)).in_doubt(channel) is expected


EVIDENCE = {
    "To: a@x": "always",
    "Cc: a@x": "always",
    "Resent-To: a@x": "always",
    "Resent-Cc: a@x": "always",
    "Bcc: a@x": "header",
    "Resent-Bcc: a@x": "header",
    "envelope": "envelope",
    "Delivered-To: a@x": "trace",
    "X-Forwarded-For: a@x": "trace",
}
SETTINGS = [
    frozenset(s) for s in ([], ["header"], ["envelope"], ["trace"], ["header", "envelope"], ["header", "envelope", "trace"])
]  # fmt: skip


@pytest.mark.parametrize("listed", SETTINGS, ids=lambda s: "+".join(sorted(s)) or "none")
@pytest.mark.parametrize(("where", "kind"), EVIDENCE.items())
@pytest.mark.parametrize("trusted", [True, False])
def test_evidence_counts_as_bcc_evidence_and_trusted_trace_say(
    where: str, kind: str, listed: frozenset[str], trusted: bool
) -> None:
    by = book(
        rule=rule(bcc_evidence=frozenset(map(BccEvidence, listed))), trusted_trace=networks("203.0.113.0/24")
    )
    client = Client(TRUSTED if trusted else OUTSIDE)
    fields = [] if where == "envelope" else [where, "Received: x"]
    seen = view(*fields, rcpt_to=["a@x"] if where == "envelope" else [], client=client)
    counts = kind == "always" or (kind in listed and (kind != "trace" or trusted))
    assert [str(r.mailbox) for r in by.recipients_of(seen)] == (["a@x"] if counts else [])


def test_by_default_header_and_envelope_tell_a_blind_copy() -> None:
    assert rule().bcc_evidence == {BccEvidence.HEADER, BccEvidence.ENVELOPE}


def test_without_trusted_trace_no_trace_is_believed_of_anybody() -> None:
    by = book(rule=rule(bcc_evidence=frozenset(BccEvidence)))
    assert by.recipients_of(view("Delivered-To: a@x", "Received: x", client=Client())) == ()


@pytest.mark.parametrize(
    ("author", "part", "counts"),
    [
        ("care@shop.example", "foo care@shop.example bar", ["care@shop.example"]),
        ("care@shop.example", "foo CARE+t1@Shop.Example bar", ["care+t1@shop.example"]),
        ("care@shop.example", 'foo@ "hello@shop.example', ["hello@shop.example"]),
        ("care@shop.example", "foo@ (care@shop.example)", ["care@shop.example"]),
        ("hello@shop.example", "foo care@shop.example bar", ["care@shop.example"]),
        ("care@shop.example", "foo orders@shop.example bar", []),
        ("care@shop.example", "foo in-1@desk.example bar", []),
        ("care@shop.example", "foo anna@mail.example bar", []),
        ("care@shop.example", "foo xcare@shop.example bar", []),
        ("anna@mail.example", "foo care@shop.example bar", []),
    ],
)
def test_what_stands_in_a_broken_part_counts_if_it_is_the_authors_channel(
    author: str, part: str, counts: list[str]
) -> None:
    assert [str(r.mailbox) for r in BOOK.recipients_of(view(f"From: {author}", f"To: {part}"))] == counts


@pytest.mark.parametrize("twice", ["address", "also", "inbound"])
def test_an_address_belongs_to_one_channel_only(twice: str) -> None:
    again = box("care@shop.example")
    other = Channel("other", box("o@shop.example"))
    other = replace(other, **{twice: again if twice == "address" else (again,)})
    with pytest.raises(ValueError, match=r"care@shop\.example is in the book twice"):
        book(CARE_CHANNEL, other)


CHANGES: dict[str, Callable[[], ChannelBook]] = {
    "another channel": lambda: book(CARE_CHANNEL),
    "address": lambda: book(replace(CARE_CHANNEL, address=box("x@shop.example")), ORDERS_CHANNEL),
    "also": lambda: book(replace(CARE_CHANNEL, also=()), ORDERS_CHANNEL),
    "inbound": lambda: book(replace(CARE_CHANNEL, inbound=()), ORDERS_CHANNEL),
    "also for inbound": lambda: book(
        replace(CARE_CHANNEL, also=CARE_CHANNEL.inbound, inbound=CARE_CHANNEL.also), ORDERS_CHANNEL
    ),
    "auto_close": lambda: book(replace(CARE_CHANNEL, auto_close=AutoClose.OBSERVE), ORDERS_CHANNEL),
    "when_in_doubt": lambda: book(replace(CARE_CHANNEL, when_in_doubt=WhenInDoubt.CLOSE), ORDERS_CHANNEL),
    "rule.bcc_evidence": lambda: book(rule=rule(bcc_evidence=frozenset())),
    "rule.when_in_doubt": lambda: book(rule=rule(when_in_doubt=WhenInDoubt.OPEN)),
    "rule.subaddress_separator": lambda: book(rule=rule(subaddress_separator="-")),
    "platform.networks": lambda: book(platform=Platform(networks("192.0.2.0/28"))),
    "platform.users": lambda: book(platform=Platform(users=frozenset({"x"}))),
    "platform.dkim_domains": lambda: book(platform=Platform(dkim_domains=frozenset({"x"}))),
    "platform.authserv_ids": lambda: book(platform=Platform(authserv_ids=frozenset({"x"}))),
    "trusted.trace": lambda: book(trusted_trace=networks("192.0.2.0/28")),
    "inside": lambda: book(inside=["x"]),
    "domains": lambda: book(domains=["x"]),
    "limits.header_size": lambda: book(header_size=0),
}


def test_everything_that_a_verdict_depends_on_changes_the_digest() -> None:
    digests = {name: make().digest for name, make in CHANGES.items()} | {"unchanged": book().digest}
    assert len(set(digests.values())) == len(digests)


def test_a_digest_is_the_same_for_the_same_book_in_another_order() -> None:
    swapped = (
        replace(CARE_CHANNEL, also=(box("b@x"), box("a@x"))),
        replace(CARE_CHANNEL, also=(box("a@x"), box("b@x"))),
    )
    one = book(swapped[0], ORDERS_CHANNEL, inside=["a", "b"], domains=["c", "d"])
    other = book(ORDERS_CHANNEL, swapped[1], inside=["b", "a"], domains=["d", "c"])
    assert one.digest == other.digest == one.digest


def test_a_digest_names_its_algorithm() -> None:
    algorithm, _, digits = book().digest.partition(":")
    assert (algorithm, len(digits), int(digits, 16) > 0) == ("sha256", 64, True)


def test_looking_up_does_not_depend_on_the_length_of_an_address() -> None:
    long = Mailbox("care" + "+x" * 500_000, "shop.example")
    found = BOOK.role_of(long)
    assert found is not None
    assert found.channel is CARE_CHANNEL

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.delivery.answers import (
    AddressAnswer,
    Addresses,
    Mx,
    MxAnswer,
    MxRecords,
    NoData,
    NoSuchName,
    Trouble,
)
from relay.delivery.mx import MOST_HOPS, MOST_HOSTS, HopsInOrder, Terms, hosts_of, way_to, way_without_dns
from relay.mail.envelope import Address
from relay.mail.hop import NextHop, Scheme
from relay.mail.outcome import Deferred, Failed

DOMAIN = "shop.example"
OURS = "relay.example"
OUR_ADDRESS = ip_address("203.0.113.9")


def is_us(host: str, addresses: Sequence[Address]) -> bool:
    return host == OURS or OUR_ADDRESS in addresses


def terms(draw: Callable[[], float] | None = None, port: int = 25) -> Terms:
    return Terms(is_us=is_us, draw=draw or itertools.count().__next__, port=port)


def mx(*records: tuple[int, str]) -> MxRecords:
    return MxRecords(tuple(itertools.starmap(Mx, records)))


def at(*addresses: str) -> Addresses:
    return Addresses(tuple(map(ip_address, addresses)))


def way(answer: MxAnswer, found: Mapping[str, AddressAnswer], *, domain: str = DOMAIN) -> HopsInOrder:
    return way_to(domain, answer, found, Scheme.SMTP, terms())


def said(outcome: object) -> tuple[type, int, str] | None:
    if isinstance(outcome, Deferred | Failed):
        assert outcome.hop == ""
        return type(outcome), outcome.reply.code, outcome.reply.enhanced
    return None


def tried(hops: HopsInOrder) -> list[tuple[str, str]]:
    assert isinstance(hops, tuple)
    return [(hop.name, hop.host) for hop in hops]


A, B, C = "a.example", "b.example", "c.example"
ONE, TWO, THREE = at("192.0.2.1"), at("192.0.2.2"), at("192.0.2.3")

NO_DOMAIN = (Failed, 550, "5.1.2")
NULL_MX = (Failed, 556, "5.1.10")
UNREACHABLE = (Failed, 550, "5.4.4")
LOOPS = (Failed, 554, "5.4.6")
LATER = (Deferred, 451, "4.4.3")


@pytest.mark.parametrize(
    ("answer", "found", "expected"),
    [
        (NoSuchName(), {}, NO_DOMAIN),
        (Trouble("x"), {}, LATER),
        (mx((0, "")), {}, NULL_MX),
        (mx((0, ""), (10, "")), {}, NULL_MX),
        (NoData(), {DOMAIN: NoData()}, NO_DOMAIN),
        (NoData(), {DOMAIN: NoSuchName()}, NO_DOMAIN),
        (NoData(), {DOMAIN: Trouble("x")}, LATER),
        (mx((10, A)), {A: NoSuchName()}, UNREACHABLE),
        (mx((10, A)), {A: NoData()}, UNREACHABLE),
        (mx((10, A)), {A: Trouble("x")}, LATER),
        (mx((10, A), (20, B)), {A: NoSuchName(), B: Trouble("x")}, LATER),
        (mx((10, A), (20, B)), {A: NoData(), B: NoSuchName()}, UNREACHABLE),
        (mx((10, "odd host")), {}, UNREACHABLE),
        (mx((10, "odd\\032host.example"), (5, "")), {}, UNREACHABLE),
        (mx((10, A)), {}, UNREACHABLE),
        (mx((10, OURS)), {OURS: ONE}, LOOPS),
        (mx((10, OURS)), {OURS: NoSuchName()}, LOOPS),
        (mx((10, OURS), (20, B)), {OURS: ONE, B: TWO}, LOOPS),
        (mx((10, OURS), (10, B)), {OURS: ONE, B: TWO}, LOOPS),
        (mx((10, A), (10, B)), {A: at("192.0.2.1", "203.0.113.9"), B: TWO}, LOOPS),
        (mx((10, A), (20, OURS)), {A: NoSuchName(), OURS: ONE}, UNREACHABLE),
        (mx((10, A), (20, OURS)), {A: Trouble("x"), OURS: ONE}, LATER),
        (NoData(), {DOMAIN: at("203.0.113.9")}, LOOPS),
    ],
)
def test_a_domain_without_a_way_has_an_outcome(
    answer: MxAnswer, found: dict[str, AddressAnswer], expected: object
) -> None:
    assert said(way(answer, found)) == expected


@pytest.mark.parametrize(
    ("answer", "found", "expected"),
    [
        (mx((10, A)), {A: ONE}, [(A, "192.0.2.1")]),
        (mx((20, B), (10, A), (30, C)), {A: ONE, B: TWO, C: THREE}, [(A, "192.0.2.1"), (B, "192.0.2.2"), (C, "192.0.2.3")]),
        (NoData(), {DOMAIN: ONE}, [(DOMAIN, "192.0.2.1")]),
        (mx((10, A), (20, B)), {A: Trouble("x"), B: TWO}, [(B, "192.0.2.2")]),
        (mx((10, A), (20, B)), {A: NoSuchName(), B: TWO}, [(B, "192.0.2.2")]),
        (mx((10, A), (20, B)), {B: TWO}, [(B, "192.0.2.2")]),
        (mx((0, ""), (10, A)), {A: ONE}, [(A, "192.0.2.1")]),
        (mx((5, "odd host"), (10, A)), {A: ONE}, [(A, "192.0.2.1")]),
        (mx((10, A), (20, OURS), (30, C)), {A: ONE, OURS: TWO, C: THREE}, [(A, "192.0.2.1")]),
        (mx((10, A), (20, B), (20, C)), {A: ONE, B: at("203.0.113.9"), C: THREE}, [(A, "192.0.2.1")]),
        (mx((10, A), (20, OURS), (15, OURS)), {A: ONE, OURS: TWO}, [(A, "192.0.2.1")]),
        (mx((10, A), (20, A)), {A: ONE}, [(A, "192.0.2.1")]),
        (mx((10, A)), {A: at("192.0.2.1", "2001:db8::1")}, [(A, "2001:db8::1"), (A, "192.0.2.1")]),
        (mx((10, A)), {A: at("192.0.2.1", "192.0.2.2", "2001:db8::1")}, [(A, "2001:db8::1"), (A, "192.0.2.1"), (A, "192.0.2.2")]),
        (mx((10, A), (20, B)), {A: at("2001:db8::1"), B: TWO}, [(A, "2001:db8::1"), (B, "192.0.2.2")]),
    ],
)  # fmt: skip
def test_hosts_are_tried_by_preference_and_each_at_all_its_addresses(
    answer: MxAnswer, found: dict[str, AddressAnswer], expected: list[tuple[str, str]]
) -> None:
    assert tried(way(answer, found)) == expected


def test_equals_are_tried_in_the_order_that_is_drawn() -> None:
    answer, found = mx((10, A), (10, B), (10, C)), {A: ONE, B: TWO, C: THREE}
    draws = iter([0.3, 0.1, 0.2, 0, 0, 0])
    hops = way_to(DOMAIN, answer, found, Scheme.SMTP, terms(draws.__next__))
    assert [name for name, _ in tried(hops)] == [B, C, A]


@pytest.mark.parametrize(("scheme", "port"), [(Scheme.SMTP, 25), (Scheme.SMTP_STARTTLS, 2525)])
def test_a_hop_has_the_scheme_the_port_and_the_name_for_its_certificate(scheme: Scheme, port: int) -> None:
    hops = way_to(DOMAIN, mx((10, A)), {A: ONE}, scheme, terms(port=port))
    assert hops == (NextHop(scheme, "192.0.2.1", port, name=A),)


@pytest.mark.parametrize(
    ("domain", "host"),
    [
        ("[192.0.2.1]", "192.0.2.1"),
        ("[ipv6:2001:db8::1]", "2001:db8::1"),
        ("[IPv6:2001:DB8::1]", "2001:db8::1"),
        ("[ipv6:::ffff:192.0.2.1]", "192.0.2.1"),
    ],
)
def test_an_address_literal_is_its_own_hop(domain: str, host: str) -> None:
    assert way_without_dns(domain, Scheme.SMTP, terms()) == (NextHop(Scheme.SMTP, host, 25),)


@pytest.mark.parametrize(
    "domain",
    [
        "",
        "[]",
        "[192.0.2.256]",
        "[2001:db8::1]",
        "[ipv6:192.0.2.1]",
        "[x:1]",
        "müller.example",
        "a..b",
        "a b",
        "-\n",
        "a" * 64,
        "a." * 127 + "ab",
    ],
)
def test_what_is_neither_a_name_nor_an_address_gets_no_mail(domain: str) -> None:
    assert said(way_without_dns(domain, Scheme.SMTP, terms())) == NO_DOMAIN


def test_our_own_address_literal_would_come_back() -> None:
    assert said(way_without_dns("[203.0.113.9]", Scheme.SMTP, terms())) == LOOPS


@pytest.mark.parametrize("domain", ["shop.example", "localhost", "xn--mller-kva.example", "_a-b.example"])
def test_a_name_is_for_dns_to_know(domain: str) -> None:
    assert way_without_dns(domain, Scheme.SMTP, terms()) is None


def test_only_the_preferred_hosts_are_asked_for_where_there_are_too_many() -> None:
    hosts = hosts_of(DOMAIN, mx(*((n, f"{n}.example") for n in reversed(range(500)))))
    assert isinstance(hosts, tuple)
    assert [host.preference for host in hosts] == list(range(MOST_HOSTS))


def test_no_more_than_so_many_addresses_are_tried() -> None:
    hops = way(mx((10, A)), {A: at(*(f"192.0.2.{n}" for n in range(1, 200)))})
    assert len(tried(hops)) == MOST_HOPS


NAMES = st.sampled_from([A, B, C, OURS, "d.example", ""])
ADDRESSES = st.sampled_from(
    [NoSuchName(), NoData(), Trouble("x"), ONE, TWO, THREE, at("2001:db8::1", "192.0.2.1"), at("203.0.113.9")]
)
ANSWERS = st.one_of(
    st.sampled_from([NoSuchName(), NoData(), Trouble("x")]),
    st.lists(st.builds(Mx, st.integers(0, 3), NAMES), min_size=1, max_size=8).map(
        lambda r: MxRecords(tuple(r))
    ),
)
FOUND = st.dictionaries(st.sampled_from([A, B, C, OURS, "d.example", DOMAIN]), ADDRESSES)


@given(ANSWERS, FOUND, st.randoms(use_true_random=False))
def test_the_order_is_by_preference_and_never_leads_to_us_or_past_us(
    answer: MxAnswer, found: dict[str, AddressAnswer], luck: random.Random
) -> None:
    hops = way_to(DOMAIN, answer, found, Scheme.SMTP, terms(luck.random))
    if not isinstance(hops, tuple):
        assert isinstance(hops, Deferred | Failed)
        return
    assert 0 < len(set(hops)) == len(hops) <= MOST_HOPS
    lowest: dict[str, int] = {}
    ours = []
    for record in answer.records if isinstance(answer, MxRecords) else (Mx(0, DOMAIN),):
        lowest[record.host] = min(record.preference, lowest.get(record.host, 99))
        known = found.get(record.host)
        if is_us(record.host, known.addresses if isinstance(known, Addresses) else ()):
            ours.append(record.preference)
    preferences = [lowest[hop.name] for hop in hops]
    assert preferences == sorted(preferences)
    assert all(preference < min(ours, default=99) for preference in preferences)


@given(ANSWERS, FOUND, st.randoms(use_true_random=False), st.randoms(use_true_random=False))
def test_luck_changes_the_order_and_nothing_else(
    answer: MxAnswer, found: dict[str, AddressAnswer], one: random.Random, other: random.Random
) -> None:
    first = way_to(DOMAIN, answer, found, Scheme.SMTP, terms(one.random))
    second = way_to(DOMAIN, answer, found, Scheme.SMTP, terms(other.random))
    if isinstance(first, tuple) and isinstance(second, tuple):
        assert set(first) == set(second)
    else:
        assert first == second

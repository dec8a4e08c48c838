import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import dns.rcode
import pytest

from relay.delivery import resolver as module
from relay.delivery.answers import (
    Addresses,
    Mx,
    MxRecords,
    Names,
    NoData,
    NoSuchName,
    Texts,
    Trouble,
    both_families,
)
from relay.delivery.ourselves import is_our_address
from relay.delivery.resolver import Resolver, addresses_of
from tests.delivery.dns_server import HANG, RUBBISH, DnsServer, Said

ONE = Addresses((ip_address("192.0.2.1"),))
SIX = Addresses((ip_address("2001:db8::1"),))
TWO_MX = ("10 mx1.shop.example.", "20 MX2.Shop.Example.")


@asynccontextmanager
async def asking(server: DnsServer, **options: float) -> AsyncIterator[Resolver]:
    resolver = Resolver(["127.0.0.1"], port=server.port, **options)  # type: ignore[arg-type]
    try:
        yield resolver
    finally:
        await resolver.close()


def zone_of(kind: str, said: Said) -> dict[tuple[str, str], Said]:
    return {("shop.example", kind): said}


@pytest.mark.parametrize(
    ("zone", "answer"),
    [
        (zone_of("MX", TWO_MX), MxRecords((Mx(10, "mx1.shop.example"), Mx(20, "mx2.shop.example")))),
        (zone_of("MX", ["0 ."]), MxRecords((Mx(0, ""),))),
        (zone_of("MX", ["5 odd\\032host.example."]), MxRecords((Mx(5, "odd\\032host.example"),))),
        (zone_of("A", ["192.0.2.1"]), NoData()),
        ({}, NoSuchName()),
        (zone_of("MX", dns.rcode.NXDOMAIN), NoSuchName()),
        (zone_of("MX", dns.rcode.SERVFAIL), Trouble("its name servers have no answer")),
        (zone_of("MX", dns.rcode.REFUSED), Trouble("its name servers have no answer")),
        (zone_of("MX", dns.rcode.YXDOMAIN), Trouble("DNS is no help (YXDOMAIN)")),
        (zone_of("CNAME", ["shop.example."]), Trouble("its name servers have no answer")),
        (
            {**zone_of("CNAME", ["b.example."]), ("b.example", "CNAME"): ["c.example."], ("c.example", "MX"): ["1 d.example."]},
            MxRecords((Mx(1, "d.example"),)),
        ),
        ({**zone_of("CNAME", ["b.example."]), ("b.example", "A"): ["192.0.2.1"]}, NoData()),
        (zone_of("CNAME", ["nowhere.example."]), NoSuchName()),
    ],
)  # fmt: skip
async def test_what_dns_says_of_mx_becomes_a_value(zone: dict[tuple[str, str], Said], answer: object) -> None:
    async with DnsServer(zone) as server, asking(server) as resolver:
        assert await resolver.mx("shop.example") == answer


@pytest.mark.parametrize(
    ("zone", "answer"),
    [
        (zone_of("A", ["192.0.2.1"]), ONE),
        (zone_of("AAAA", ["2001:db8::1"]), SIX),
        ({**zone_of("A", ["192.0.2.1"]), **zone_of("AAAA", ["2001:db8::1"])}, Addresses(ONE.addresses + SIX.addresses)),
        ({**zone_of("A", ["192.0.2.1"]), **zone_of("AAAA", dns.rcode.SERVFAIL)}, ONE),
        ({**zone_of("A", dns.rcode.SERVFAIL), **zone_of("AAAA", [])}, Trouble("its name servers have no answer")),
        (zone_of("TXT", ['"x"']), NoData()),
        ({}, NoSuchName()),
        ({**zone_of("CNAME", ["b.example."]), ("b.example", "A"): ["192.0.2.1"]}, ONE),
    ],
)  # fmt: skip
async def test_what_dns_says_of_addresses_becomes_a_value(
    zone: dict[tuple[str, str], Said], answer: object
) -> None:
    async with DnsServer(zone) as server, asking(server) as resolver:
        assert await resolver.addresses("shop.example") == answer


@pytest.mark.parametrize(
    ("zone", "answer"),
    [
        (zone_of("TXT", ['"v=spf1 ip4:192.0.2.1" " -all"', '"a\\255"']), Texts((b"a\xff", b"v=spf1 ip4:192.0.2.1 -all"))),
        ({**zone_of("CNAME", ["b.example."]), ("b.example", "TXT"): ['"x"']}, Texts((b"x",))),
        (zone_of("A", ["192.0.2.1"]), NoData()),
        ({}, NoSuchName()),
        (zone_of("TXT", dns.rcode.SERVFAIL), Trouble("its name servers have no answer")),
    ],
)  # fmt: skip
async def test_what_dns_says_of_texts_becomes_a_value(
    zone: dict[tuple[str, str], Said], answer: object
) -> None:
    async with DnsServer(zone) as server, asking(server) as resolver:
        assert await resolver.texts("shop.example") == answer


async def test_an_address_is_asked_for_its_names() -> None:
    zone: dict[tuple[str, str], Said] = {
        ("1.2.0.192.in-addr.arpa", "PTR"): ["MX2.shop.example.", "mx1.shop.example."],
        (ip_address("2001:db8::1").reverse_pointer, "PTR"): ["six.shop.example."],
    }
    async with DnsServer(zone) as server, asking(server) as resolver:
        names = Names(("mx1.shop.example", "mx2.shop.example"))
        assert await resolver.names_of(ip_address("192.0.2.1")) == names
        assert await resolver.names_of(ip_address("2001:db8::1")) == Names(("six.shop.example",))
        assert await resolver.names_of(ip_address("192.0.2.9")) == NoSuchName()


async def test_one_family_is_asked_for_alone() -> None:
    zone: dict[tuple[str, str], Said] = {
        **zone_of("A", dns.rcode.SERVFAIL),
        **zone_of("AAAA", ["2001:db8::1"]),
    }
    async with DnsServer(zone) as server, asking(server) as resolver:
        assert await resolver.of_family("shop.example", 6) == SIX
        assert await resolver.of_family("shop.example", 4) == Trouble("its name servers have no answer")


@pytest.mark.parametrize("said", [HANG, RUBBISH])
async def test_silence_and_rubbish_are_trouble_in_our_own_time(said: str) -> None:
    async with DnsServer(zone_of("MX", said)) as server, asking(server, query=0.05, lifetime=0.2) as resolver:
        began = asyncio.get_running_loop().time()
        assert await resolver.mx("shop.example") == Trouble("no answer in time")
        assert asyncio.get_running_loop().time() - began < 2


async def test_the_next_name_server_is_asked_when_one_is_silent() -> None:
    async with DnsServer(zone_of("MX", TWO_MX)) as server:
        resolver = Resolver(["127.0.0.9", "127.0.0.1"], port=server.port, query=0.2)
        assert isinstance(await resolver.mx("shop.example"), MxRecords)
        await resolver.close()


async def test_an_answer_that_does_not_fit_comes_by_tcp() -> None:
    many = [f"{n} mx-with-a-long-name-{n}.shop.example." for n in range(60)]
    async with DnsServer(zone_of("MX", many), truncate=True) as server, asking(server) as resolver:
        answer = await resolver.mx("shop.example")
        assert isinstance(answer, MxRecords)
        assert len(answer.records) == 60
        assert server.by_tcp == 1


@pytest.mark.parametrize(
    "name", ["a..b", "a" * 64 + ".example", "müller.example", ".".join(["a" * 60] * 5), "\udcff"]
)
async def test_what_cannot_be_a_name_is_never_asked_for(name: str) -> None:
    async with DnsServer() as server, asking(server) as resolver:
        assert await resolver.mx(name) == NoSuchName()
        assert not server.asked


async def test_an_answer_is_kept_and_case_does_not_count() -> None:
    async with DnsServer(zone_of("MX", TWO_MX)) as server, asking(server) as resolver:
        for name in ("shop.example", "Shop.Example", "shop.example."):
            assert isinstance(await resolver.mx(name), MxRecords)
        assert server.asked == {("shop.example", "MX"): 1}


async def test_an_answer_is_kept_no_longer_than_it_says() -> None:
    async with DnsServer(zone_of("MX", TWO_MX), ttl=1) as server, asking(server) as resolver:
        await resolver.mx("shop.example")
        await asyncio.sleep(1.05)
        await resolver.mx("shop.example")
        assert server.asked.total() == 2


async def test_an_answer_that_may_not_be_kept_is_not() -> None:
    async with DnsServer(zone_of("MX", TWO_MX), ttl=0) as server, asking(server) as resolver:
        await resolver.mx("shop.example")
        await resolver.mx("shop.example")
        assert server.asked.total() == 2


@pytest.mark.parametrize(
    ("zone", "ttl", "negative_ttl", "longest"),
    [
        (zone_of("MX", TWO_MX), 86_400, 300, module.LONGEST),
        (zone_of("MX", TWO_MX), 300, 300, 300),
        (zone_of("CNAME", ["b.example."]) | {("b.example", "MX"): TWO_MX}, 20, 300, 20),
        ({}, 300, 86_400, module.LONGEST_WITHOUT),
        ({}, 300, 10, 10),
        ({}, 300, None, module.LONGEST_WITHOUT),
        (zone_of("A", ["192.0.2.1"]), 300, 86_400, module.LONGEST_WITHOUT),
        (zone_of("A", ["192.0.2.1"]), 300, 10, 10),
        (zone_of("MX", dns.rcode.SERVFAIL), 300, 300, module.AFTER_TROUBLE),
    ],
)
async def test_how_long_an_answer_is_kept_is_bounded(
    zone: dict[tuple[str, str], Said], ttl: int, negative_ttl: int | None, longest: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    skipped = 0.0
    monkeypatch.setattr(module, "_now", lambda: asyncio.get_running_loop().time() + skipped)
    async with DnsServer(zone, ttl=ttl, negative_ttl=negative_ttl) as server, asking(server) as resolver:
        await resolver.mx("shop.example")
        skipped = longest - 1
        await resolver.mx("shop.example")
        assert server.asked.total() == 1
        skipped = longest + 1
        await resolver.mx("shop.example")
        assert server.asked.total() == 2


async def test_no_more_than_so_many_answers_are_kept_and_the_oldest_goes_first() -> None:
    zone: dict[tuple[str, str], Said] = {(f"{n}.example", "MX"): TWO_MX for n in range(4)}
    async with DnsServer(zone) as server, asking(server, most_kept=3) as resolver:
        for n in (0, 1, 2, 3, 3, 2, 1, 0):
            await resolver.mx(f"{n}.example")
        assert server.asked[("0.example", "MX")] == 2
        assert server.asked.total() == 5


async def test_equal_questions_at_the_same_time_are_one() -> None:
    async with DnsServer(zone_of("MX", TWO_MX), ttl=0) as server, asking(server) as resolver:
        answers = await asyncio.gather(*(resolver.mx("shop.example") for _ in range(50)))
        assert len(set(answers)) == 1
        assert server.asked.total() == 1


async def test_who_gives_up_waiting_does_not_take_the_answer_from_the_others() -> None:
    async with DnsServer(zone_of("MX", TWO_MX)) as server, asking(server) as resolver:
        server.hold.clear()
        impatient = asyncio.create_task(resolver.mx("shop.example"))
        patient = asyncio.create_task(resolver.mx("shop.example"))
        await asyncio.sleep(0.05)
        impatient.cancel()
        await asyncio.gather(impatient, return_exceptions=True)
        server.hold.set()
        assert isinstance(await patient, MxRecords)
        assert server.asked.total() == 1


async def test_closing_ends_what_is_asked() -> None:
    async with DnsServer(zone_of("MX", HANG)) as server, asking(server) as resolver:
        waiting = asyncio.create_task(resolver.mx("shop.example"))
        await asyncio.sleep(0.05)
        await resolver.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_a_machine_without_name_servers_has_trouble_and_nothing_breaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import dns.asyncresolver
    import dns.resolver

    def unconfigured(*_: object, **__: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.asyncresolver, "Resolver", unconfigured)
    assert await Resolver().mx("shop.example") == Trouble("DNS is no help (NoResolverConfiguration)")


async def test_the_machines_own_configuration_is_read_again_after_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    skipped = 0.0
    monkeypatch.setattr(module, "_now", lambda: asyncio.get_running_loop().time() + skipped)
    async with DnsServer(zone_of("MX", TWO_MX), ttl=0) as server, asking(server) as resolver:
        await resolver.mx("shop.example")
        server.zone.clear()
        async with DnsServer(zone_of("MX", ["0 ."])) as moved:
            resolver._port = moved.port  # what a new resolv.conf would say
            assert await resolver.mx("shop.example") == NoSuchName()
            skipped = 61
            assert await resolver.mx("shop.example") == MxRecords((Mx(0, ""),))


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (ONE, SIX, Addresses(ONE.addresses + SIX.addresses)),
        (ONE, NoData(), ONE),
        (NoData(), SIX, SIX),
        (Trouble("x"), SIX, SIX),
        (ONE, Trouble("x"), ONE),
        (Trouble("x"), NoData(), Trouble("x")),
        (NoData(), Trouble("x"), Trouble("x")),
        (NoSuchName(), Trouble("x"), Trouble("x")),
        (NoSuchName(), NoSuchName(), NoSuchName()),
        (NoData(), NoData(), NoData()),
    ],
)
def test_of_two_families_addresses_count_before_trouble_and_trouble_before_nothing(
    one: object, other: object, both: object
) -> None:
    assert both_families(one, other) == both  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "ours"),
    [("127.0.0.1", True), ("127.0.0.77", True), ("::1", True), ("0.0.0.0", True), ("::", True), ("203.0.113.77", False), ("2001:db8::77", False), ("255.255.255.255", False)],
)  # fmt: skip
def test_loopback_is_ours_and_a_stranger_is_not(address: str, ours: bool) -> None:
    assert is_our_address(ip_address(address)) is ours


def test_an_address_of_this_machine_is_ours() -> None:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return  # a machine without a network has no other address
        assert is_our_address(ip_address(probe.getsockname()[0]))


def test_a_name_that_the_machine_knows_has_addresses_and_one_that_cannot_be_has_none() -> None:
    assert addresses_of("localhost").found
    assert not addresses_of("a..b").found


async def test_without_name_servers_of_its_own_a_resolver_asks_those_of_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import dns.asyncresolver

    async with DnsServer(zone_of("MX", TWO_MX)) as server:
        machine = dns.asyncresolver.Resolver(configure=False)
        machine.nameservers, machine.port = ["127.0.0.1"], server.port
        monkeypatch.setattr(dns.asyncresolver, "Resolver", lambda configure: machine if configure else None)
        assert isinstance(await Resolver().mx("shop.example"), MxRecords)

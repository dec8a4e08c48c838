import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from relay.delivery.answers import NoData, Trouble
from relay.delivery.client import Timeouts
from relay.delivery.courier import NO_TIME, OUR_FAULT, Courier
from relay.delivery.handshake import Dialer
from relay.delivery.resolver import Resolver
from relay.delivery.wayfinder import Wayfinder
from relay.errors import LocalProtocolError
from relay.events import Fault
from relay.mail.envelope import Address, ReversePath
from relay.mail.hop import Way
from relay.mail.outcome import Deferred, Failed, Outcome
from tests.delivery.couriers import (
    ANN,
    BOB,
    CONTENT,
    EVE,
    FROM,
    Book,
    by_preference,
    delivered,
    desk,
    kinds,
    nobody,
    to,
    told,
)
from tests.delivery.dns_server import DnsServer
from tests.delivery.scripted import DROP, HANG, ScriptedHop, Step

DOMAIN = "desk.example"
NAMES = ("mx1.example", "mx2.example", "mx3.example")
PLACES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
BOOK_OF_THREE = {DOMAIN: by_preference(*NAMES)}
Script = dict[str, Step | list[Step]]


@asynccontextmanager
async def hosts(*scripts: Script | None) -> AsyncIterator[list[ScriptedHop]]:
    """Servers on addresses of their own and one port; None: nobody listens there."""
    async with AsyncExitStack() as stack:
        servers: list[ScriptedHop] = []
        for script, place in zip(scripts, PLACES, strict=False):
            server = ScriptedHop(script, address=place)
            server.port = servers[0].port if servers else 0
            await stack.enter_async_context(server)
            if script is None:
                await server.stop()
            servers.append(server)
        yield servers


def book() -> Book:
    return Book(dict(BOOK_OF_THREE), dict(zip(NAMES, PLACES, strict=True)))


async def attempt(
    *scripts: Script | None, dialer: Dialer | None = None, reverse_path: ReversePath = FROM
) -> tuple[list[tuple[str, int | None, str]], list[int]]:
    """Deliver to Ann and Bob; return the outcomes, and how many contents each server got."""
    async with hosts(*scripts) as servers, desk(dialer, book=book(), port=servers[0].port) as at:
        outcomes = await at.deliver(Way.MX, ANN, BOB, reverse_path=reverse_path)
        got = [sum(len(session.contents) for session in server.sessions) for server in servers]
        return [told(outcome) for outcome in outcomes], got


async def test_the_preferred_host_gets_it_and_the_others_hear_nothing() -> None:
    outcomes, got = await attempt({}, {}, {})
    assert outcomes == [("delivered", 250, "mx1.example")] * 2
    assert got == [1, 0, 0]


@pytest.mark.parametrize(
    "script",
    [
        None,
        {"GREETING": b"421 4.3.2 busy\r\nDROP"},
        {"GREETING": b"450 4.3.2 not now\r\n"},
        {"GREETING": b"554 5.7.1 no mail here\r\n"},
        {"GREETING": DROP},
        {"GREETING": HANG},
        {"GREETING": b"what?\r\n"},
        {"EHLO": b"421 4.3.2 busy\r\n"},
        {"MAIL": b"450 4.7.1 not now\r\n"},
        {"MAIL": b"421 4.3.2 leaving\r\nDROP"},
        {"MAIL": DROP},
        {"MAIL": HANG},
        {"RCPT": DROP},
        {"RCPT": b"421 4.3.2 leaving\r\nDROP"},
        {"DATA": HANG},
        {"DATA": b"421 4.3.2 leaving\r\nDROP"},
        {".": b"421 4.3.2 leaving\r\nDROP"},
    ],
)
async def test_the_next_host_is_tried_after_trouble_with_the_connection_or_mail(
    script: Script | None, hasty_dialer: Dialer
) -> None:
    outcomes, got = await attempt(script, {}, {}, dialer=hasty_dialer)
    assert outcomes == [("delivered", 250, "mx2.example")] * 2
    assert got[1:] == [1, 0]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ({"MAIL": b"550 5.7.1 never\r\n"}, ("failed", 550, "mx1.example")),
        ({"RCPT": b"450 4.2.1 greylisted\r\n"}, ("deferred", 450, "mx1.example")),
        ({"RCPT": b"550 5.1.1 who?\r\n"}, ("failed", 550, "mx1.example")),
        ({"DATA": b"451 4.3.0 not now\r\n"}, ("deferred", 451, "mx1.example")),
        ({"DATA": b"554 5.3.0 never\r\n"}, ("failed", 554, "mx1.example")),
        ({".": b"452 4.3.1 no room\r\n"}, ("deferred", 452, "mx1.example")),
        ({".": b"554 5.7.1 spam\r\n"}, ("failed", 554, "mx1.example")),
        ({".": HANG}, ("unknown", None, "mx1.example")),
        ({".": DROP}, ("unknown", None, "mx1.example")),
        ({".": b"what?\r\n"}, ("unknown", None, "mx1.example")),
    ],
)
async def test_what_a_host_says_of_the_forward_path_or_the_content_is_the_outcome(
    script: Script, expected: tuple[str, int | None, str], hasty_dialer: Dialer
) -> None:
    outcomes, got = await attempt(script, {}, {}, dialer=hasty_dialer)
    assert outcomes == [expected] * 2
    assert got[1:] == [0, 0]


async def test_only_those_that_are_still_open_go_to_the_next_host() -> None:
    first: Script = {"RCPT": [b"550 5.1.1 who?\r\n", b"421 4.3.2 leaving\r\nDROP"]}
    async with hosts(first, {}) as servers, desk(book=book(), port=servers[0].port) as at:
        outcomes = await at.deliver(Way.MX, ANN, BOB, EVE)
        assert [told(outcome) for outcome in outcomes] == [
            ("failed", 550, "mx1.example"),
            ("delivered", 250, "mx2.example"),
            ("delivered", 250, "mx2.example"),
        ]
        assert servers[1].session.said("RCPT") == ["RCPT TO:<bob@desk.example>", "RCPT TO:<eve@desk.example>"]


async def test_where_every_host_defers_the_last_word_is_the_outcome() -> None:
    outcomes, got = await attempt(None, {"MAIL": b"450 4.7.1 a\r\n"}, {"MAIL": b"450 4.7.2 b\r\n"})
    assert outcomes == [("deferred", 450, "mx3.example")] * 2
    assert got == [0, 0, 0]


async def test_a_host_that_failed_a_moment_ago_is_passed_over() -> None:
    async with hosts(None, {}) as servers, desk(book=book(), port=servers[0].port) as at:
        for _ in range(2):
            assert delivered(await at.deliver(Way.MX))
        at.book.hosts["mx2.example"] = NoData()
        at.book.hosts["mx3.example"] = NoData()
        (outcome,) = await at.deliver(Way.MX)
        assert re.search(
            "mx1.example failed a moment ago and is left alone for now: .*Connection refused", str(outcome)
        )
        (outcome,) = await at.deliver(Way.MX, skip_failed=False)
        assert "Connection refused" in str(outcome)


async def test_a_host_that_is_busy_with_us_is_waited_for_and_not_gone_around() -> None:
    async with hosts({}, {}) as servers, desk(book=book(), port=servers[0].port, connections=1) as at:
        at.book.records[DOMAIN] = by_preference("mx1.example")
        await at.deliver(Way.MX)
        (hop,) = at.pool._hops
        held = await at.pool.acquire(hop, 1)
        at.book.records[DOMAIN] = by_preference("mx1.example", "mx2.example")
        (outcome,) = await at.deliver(Way.MX, patience=0.1)
        assert "busy" in str(outcome)
        assert not servers[1].sessions
        at.pool.release(held)


async def test_each_domain_goes_its_own_way_and_outcomes_keep_their_order() -> None:
    paths = to(
        "a@one.example", "b@two.example", "c@one.example", "d@null.example", "e@[127.0.0.2]", "f@gone.example"
    )
    async with hosts({}, {"RCPT": b"550 5.1.1 who?\r\n"}) as servers, desk(port=servers[0].port) as at:
        at.book.records = {"one.example": by_preference("mx1.example"), "null.example": by_preference("")}
        at.book.hosts = {"mx1.example": "127.0.0.1", "two.example": "127.0.0.2"}
        outcomes = await at.deliver(Way.MX, *paths)
        assert [told(outcome) for outcome in outcomes] == [
            ("delivered", 250, "mx1.example"),
            ("failed", 550, "two.example"),
            ("delivered", 250, "mx1.example"),
            ("failed", 556, ""),
            ("failed", 550, "127.0.0.2"),
            ("failed", 550, ""),
        ]
        assert servers[0].session.said("RCPT") == ["RCPT TO:<a@one.example>", "RCPT TO:<c@one.example>"]


async def test_many_domains_are_served_a_few_at_a_time() -> None:
    paths = to(*(f"ann@d{n}.example" for n in range(40)))
    async with ScriptedHop() as server, desk(port=server.port, connections=0) as at:
        at.book.hosts = {f"d{n}.example": "127.0.0.1" for n in range(40)}
        assert delivered(await at.deliver(Way.MX, *paths))
        assert sum(len(session.contents) for session in server.sessions) == 40
        assert len(server.sessions) == 40  # a connection is kept for the name that it was made for


async def test_trouble_with_dns_defers() -> None:
    async with desk(book=Book({DOMAIN: Trouble("no answer in time")})) as at:
        (outcome,) = await at.deliver(Way.MX)
        assert told(outcome) == ("deferred", 451, "")
        assert isinstance(outcome, Deferred)
        assert outcome.reply.enhanced == "4.4.3"


async def test_slow_dns_takes_from_the_same_patience() -> None:
    async with desk(book=book()) as at:
        at.book.slow = 5
        assert await at.deliver(Way.MX, patience=0.05) == (NO_TIME,)


async def test_patience_is_for_all_hosts_together() -> None:
    async with hosts({"MAIL": HANG}, {}) as servers, desk(book=book(), port=servers[0].port) as at:
        async with asyncio.timeout(2):
            assert kinds(await at.deliver(Way.MX, patience=0.2)) == ["deferred"]
        assert not servers[1].sessions


async def test_mail_for_hosts_that_are_ourselves_does_not_come_back() -> None:
    def second(address: Address) -> bool:
        return str(address) == "127.0.0.2"

    async with hosts(None, {}, {}) as servers:
        async with desk(book=book(), port=servers[0].port, is_ours=second) as at:
            assert kinds(await at.deliver(Way.MX)) == ["deferred"]
        async with desk(book=book(), port=servers[0].port, names=["MX1.Example."]) as at:
            (outcome,) = await at.deliver(Way.MX)
            assert isinstance(outcome, Failed)
            assert (outcome.reply.code, outcome.reply.enhanced) == (554, "5.4.6")
        assert not servers[1].sessions
        assert not servers[2].sessions


async def test_by_default_what_stays_on_this_machine_is_ourselves() -> None:
    async with hosts({}) as servers, desk(book=book(), port=servers[0].port) as at:
        at.courier._wayfinder = Wayfinder(at.book, port=servers[0].port)
        assert [told(outcome)[1] for outcome in await at.deliver(Way.MX)] == [554]


@pytest.mark.parametrize(
    ("name", "offered", "expected"),
    [
        ("localhost", True, ("delivered", 250, "localhost")),
        ("mx1.example", True, ("deferred", 451, "")),
        ("localhost", False, ("deferred", 451, "")),
    ],
)
async def test_with_required_tls_the_certificate_must_be_for_the_mx_host(
    name: str, offered: bool, expected: tuple[str, int, str], server_tls: ssl.SSLContext, certificate: Path
) -> None:
    dialer = Dialer("relay.example", Timeouts(5, 5, 5), ca=certificate)
    async with (
        ScriptedHop(tls=server_tls if offered else None) as server,
        desk(dialer, port=server.port) as at,
    ):
        at.book.records, at.book.hosts = {DOMAIN: by_preference(name)}, {name: "127.0.0.1"}
        (outcome,) = await at.deliver(Way.MX_STARTTLS)
        assert told(outcome) == expected
        assert bool(server.session.contents) is (expected[0] == "delivered")
        assert bool(server.session.said("MAIL")) is (expected[0] == "delivered")


async def test_without_required_tls_no_certificate_is_asked_for(server_tls: ssl.SSLContext) -> None:
    async with ScriptedHop(tls=server_tls) as server, desk(port=server.port) as at:
        at.book.hosts = {DOMAIN: "127.0.0.1"}
        assert delivered(await at.deliver(Way.MX))
        assert server.session.said("STARTTLS")


async def test_a_fault_of_ours_in_one_part_takes_nothing_from_the_others() -> None:
    calls = 0

    def chunks() -> Iterator[bytes]:
        nonlocal calls
        calls += 1
        yield CONTENT
        if calls == 2:
            raise OSError("the disk is gone")

    async with ScriptedHop() as server, desk(port=server.port, connections=1) as at:
        at.book.hosts = {f"{n}.example": "127.0.0.1" for n in range(3)}
        outcomes = await at.deliver(Way.MX, *to("a@0.example", "b@1.example", "c@2.example"), chunks=chunks)
        assert sorted(kinds(outcomes)) == ["deferred", "delivered", "delivered"]
        assert OUR_FAULT in outcomes
        (fault,) = at.observed
        assert isinstance(fault, Fault)
        assert "disk" in str(fault.error)


async def test_a_fault_of_ours_does_no_harm_where_nobody_listens_for_it() -> None:
    pieces = iter([[b"bare\nline"], [CONTENT]])
    async with ScriptedHop() as server, desk(port=server.port) as at:
        at.book.hosts = {f"{n}.example": "127.0.0.1" for n in range(2)}
        courier = Courier(at.pool, at.courier._wayfinder)
        outcomes = await courier.deliver(Way.MX, FROM, to("a@0.example", "b@1.example"), pieces.__next__)
        assert sorted(kinds(outcomes)) == ["deferred", "delivered"]


async def test_a_fault_of_ours_in_every_part_is_raised() -> None:
    async with ScriptedHop() as server, desk(port=server.port) as at:
        at.book.hosts = {f"{n}.example": "127.0.0.1" for n in range(3)}
        with pytest.raises(LocalProtocolError):
            await at.deliver(Way.MX, *to("a@0.example", "b@1.example"), chunks=lambda: [b"bare\nline"])


async def test_a_delivery_that_is_cancelled_stops_in_every_domain() -> None:
    async with ScriptedHop({"RCPT": HANG}) as server, desk(port=server.port) as at:
        at.book.hosts = {f"{n}.example": "127.0.0.1" for n in range(3)}
        delivery = asyncio.create_task(at.deliver(Way.MX, *to("a@0.example", "b@1.example")))
        await asyncio.sleep(0.1)
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
        await asyncio.sleep(0.05)
        assert all(session.ended for session in server.sessions)


async def test_from_a_name_to_a_mailbox_by_a_real_dns_server() -> None:
    zone = {
        ("desk.example", "CNAME"): ["mail.example."],
        ("mail.example", "MX"): ["10 mx1.mail.example.", "20 mx2.mail.example."],
        ("mx1.mail.example", "A"): ["127.0.0.1"],
        ("mx2.mail.example", "A"): ["127.0.0.2"],
        ("plain.example", "A"): ["127.0.0.2"],
        ("null.example", "MX"): ["0 ."],
    }
    paths = to("ann@desk.example", "bob@plain.example", "eve@null.example", "x@none.example")
    async with DnsServer(zone) as dns, hosts(None, {}) as servers, desk() as at:
        resolver = Resolver(["127.0.0.1"], port=dns.port)
        at.courier._wayfinder = Wayfinder(resolver, is_ours=nobody, port=servers[0].port)
        outcomes: tuple[Outcome, ...] = await at.deliver(Way.MX, *paths)
        await resolver.close()
        assert [told(outcome) for outcome in outcomes] == [
            ("delivered", 250, "mx2.mail.example"),
            ("delivered", 250, "plain.example"),
            ("failed", 556, ""),
            ("failed", 550, ""),
        ]

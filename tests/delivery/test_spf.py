"""Whether a record permits an address: RFC 7208 section 4, on a real resolver."""

from ipaddress import ip_address

import dns.rcode
import pytest

from relay.delivery.resolver import Resolver
from relay.delivery.spf import MOST_LOOKUPS, Opinion, check_host
from relay.mail.spf import Result
from tests.delivery.dns_server import DnsServer, Said

Zone = dict[tuple[str, str], Said]
US = "192.0.2.7"
OTHERS: Zone = {
    ("pass.example", "TXT"): ['"v=spf1 ip4:192.0.2.7 -all"'],
    ("fail.example", "TXT"): ['"v=spf1 -all"'],
    ("softfail.example", "TXT"): ['"v=spf1 ~all"'],
    ("broken.example", "TXT"): ['"v=spf1 whatever"'],
    ("silent.example", "TXT"): dns.rcode.SERVFAIL,
    ("host.example", "A"): [US, "198.51.100.1"],
    ("host.example", "AAAA"): ["2001:db8::7"],
    ("near.example", "A"): ["192.0.2.200"],
    ("hosts.example", "MX"): ["10 near.example.", "20 host.example."],
    ("trouble.example", "A"): dns.rcode.SERVFAIL,
    ("7.2.0.192.x.example", "A"): ["127.0.0.2"],
    ("7.2.0.192.in-addr.arpa", "PTR"): ["liar.example.", "host.example."],
    ("liar.example", "A"): ["198.51.100.9"],
    ("host.example.p.example", "A"): ["127.0.0.2"],
    ("many.example", "MX"): [f"{n} mx{n}.example." for n in range(11)],
}


async def opinion(records: Said, address: str = US) -> Opinion:
    zone: Zone = {**OTHERS, ("relay.example", "TXT"): records}
    async with DnsServer(zone) as server:
        resolver = Resolver(["127.0.0.1"], port=server.port)
        return await check_host(
            ip_address(address), "relay.example", "srs0@relay.example", "relay.example", resolver
        )


def spf(*terms: str) -> list[str]:
    return [f'"{" ".join(["v=spf1", *terms])}"']


@pytest.mark.parametrize(
    ("terms", "result"),
    [
        ("ip4:192.0.2.7 -all", "pass"),
        ("ip4:192.0.2.0/24 -all", "pass"),
        ("-ip4:192.0.2.7 +all", "fail"),
        ("ip6:2001:db8::7 ~all", "softfail"),
        ("ip4:198.51.100.7", "neutral"),
        ("?all", "neutral"),
        ("a:host.example -all", "pass"),
        ("a:near.example -all", "fail"),
        ("a:near.example/24 -all", "pass"),
        ("a -all", "fail"),
        ("mx:hosts.example -all", "pass"),
        ("mx:host.example -all", "fail"),
        ("mx:many.example -all", "permerror"),
        ("include:pass.example -all", "pass"),
        ("~include:pass.example -all", "softfail"),
        ("include:fail.example include:softfail.example ?all", "neutral"),
        ("include:none.example -all", "permerror"),
        ("include:broken.example -all", "permerror"),
        ("include:silent.example -all", "temperror"),
        ("ip4:192.0.2.7 include:silent.example", "pass"),
        ("a:trouble.example -all", "temperror"),
        ("redirect=pass.example", "pass"),
        ("-all redirect=pass.example", "fail"),
        ("redirect=none.example", "permerror"),
        ("exists:%{ir}.x.example -all", "pass"),
        ("exists:%{i}.x.example -all", "fail"),
        ("ptr:host.example -all", "pass"),
        ("ptr:LIAR.example -all", "fail"),
        ("exists:%{p}.p.example -all", "pass"),
        ("whatever -all", "permerror"),
        ("a:no1.example a:no2.example ip4:192.0.2.7", "pass"),
        ("a:no1.example a:no2.example a:no3.example ip4:192.0.2.7", "permerror"),
    ],
)
async def test_the_terms_are_tried_in_order_and_the_first_that_matches_decides(
    terms: str, result: str
) -> None:
    assert (await opinion(spf(terms))).result == result


@pytest.mark.parametrize(
    ("terms", "result"), [("a:host.example -all", "pass"), ("a:near.example/0//0", "neutral"), ("mx:hosts.example -all", "pass")]
)  # fmt: skip
async def test_only_addresses_of_the_same_family_count(terms: str, result: str) -> None:
    assert (await opinion(spf(terms), "2001:db8::7")).result == result


async def test_ten_terms_may_ask_dns_and_the_eleventh_is_too_much() -> None:
    asking = ["a:near.example"] * MOST_LOOKUPS
    assert (await opinion(spf(*asking, "-all"))).result is Result.FAIL
    assert (await opinion(spf(*asking, "ip4:192.0.2.7", "a:host.example"))).result is Result.PASS
    found = await opinion(spf(*asking, "a:host.example", "-all"))
    assert found.result is Result.PERMERROR
    assert "a:host.example" in found.because


async def test_a_record_that_includes_itself_comes_to_an_end() -> None:
    assert (await opinion(spf("include:relay.example"))).result is Result.PERMERROR
    assert (await opinion(spf("redirect=relay.example"))).result is Result.PERMERROR


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], Opinion(Result.NONE, "relay.example has no SPF record")),
        (['"google-site-verification=x"'], Opinion(Result.NONE, "relay.example has no SPF record")),
        (
            ['"v=spf1 -all"', '"v=spf1 mx -all"', '"x"'],
            Opinion(Result.PERMERROR, "relay.example has 2 SPF records, where one is allowed"),
        ),
        (
            dns.rcode.SERVFAIL,
            Opinion(
                Result.TEMPERROR,
                "DNS does not say what relay.example permits: its name servers have no answer",
            ),
        ),
        (
            ['"v=spf1 ip4:192.0" ".2.7 -all"'],
            Opinion(
                Result.PASS,
                "ip4:192.0.2.7 in the SPF record of relay.example says so",
                "v=spf1 ip4:192.0.2.7 -all",
            ),
        ),
        (
            ['"v=spf1 b\\228r -all"'],
            Opinion(
                Result.PERMERROR,
                "in the SPF record of relay.example 'b\\\\xe4r' is no term of an SPF record",
                "v=spf1 b\\xe4r -all",
            ),
        ),
    ],
)
async def test_the_one_record_is_found_and_what_it_says_is_told(records: Said, expected: Opinion) -> None:
    assert await opinion(records) == expected

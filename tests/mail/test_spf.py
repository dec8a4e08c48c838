"""SPF records are read by the grammar of RFC 7208, and macros mean what it says."""

from ipaddress import ip_address, ip_network

import pytest

from relay.mail.spf import (
    Meaning,
    Mechanism,
    Record,
    Result,
    expand,
    is_spf,
    read_record,
    uses_validated_name,
)

MEANING = Meaning(ip_address("192.0.2.3"), "strong-bad@email.example.com", "relay.example")
SIX = Meaning(ip_address("2001:db8::cb01"), "strong-bad@email.example.com", "relay.example")


@pytest.mark.parametrize(
    ("text", "spf"),
    [
        ("v=spf1", True),
        ("v=spf1 -all", True),
        ("V=SPF1 -all", True),
        ("v=spf10 -all", False),
        ("v=spf1-all", False),
        (" v=spf1 -all", False),
        ("spf2.0/pra -all", False),
        ("", False),
    ],
)
def test_a_record_is_known_by_its_version(text: str, spf: bool) -> None:
    assert is_spf(text) == spf


@pytest.mark.parametrize(
    ("term", "mechanism"),
    [
        ("all", Mechanism("all", Result.PASS, "all")),
        ("-ALL", Mechanism("-ALL", Result.FAIL, "all")),
        ("~all", Mechanism("~all", Result.SOFTFAIL, "all")),
        ("?all", Mechanism("?all", Result.NEUTRAL, "all")),
        ("+include:a.example", Mechanism("+include:a.example", Result.PASS, "include", "a.example")),
        ("a", Mechanism("a", Result.PASS, "a")),
        ("a:b.example", Mechanism("a:b.example", Result.PASS, "a", "b.example")),
        ("a/24", Mechanism("a/24", Result.PASS, "a", four=24)),
        ("a//64", Mechanism("a//64", Result.PASS, "a", six=64)),
        ("mx:b.example/0//0", Mechanism("mx:b.example/0//0", Result.PASS, "mx", "b.example", four=0, six=0)),
        ("mx:a/b.example/24", Mechanism("mx:a/b.example/24", Result.PASS, "mx", "a/b.example", four=24)),
        ("ptr", Mechanism("ptr", Result.PASS, "ptr")),
        ("ptr:b.example.", Mechanism("ptr:b.example.", Result.PASS, "ptr", "b.example.")),
        ("exists:%{ir}.b.example", Mechanism("exists:%{ir}.b.example", Result.PASS, "exists", "%{ir}.b.example")),
        ("exists:%{i}", Mechanism("exists:%{i}", Result.PASS, "exists", "%{i}")),
        ("ip4:192.0.2.7", Mechanism("ip4:192.0.2.7", Result.PASS, "ip4", network=ip_network("192.0.2.7"))),
        ("ip4:192.0.2.7/24", Mechanism("ip4:192.0.2.7/24", Result.PASS, "ip4", network=ip_network("192.0.2.0/24"))),
        ("ip6:2001:db8::1/64", Mechanism("ip6:2001:db8::1/64", Result.PASS, "ip6", network=ip_network("2001:db8::/64"))),
    ],
)  # fmt: skip
def test_every_mechanism_is_read(term: str, mechanism: Mechanism) -> None:
    assert read_record(f"v=spf1 {term}") == Record((mechanism,))


def test_modifiers_stand_anywhere_and_unknown_ones_are_left_alone() -> None:
    record = read_record("v=spf1  redirect=r.example x-y.z=%{d}%% exp=e.example mx ")
    assert record.redirect == "r.example"
    assert [each.name for each in record.mechanisms] == ["mx"]


@pytest.mark.parametrize(
    "term",
    [
        "alle", "all:x.example", "all/8", "-", "include", "include:", "include/24", "exists", "+redirect=r.example",
        "a:", "a:/24", "a:b", "a:b.123", "a:b.example-", "a/33", "a/08", "a//129", "a/", "a:%{x}.example", "a:%{d0}.example",
        "a:b.example/24/24", "a:b%.example", "mx:ä.example", "ptr/24", "ptr:",
        "ip4", "ip4:", "ip4:192.0.2", "ip4:192.0.2.7/33", "ip4:192.0.2.7/08", "ip4:192.0.2.7/", "ip4:2001:db8::1", "ip4:192.0.2.07",
        "ip6:192.0.2.7", "ip6:2001:db8::1/129", "ip6:fe80::1%eth0", "redirect=", "redirect=a", "=x", "1x=y", "x=%", "x=%{", "what",
        "redirect=a.example redirect=b.example", "exp=a.example EXP=b.example", "mx\tall",
    ],
)  # fmt: skip
def test_a_term_that_breaks_the_grammar_is_named(term: str) -> None:
    with pytest.raises(ValueError, match="is no term of an SPF record"):
        read_record(f"v=spf1 {term} -all")


@pytest.mark.parametrize(
    ("macro", "meaning", "text"),
    [
        ("%{s}", MEANING, "strong-bad@email.example.com"),
        ("%{o}", MEANING, "email.example.com"),
        ("%{d}", MEANING, "record.example.org"),
        ("%{d2}", MEANING, "example.org"),
        ("%{d1}", MEANING, "org"),
        ("%{d9}", MEANING, "record.example.org"),
        ("%{dr}", MEANING, "org.example.record"),
        ("%{d2r}", MEANING, "example.record"),
        ("%{l-}", MEANING, "strong.bad"),
        ("%{lr-}", MEANING, "bad.strong"),
        ("%{l1r-}", MEANING, "strong"),
        ("%{ir}.%{v}.x", MEANING, "3.2.0.192.in-addr.x"),
        ("%{h}", MEANING, "relay.example"),
        ("%{p}", MEANING, "unknown"),
        ("%{S}", MEANING, "strong-bad%40email.example.com"),
        ("a%%b%_c%-d", MEANING, "a%b c%20d"),
        ("x.example.", MEANING, "x.example"),
        ("%{v}", SIX, "ip6"),
        ("%{i}", SIX, "2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.b.0.1"),
    ],
)
def test_macros_mean_what_the_rfc_says(macro: str, meaning: Meaning, text: str) -> None:
    assert expand(macro, "record.example.org", meaning) == text


def test_a_name_that_would_be_too_long_loses_labels_in_front() -> None:
    name = expand("first.%{d}", ".".join(["a" * 49] * 5 + ["bc"]), MEANING)
    assert len(name) <= 253
    assert name.startswith("a" * 49)


def test_a_record_that_needs_the_validated_name_is_known() -> None:
    assert uses_validated_name(read_record("v=spf1 exists:%{p}.x.example"))
    assert uses_validated_name(read_record("v=spf1 redirect=%{P1}.x.example"))
    assert not uses_validated_name(read_record("v=spf1 ptr exists:%{i}.p.example p=%{p}"))

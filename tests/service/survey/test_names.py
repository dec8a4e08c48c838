"""What ``check --dns`` says of our own names: hostname, reverse name, arrival, SRS and SPF, with what to publish."""

from ipaddress import ip_address

import pytest

from relay.service.survey.forwarding import proposed, spf_points
from relay.service.survey.outgoing import Outgoing, reverse_name
from relay.service.survey.point import About, Answer, Point, text_record
from tests.hosted import POSTMASTER
from tests.service.survey.surveys import HOSTED, NAME, ZONE, Zone, dns, surveyed

US = ip_address("192.0.2.7")
SIX = ip_address("2001:db8::7")
KNOWN = Outgoing((US,))
ASSUMED = Outgoing((US,), "only assumed")
UNKNOWN = Outgoing((), "not known")


# our own name


async def test_our_name_has_an_address_or_is_told_to_get_one() -> None:
    assert (await surveyed()).one(About.HOSTNAME) == Point(About.HOSTNAME, NAME, Answer.YES, "192.0.2.7")
    point = (await surveyed(changes={(NAME, "A"): []})).one(About.HOSTNAME)
    assert point.answer is Answer.WARNING
    assert point.publish == (f"{NAME}. A <the address of this server>",)


async def test_a_name_that_is_no_full_one_is_told_so() -> None:
    point = (await surveyed(HOSTED.replace(f"hostname: {NAME}", "hostname: relay"))).one(About.HOSTNAME)
    assert point.answer is Answer.WARNING
    assert "write hostname: relay.company.com" in point.because


@pytest.mark.parametrize(
    ("names", "answer", "words"),
    [
        ([f"{NAME}."], Answer.YES, f"it is called {NAME}"),
        (["a.isp.example.", f"{NAME}."], Answer.YES, f"it is called {NAME}"),
        (["a.isp.example."], Answer.WARNING, f"it is called a.isp.example, not {NAME}"),
        ([], Answer.WARNING, f"it has no name, not {NAME}"),
    ],
)
async def test_the_address_has_our_name_or_the_record_for_it_is_printed(
    names: list[str], answer: Answer, words: str
) -> None:
    async with dns({("7.2.0.192.in-addr.arpa", "PTR"): names}) as resolver:
        (point,) = await reverse_name(US, NAME, resolver)
    assert point.answer is answer
    assert point.because.startswith(words)
    assert point.publish == (() if answer is Answer.YES else (f"7.2.0.192.in-addr.arpa. PTR {NAME}.",))


# where mail arrives


@pytest.mark.parametrize(
    ("said", "answer", "words"),
    [
        ([f"10 {NAME}."], Answer.YES, f"{NAME} is this server"),
        (["10 mail.company.com.", f"20 {NAME}."], Answer.YES, f"{NAME} is this server"),
        (["10 alias.company.com."], Answer.YES, "alias.company.com is this server"),
        (
            ["10 mail.company.com."],
            Answer.HINT,
            "mail.company.com takes it: right if that server hands it on",
        ),
        (["0 ."], Answer.WARNING, "no server takes mail for it"),
        ([], Answer.WARNING, "no server takes mail for it"),
    ],
)
async def test_mail_for_a_channels_domain_arrives_here_or_where_it_does_is_said(
    said: list[str], answer: Answer, words: str
) -> None:
    changes: Zone = {("company.com", "MX"): said, ("alias.company.com", "A"): ["192.0.2.7"]}
    point = (await surveyed(changes=changes)).one(About.ARRIVAL, "company.com")
    assert point.answer is answer
    assert point.because.startswith(words)
    assert point.publish == (() if answer is Answer.YES else (f"company.com. MX 10 {NAME}.",))


async def test_a_domain_without_mx_takes_mail_at_its_own_address() -> None:
    changes: Zone = {("company.com", "MX"): [], ("company.com", "A"): ["192.0.2.7"]}
    assert (await surveyed(changes=changes)).one(About.ARRIVAL, "company.com").answer is Answer.YES


# SRS


async def test_forwarding_to_others_without_srs_is_a_warning_that_says_what_to_set() -> None:
    text = HOSTED.replace('srs_secret: "a long and random one", ', "")
    found = await surveyed(text)
    point = found.one(About.SRS)
    assert point.answer is Answer.WARNING
    assert "forwarded to desk.example with its own reverse-path" in point.because
    assert "set deliver.srs_secret" in point.because
    unrewritten = await surveyed(text, changes={(NAME, "TXT"): []})
    assert unrewritten.one(About.SPF, NAME).answer is Answer.HINT
    assert not (await surveyed(text + "inside: [desk.example]\n")).about(About.SRS)


async def test_what_bounces_must_come_back() -> None:
    assert [(point.answer, point.of) for point in (await surveyed()).about(About.SRS)] == [(Answer.YES, NAME)]
    point = (await surveyed(changes={(NAME, "A"): []})).one(About.SRS)
    assert point.answer is Answer.NO
    assert point.publish == (f"{NAME}. MX 10 {NAME}.",)
    elsewhere: Zone = {(NAME, "MX"): ["10 mail.company.com."]}
    assert (await surveyed(changes=elsewhere)).one(About.SRS).answer is Answer.HINT


async def test_what_comes_back_and_is_only_held_is_a_warning() -> None:
    text = HOSTED.replace("reports: mx", "reports: hold").replace(POSTMASTER, "")
    held = [point for point in (await surveyed(text)).about(About.SRS) if point.answer is Answer.WARNING]
    assert len(held) == 1
    assert "write deliver.reports: mx" in held[0].because


# SPF


async def spf(record: str, leaving: Outgoing, *, rewritten: bool = True) -> Point:
    zone: Zone = {**ZONE, (NAME, "TXT"): [f'"{record}"'] if record else []}
    async with dns(zone) as resolver:
        (point,) = await spf_points(NAME, leaving, resolver, rewritten=rewritten)
    return point


@pytest.mark.parametrize(
    ("record", "leaving", "answer", "published"),
    [
        ("v=spf1 ip4:192.0.2.7 -all", KNOWN, Answer.YES, ""),
        ("v=spf1 a -all", KNOWN, Answer.YES, ""),
        ("", KNOWN, Answer.NO, "v=spf1 ip4:192.0.2.7 -all"),
        ("v=spf1 mx:desk.example ~all", KNOWN, Answer.NO, "v=spf1 ip4:192.0.2.7 mx:desk.example ~all"),
        ("v=spf1 redirect=company.com", Outgoing((ip_address("192.0.2.8"),)), Answer.NO, "v=spf1 ip4:192.0.2.8 redirect=company.com"),
        ("v=spf1 oops -all", KNOWN, Answer.NO, "v=spf1 ip4:192.0.2.7 -all"),
        ("v=spf1 ip4:192.0.2.7 -all", ASSUMED, Answer.YES, ""),
        ("v=spf1 -all", ASSUMED, Answer.WARNING, "v=spf1 ip4:192.0.2.7 -all"),
        ("", ASSUMED, Answer.NO, "v=spf1 ip4:192.0.2.7 -all"),
        ("v=spf1 a -all", UNKNOWN, Answer.WARNING, "v=spf1 ip4:<the address we send from> a -all"),
        ("", UNKNOWN, Answer.NO, "v=spf1 ip4:<the address we send from> -all"),
    ],
)  # fmt: skip
async def test_the_domain_of_rewritten_reverse_paths_permits_us_or_the_record_for_it_is_printed(
    record: str, leaving: Outgoing, answer: Answer, published: str
) -> None:
    point = await spf(record, leaving)
    assert point.answer is answer
    assert point.publish == ((f'{NAME}. TXT "{published}"',) if published else ())
    assert leaving.doubt in point.because


async def test_what_is_published_is_right_afterwards() -> None:
    for record in ("", "v=spf1 -all", "v=spf1 include:none.example -all"):
        point = await spf(record, KNOWN)
        assert point.answer is Answer.NO
        assert (await spf(point.publish[0].split('"')[1], KNOWN)).answer is Answer.YES


async def test_each_address_is_asked_for_and_the_record_names_them_all() -> None:
    async with dns({(NAME, "TXT"): ['"v=spf1 ip4:192.0.2.7 -all"']}) as resolver:
        four, six = await spf_points(NAME, Outgoing((US, SIX)), resolver, rewritten=True)
    assert (four.answer, six.answer) == (Answer.YES, Answer.NO)
    assert six.publish == (f'{NAME}. TXT "v=spf1 ip4:192.0.2.7 ip6:2001:db8::7 -all"',)


@pytest.mark.parametrize(
    ("record", "answer"),
    [
        ("v=spf1 ip4:192.0.2.7 -all", Answer.YES),
        ("v=spf1 -all", Answer.WARNING),
        ("v=spf1 oops", Answer.WARNING),
        ("", Answer.HINT),
    ],
)
async def test_a_domain_whose_reverse_paths_stay_is_never_a_no(record: str, answer: Answer) -> None:
    assert (await spf(record, KNOWN, rewritten=False)).answer is answer


async def test_no_record_is_printed_in_place_of_a_broken_one_that_others_send_by() -> None:
    broken = await spf("v=spf1 include:_spf.crm.example oops -all", KNOWN, rewritten=False)
    assert broken.publish == ()
    assert "mend the record" in broken.because
    narrow = await spf("v=spf1 mx:mail.company.com -all", KNOWN, rewritten=False)
    assert narrow.publish == (f'{NAME}. TXT "v=spf1 ip4:192.0.2.7 mx:mail.company.com -all"',)


async def test_our_own_domains_are_asked_for_where_mail_is_forwarded_to_others() -> None:
    assert [point.of for point in (await surveyed()).about(About.SPF)] == [NAME, "company.com"]
    assert [point.of for point in (await surveyed(HOSTED + "inside: [desk.example]\n")).about(About.SPF)] == [
        NAME
    ]


def test_a_record_keeps_what_it_has_and_addresses_once() -> None:
    assert proposed("v=spf1  include:x.example  ?all", [US]) == "v=spf1 ip4:192.0.2.7 include:x.example ?all"
    assert proposed("V=SPF1 ip4:192.0.2.7 -all", [US, SIX]) == "v=spf1 ip4:192.0.2.7 ip6:2001:db8::7 -all"
    assert proposed("v=spf1", [US]) == "v=spf1 ip4:192.0.2.7 -all"


def test_a_long_record_is_cut_into_strings() -> None:
    assert text_record("a.example", "x" * 300) == f'a.example. TXT "{"x" * 255}" "{"x" * 45}"'


def test_a_record_is_quoted_as_a_zone_wants_it() -> None:
    assert text_record("a.example", r'v=spf1 x=a"b\c') == r'''a.example. TXT "v=spf1 x=a\"b\\c"'''

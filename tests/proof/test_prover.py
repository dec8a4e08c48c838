"""Which signatures prove something: messages signed by dkimpy, keys from a real DNS server on loopback."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import dkim
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.delivery.resolver import Resolver
from relay.intake.limits import Memory
from relay.intake.stored import Keeper, StoredContent
from relay.mail.content import HeldContent
from relay.mail.proof import DKIM, Proof, ProofFault, Proved, Unproved
from relay.proof import Prover
from relay.service.proving import prover
from tests.delivery.dns_server import HANG, RUBBISH, DnsServer, Said
from tests.proof.signing import (
    DOMAIN,
    KEY_NAME,
    MESSAGE,
    NOW,
    SELECTOR,
    ed25519_record,
    in_strings,
    record,
    signature_of,
    signed,
    with_tags,
)

DOMAINS = frozenset({DOMAIN, "other.example"})
PROVED = Proved(frozenset({DOMAIN}), (Proof(DKIM, DOMAIN),))
KEYS: dict[tuple[str, str], Said] = {
    (KEY_NAME, "TXT"): in_strings(record()),
    (f"ed._domainkey.{DOMAIN}", "TXT"): in_strings(ed25519_record()),
    (f"weak._domainkey.{DOMAIN}", "TXT"): in_strings(record(1024)),
}


def now():
    return NOW


def unproved(*faults: ProofFault) -> Proved:
    return Proved(frozenset({DOMAIN}), unproved=tuple(Unproved(DOMAIN, fault) for fault in faults))


@asynccontextmanager
async def asking(zone: dict[tuple[str, str], Said] | None = None) -> AsyncIterator[tuple[Prover, DnsServer]]:
    async with DnsServer(KEYS if zone is None else zone) as server:
        resolver = Resolver(["127.0.0.1"], port=server.port)
        try:
            yield prover(resolver, now), server
        finally:
            await resolver.close()


async def proved(
    message: bytes, zone: dict[tuple[str, str], Said] | None = None, domains: frozenset[str] = DOMAINS
) -> tuple[Proved, int]:
    """What is proved, and how many questions DNS was asked."""
    async with asking(zone) as (prove, server):
        return await prove(HeldContent(message), domains), server.asked.total()


@pytest.mark.parametrize("form", [("simple", "simple"), ("relaxed", "simple"), ("relaxed", "relaxed")])
@pytest.mark.parametrize(("algorithm", "selector"), [("rsa-sha256", "s1"), ("ed25519-sha256", "ed")])
async def test_what_dkimpy_signs_is_proved_by_one_question(
    form: tuple[str, str], algorithm: str, selector: str
) -> None:
    message = signed(form=form, algorithm=algorithm, selector=selector)
    assert await proved(message) == (PROVED, 1)


async def test_a_stored_message_may_end_its_lines_in_lf_and_have_an_mbox_line() -> None:
    stored = b"From app@desk Sun Mar  1 12:00:00 2026\n" + signed().replace(b"\r\n", b"\n")
    assert await proved(stored) == (PROVED, 1)
    assert await proved(signed(form=("simple", "simple")).replace(b"\r\n", b"\n")) == (PROVED, 1)


async def test_from_may_be_signed_more_often_than_it_is_there() -> None:
    assert await proved(signed(names=["from", "to", "from", "from"])) == (PROVED, 1)


async def test_of_fields_of_one_name_the_lowest_is_covered_first() -> None:
    notes = b"X-Note: upper\r\nX-Note: lower\r\n"
    message = signed(notes + MESSAGE, names=["from", "x-note"])
    assert await proved(message) == (PROVED, 1)
    assert await proved(message.replace(b"upper", b"other")) == (PROVED, 1)
    assert (await proved(message.replace(b"lower", b"other")))[0] == unproved(ProofFault.HEADER_CHANGED)


async def test_a_key_for_the_domain_alone_does_not_speak_for_what_is_below_it() -> None:
    alone: dict[tuple[str, str], Said] = {(KEY_NAME, "TXT"): in_strings(record().replace("; k", "; t=s; k"))}
    below = signed(identity=f"agent@deep.{DOMAIN}")
    assert await proved(below) == (PROVED, 1)
    assert (await proved(below, alone))[0] == unproved(ProofFault.BAD_KEY)
    assert await proved(signed(), alone) == (PROVED, 1)


async def test_what_stands_on_top_and_is_not_covered_does_not_matter() -> None:
    on_top = b"Received: from a by b; now\r\nX-Ticket-Status: open\r\n"
    assert await proved(on_top + signed()) == (PROVED, 1)


async def test_a_signature_without_anybodys_d_costs_nothing() -> None:
    assert await proved(MESSAGE) == (Proved(frozenset()), 0)
    assert await proved(signed(domain="desk.example")) == (Proved(frozenset({"desk.example"})), 0)
    deep = signed(domain=f"deep.{DOMAIN}")
    assert await proved(deep) == (Proved(frozenset({f"deep.{DOMAIN}"})), 0)
    assert await proved(signed(), domains=frozenset()) == (Proved(frozenset({DOMAIN})), 0)
    assert await proved(b"DKIM-Signature: rubbish\r\n" + MESSAGE) == (Proved(frozenset()), 0)


async def test_the_domain_may_be_written_in_any_case_and_as_u_label() -> None:
    key = {("s1._domainkey.xn--mil-qla.example", "TXT"): in_strings(record())}
    message = with_tags(MESSAGE, d="M\u00e4il.example")
    found, _ = await proved(message, key, frozenset({"xn--mil-qla.example"}))
    assert found.proofs == (Proof(DKIM, "xn--mil-qla.example"),)
    assert (await proved(with_tags(MESSAGE, d=DOMAIN.upper())))[0] == PROVED


@pytest.mark.parametrize(
    ("tags", "fault"),
    [
        ({"l": "5"}, ProofFault.PARTIAL),
        ({"x": str(int(NOW.timestamp()) - 1)}, ProofFault.EXPIRED),
        ({"h": "to:subject:date"}, ProofFault.FROM_NOT_COVERED),
        ({"a": "rsa-sha1"}, ProofFault.ALGORITHM),
        ({"v": None}, ProofFault.MALFORMED),
        ({"i": "@elsewhere.example"}, ProofFault.MALFORMED),
    ],
)
async def test_a_signature_that_could_prove_nothing_asks_nobody(
    tags: dict[str, str | None], fault: ProofFault
) -> None:
    assert await proved(with_tags(MESSAGE, **tags)) == (unproved(fault), 0)


async def test_the_same_signature_without_that_would_have_been_a_proof() -> None:
    later = str(int(NOW.timestamp()) + 1)
    assert await proved(with_tags(MESSAGE, x=later)) == (PROVED, 1)
    assert await proved(signed(length=True)) == (unproved(ProofFault.PARTIAL), 0)


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        (b"Bye", b"bye", ProofFault.BODY_CHANGED),
        (b"Bye\r\n", b"Bye\r\n\r\n--\r\na list, unsubscribe here\r\n", ProofFault.BODY_CHANGED),
        (b"Your  question", b"[list] Your question", ProofFault.HEADER_CHANGED),
        (b"Support <support", b"Supporz <support", ProofFault.HEADER_CHANGED),
        (b"\r\nFrom: ", b"\r\nDate: later\r\nFrom: ", ProofFault.HEADER_CHANGED),
        (b"s=s1", b"s=weak", ProofFault.HEADER_CHANGED),
        (b"s=s1", b"s=ed", ProofFault.BAD_KEY),
        (b"s=s1", b"s=none", ProofFault.NO_KEY),
    ],
)
async def test_one_octet_is_enough_to_break_a_signature(
    before: bytes, after: bytes, fault: ProofFault
) -> None:
    message = signed(names=["from", "to", "subject", "date", "date", "from"])
    assert before in message
    assert (await proved(message.replace(before, after)))[0] == unproved(fault)


@pytest.mark.parametrize(
    "field",
    [
        b"no field at all\r\n",
        b"X-Ticket : blank before the colon\r\n",
        b"X: bare \r CR\r\n",
        b"X: NUL \x00\r\n",
        b"From: another@company.com\r\n",
        b"from: support@company.com\r\n",
    ],
)
@pytest.mark.parametrize("on_top", [True, False])
async def test_a_header_section_that_can_be_read_in_two_ways_proves_nothing(
    field: bytes, on_top: bool
) -> None:
    message = field + signed() if on_top else signed().replace(b"Subject:", field + b"Subject:")
    found, questions = await proved(message)
    assert (found, questions) == (unproved(ProofFault.AMBIGUOUS), 0)


async def test_a_fold_of_no_field_proves_nothing() -> None:
    assert await proved(b" fold\r\n" + signed()) == (unproved(ProofFault.AMBIGUOUS), 0)


async def test_where_there_is_no_from_nothing_is_proved() -> None:
    message = signed().replace(b"From:", b"Sender:")
    assert await proved(message) == (unproved(ProofFault.AMBIGUOUS), 0)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (dns.rcode.SERVFAIL, ProofFault.NO_ANSWER),
        (dns.rcode.REFUSED, ProofFault.NO_ANSWER),
        (dns.rcode.NXDOMAIN, ProofFault.NO_KEY),
        ([], ProofFault.NO_KEY),
        (in_strings("v=DKIM1; k=rsa; p="), ProofFault.REVOKED),
        (in_strings(record(1024)), ProofFault.HEADER_CHANGED),
        ([*in_strings(record()), '"v=spf1 -all"'], ProofFault.BAD_KEY),
        (in_strings(record() + "; n=" + "x" * 60_000), ProofFault.BAD_KEY),
        (in_strings(record().replace("; p", "; t=y; p")), ProofFault.TESTING),
        (in_strings(ed25519_record()), ProofFault.BAD_KEY),
        (['""'], ProofFault.BAD_KEY),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_dns_trouble_and_bad_keys_are_no_proof(said: Said, fault: ProofFault) -> None:
    found, _ = await proved(signed(), {(KEY_NAME, "TXT"): said})
    assert found == unproved(fault)


async def test_a_lame_server_that_has_another_type_only_is_no_proof() -> None:
    assert (await proved(signed(), {(KEY_NAME, "A"): ["192.0.2.1"]}))[0] == unproved(ProofFault.NO_KEY)


async def test_an_alias_of_a_key_is_followed_and_a_loop_is_not() -> None:
    there: dict[tuple[str, str], Said] = {
        (KEY_NAME, "CNAME"): ["keys.vendor.example."],
        ("keys.vendor.example", "TXT"): in_strings(record()),
    }
    assert await proved(signed(), there) == (PROVED, 1)
    assert (await proved(signed(), {(KEY_NAME, "CNAME"): [f"{KEY_NAME}."]}))[0].proofs == ()


@pytest.mark.parametrize("said", [HANG, RUBBISH])
async def test_a_silent_server_costs_no_more_than_the_time_that_there_is(said: str) -> None:
    async with DnsServer({(KEY_NAME, "TXT"): said}) as server:
        resolver = Resolver(["127.0.0.1"], port=server.port)
        lookup = prover(resolver, now)._lookup
        began = time.monotonic()
        message = signature_of() + signed()
        found = await Prover(lookup, now, seconds=0.3)(HeldContent(message), DOMAINS)
        assert time.monotonic() - began < 3  # of 0.3; the rest is for a slow machine
        assert found == unproved(ProofFault.OUT_OF_TIME, ProofFault.OUT_OF_TIME)
        assert server.asked.total() <= 1  # rubbish is waited out like silence
        await resolver.close()


async def test_a_key_is_asked_for_once_whoever_waits_for_it_and_however_often() -> None:
    async with asking() as (prove, server):
        server.hold.clear()
        waiting = [asyncio.create_task(prove(HeldContent(signed()), DOMAINS)) for _ in range(20)]
        await asyncio.sleep(0.05)
        server.hold.set()
        assert set(await asyncio.gather(*waiting)) == {PROVED}
        assert await prove(HeldContent(signed()), DOMAINS) == PROVED
        assert server.asked.total() == 1


async def test_that_there_is_no_key_is_remembered_too() -> None:
    async with asking({}) as (prove, server):
        for _ in range(3):
            assert await prove(HeldContent(signed()), DOMAINS) == unproved(ProofFault.NO_KEY)
        assert server.asked.total() == 1


async def test_of_many_signatures_three_are_verified_from_the_top() -> None:
    def forged(number: int) -> bytes:
        return signature_of().replace(b"s=s1", b"s=n%d" % number).replace(b"Support", b"support")

    no_key, too_many = ProofFault.NO_KEY, ProofFault.TOO_MANY
    ten = b"".join(map(forged, range(9))) + signed()
    assert await proved(ten) == (unproved(*[too_many] * 7, *[no_key] * 3), 3)
    three = b"".join(map(forged, range(2))) + signed()
    assert await proved(three) == (PROVED, 3)
    strangers = b"".join(signature_of(domain=f"d{number}.example") for number in range(9))
    found, questions = await proved(strangers + signed())
    assert (found.proofs, questions) == (PROVED.proofs, 1)
    worthless = with_tags(MESSAGE, l="1").removesuffix(MESSAGE) * 9
    assert await proved(worthless + signed()) == (PROVED, 1)


async def test_a_heap_of_signatures_is_not_read_to_its_end() -> None:
    heap = b"DKIM-Signature: d=%d.example\r\n"
    found, _ = await proved(b"".join(heap % number for number in range(99)) + signed())
    assert found.proofs == PROVED.proofs
    found, questions = await proved(b"".join(heap % number for number in range(40_000)) + signed())
    assert (len(found.signers), found.proofs, questions) == (100, (), 0)


async def test_another_domain_of_ours_may_have_signed_it() -> None:
    key = {**KEYS, ("s1._domainkey.other.example", "TXT"): in_strings(record())}
    message = signature_of().replace(b"s=s1", b"s=s9") + signed(domain="other.example")
    found, _ = await proved(message, key)
    assert found == Proved(DOMAINS, (Proof(DKIM, "other.example"),))


@pytest.mark.parametrize(("form", "lines"), [("simple", 300_000), ("relaxed", 100_000)])
async def test_a_large_message_is_verified_from_its_file_while_others_go_on(
    tmp_path: Path, form: str, lines: int
) -> None:
    message = MESSAGE + b"A line of some  length,  which is repeated. \t\r\n" * lines
    octets = signed(message, form=("relaxed", form))
    keeper = Keeper(tmp_path, 0, Memory())
    for start in range(0, len(octets), 100_000):
        await keeper.keep(octets[start : start + 100_000])
    content = await keeper.content()
    assert isinstance(content, StoredContent)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    ticking = asyncio.create_task(tick())
    async with asking() as (prove, _):
        assert await prove(content, DOMAINS) == PROVED
    ticking.cancel()
    content.close()
    assert ticks > 20


async def test_a_body_is_read_only_for_a_signature_of_the_header_section() -> None:
    class Unread(HeldContent):
        def chunks_from(self, offset: int):
            raise AssertionError("the body was read")

    async with asking() as (prove, _):
        forged = signed().replace(b"Support", b"support")
        assert await prove(Unread(forged), DOMAINS) == unproved(ProofFault.HEADER_CHANGED)
        with pytest.raises(AssertionError):
            await prove(Unread(signed()), DOMAINS)


async def test_a_body_is_read_once_for_all_signatures_of_one_form() -> None:
    class Counted(HeldContent):
        read = 0

        def chunks_from(self, offset: int):
            type(self).read += 1
            return super().chunks_from(offset)

    changed = (signature_of() + signature_of(form=("simple", "relaxed")) + signed()).replace(b"Bye", b"bye")
    async with asking() as (prove, _):
        assert await prove(Counted(changed), DOMAINS) == unproved(*[ProofFault.BODY_CHANGED] * 3)
    assert Counted.read == 1


CHANGES = st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=2), st.integers(0, 2)), max_size=2)


@given(CHANGES, st.sampled_from(["simple", "relaxed"]))
def test_what_is_proved_dkimpy_would_have_proved_too(
    changes: list[tuple[int, bytes, int]], form: str
) -> None:
    message = signed(form=(form, form))
    for place, put, taken in changes:
        place %= len(message)
        message = message[:place] + put + message[place + taken :]

    async def lookup(name: str) -> tuple[bytes, ...] | None:
        return (record().encode(),) if name == KEY_NAME else ()

    found = asyncio.run(Prover(lookup, now)(HeldContent(message), DOMAINS))
    if found.proofs:
        assert dkim.verify(message, dnsfunc=lambda name, timeout=5: record().encode())
    if message == signed(form=(form, form)):
        assert found == PROVED


TAGS = st.dictionaries(
    st.sampled_from(["v", "a", "b", "bh", "c", "d", "h", "i", "l", "q", "s", "t", "x", "b ", "z"]),
    st.one_of(
        st.sampled_from(
            ["1", "rsa-sha256", "relaxed/relaxed", DOMAIN, "from", "s1", "dns/txt", "", "AAAA" * 86]
        ),
        st.text(max_size=8),
    ),
)


@given(st.lists(TAGS, min_size=1, max_size=3), st.booleans())
def test_no_made_up_signature_proves_anything_or_hides_a_valid_one(
    made_up: list[dict[str, str]], on_top: bool
) -> None:
    async def lookup(name: str) -> tuple[bytes, ...] | None:
        return (record().encode(),) if name == KEY_NAME else ()

    start = {"v": "1", "a": "rsa-sha256", "d": DOMAIN, "s": SELECTOR, "h": "from", "bh": "YWJj", "b": "YWJj"}
    texts = ["; ".join(f"{name}={value}" for name, value in {**start, **tags}.items()) for tags in made_up]
    fields = b"".join(f"DKIM-Signature: {text}\r\n".encode() for text in texts if text.isprintable())
    prove = Prover(lookup, now)
    assert asyncio.run(prove(HeldContent(fields + MESSAGE), DOMAINS)).proofs == ()
    both = fields + signed() if on_top else signed().replace(b"Received:", fields + b"Received:")
    found = asyncio.run(prove(HeldContent(both), DOMAINS))
    assert found.proofs or ProofFault.TOO_MANY in [each.fault for each in found.unproved]


def test_memory_is_not_taken_by_the_length_of_the_body() -> None:
    import tracemalloc

    async def lookup(name: str) -> tuple[bytes, ...] | None:
        return (record().encode(),)

    body = b"Words of a message  that goes on and on. \r\n" * 200_000

    async def run(folder: Path) -> tuple[Proved, int]:
        octets = signed(MESSAGE + body)
        keeper = Keeper(folder, 0, Memory())
        await keeper.keep(octets)
        content = await keeper.content()
        assert isinstance(content, StoredContent)
        del octets
        tracemalloc.start()
        found = await Prover(lookup, now)(content, DOMAINS)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        content.close()
        return found, peak

    with tempfile.TemporaryDirectory() as folder:
        found, peak = asyncio.run(run(Path(folder)))
    assert found == PROVED
    assert peak < 2_000_000

"""Whatever mix of CR, LF and dot a client sends, it is one message at most, and its lines end in CRLF."""

import itertools
from pathlib import Path

import pytest
from intake_fakes import House, calling, running, terms_of

from relay.intake.events import BareNewlinesNormalised, Cause, ContentRefused
from relay.intake.terms import IntakeLimits

ENDS = [
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"\r\r",
    b"\n\r",
    b"\r\r\n",
    b"\r\n\x00",
    b"\x00\r\n",
    b"\x0b",
    b"\xc2\x85",
]
VARIANTS = [
    before + b"." + after
    for before, after in itertools.product(ENDS, ENDS)
    if b"\r\n.\r\n" not in before + b"." + after + b"MAIL"
]
SMUGGLED = b"MAIL FROM:<evil@bad.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\nSubject: two\r\n\r\nsmuggled"


@pytest.mark.parametrize("variant", VARIANTS, ids=repr)
@pytest.mark.parametrize("normalise", [False, True], ids=["reject", "normalize"])
async def test_no_mix_of_cr_lf_and_dot_smuggles_a_message(
    tmp_path: Path, variant: bytes, normalise: bool
) -> None:
    house = House()
    limits = IntakeLimits(normalise_bare_newlines=normalise)
    async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
        await caller.hello()
        reply = await caller.send(b"Subject: one\r\n\r\nbody" + variant + SMUGGLED + b"\r\n.\r\n")
        assert (await caller.ask("NOOP"))[:3] == "250", "the client and we agree on where the data ended"
    stripped = variant.replace(b"\r\n", b"")
    bare = b"\r" in stripped or b"\n" in stripped
    assert len(house.transactions) == 1
    if bare and not normalise:
        assert reply[:9] == "554 5.5.2"
        assert house.delivered == []
    else:
        assert reply[:3] == "250"
        [octets] = house.delivered
        assert octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n")
        assert b"Subject: one" in octets
        assert b"smuggled" in octets


async def test_a_refused_bare_newline_is_reported_with_its_reverse_path(house: House, tmp_path: Path) -> None:
    async with running(terms_of(house, tmp_path)) as intake, calling(intake) as caller:
        await caller.hello()
        assert (await caller.send(b"a\nb\r\n.\r\n"))[:9] == "554 5.5.2"
    [event] = house.events
    assert isinstance(event, ContentRefused)
    assert (event.reverse_path, event.cause) == ("a@x.example", Cause.BARE_NEWLINES)


async def test_clients_that_may_relay_are_normalised_and_named(house: House, tmp_path: Path) -> None:
    from ipaddress import ip_network

    from relay.channels.networks import Networks

    relays = Networks([ip_network("127.0.9.7/32")])
    async with running(terms_of(house, tmp_path, always_normalised=relays)) as intake:
        async with calling(intake, source="127.0.9.7") as caller:
            await caller.hello()
            assert (await caller.send(b"a\nb\r\n.\r\n"))[:3] == "250"
        async with calling(intake, source="127.0.9.8") as caller:
            await caller.hello()
            assert (await caller.send(b"a\nb\r\n.\r\n"))[:3] == "554"
    assert house.delivered == [b"a\r\nb\r\n"]
    named = [e for e in house.events if isinstance(e, BareNewlinesNormalised)]
    assert [(str(e.client.address), e.reverse_path) for e in named] == [("127.0.9.7", "a@x.example")]

"""PROXY and XCLIENT: who may say who the client is, and what is believed."""

import ssl
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake_fakes import TAKEN, House, calling, running, terms_of, until

from relay.channels.networks import Networks
from relay.intake.events import Cause, SessionRefused
from relay.intake.proxy import BadProxyHeader, ProxyHeader, read_proxy_header
from relay.intake.terms import ListenerSettings, Terms, TlsMode
from relay.intake.tls import server_context
from relay.intake.xclient import Told, parse_xclient
from relay.mail.reply import Reply

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
EDGES = Networks([ip_network("127.0.9.2/32")])
PROXIES = ListenerSettings("127.0.0.1", 0, proxy=EDGES)
XCLIENTS = ListenerSettings("127.0.0.1", 0, xclient=EDGES)


def version_2(command: int, family: int, body: bytes) -> bytes:
    return SIGNATURE + bytes([command, family]) + len(body).to_bytes(2, "big") + body


V4 = IPv4Address("192.0.2.1").packed + IPv4Address("192.0.2.2").packed + b"\x00\x01\x00\x19"
V6 = IPv6Address("2001:db8::1").packed + IPv6Address("2001:db8::2").packed + b"\x00\x01\x00\x19"
MAPPED = IPv6Address("::ffff:192.0.2.1").packed * 2 + b"\x00\x01\x00\x19"
GOOD_HEADERS = [
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n", "192.0.2.1", False),
    (b"PROXY TCP6 2001:db8::1 2001:db8::2 1 25\r\n", "2001:db8::1", False),
    (b"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 25\r\n", "192.0.2.1", False),
    (b"PROXY UNKNOWN\r\n", None, False),
    (b"PROXY UNKNOWN ::1 ::1 1 2\r\n", None, False),
    (version_2(0x21, 0x11, V4), "192.0.2.1", False),
    (version_2(0x21, 0x12, V4), "192.0.2.1", False),
    (version_2(0x21, 0x21, V6), "2001:db8::1", False),
    (version_2(0x21, 0x21, MAPPED), "192.0.2.1", False),
    (version_2(0x21, 0x11, V4 + b"\x04\x00\x03abc"), "192.0.2.1", False),
    (version_2(0x21, 0x00, b""), None, False),
    (version_2(0x21, 0x31, b"x" * 216), None, False),
    (version_2(0x20, 0x00, b""), None, True),
    (version_2(0x20, 0x11, V4), None, True),
]
BAD_HEADERS = [
    b"EHLO x\r\n",
    b"PROXX",
    b"PROXY TCP4 192.0.2.1\r\n",
    b"PROXY TCP4 2001:db8::1 2001:db8::2 1 25\r\n",
    b"PROXY TCP6 192.0.2.1 192.0.2.2 1 25\r\n",
    b"PROXY TCP4 999.0.2.1 192.0.2.2 1 25\r\n",
    b"PROXY TCP5 192.0.2.1 192.0.2.2 1 25\r\n",
    b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\n" + b"x" * 100,
    b"PROXY " + b"x" * 200,
    b"\r\n\r\nEHLO",
    version_2(0x31, 0x11, V4),
    version_2(0x22, 0x11, V4),
    version_2(0x21, 0x11, V4[:-1]),
    version_2(0x21, 0x21, V4),
]


@pytest.mark.parametrize(("octets", "client", "local"), GOOD_HEADERS)
def test_a_proxy_header_is_read_however_it_is_cut(octets: bytes, client: str | None, local: bool) -> None:
    expected = ProxyHeader(len(octets), local, ip_address(client) if client else None)
    assert read_proxy_header(octets + b"EHLO x\r\n") == expected
    for length in range(len(octets)):
        assert read_proxy_header(octets[:length]) is None
    assert read_proxy_header(octets) == expected


@pytest.mark.parametrize("octets", BAD_HEADERS)
def test_what_is_no_proxy_header_is_known_as_such(octets: bytes) -> None:
    assert isinstance(read_proxy_header(octets), BadProxyHeader)


@given(
    st.binary(max_size=120),
    st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21\x11"]),
)
def test_no_octets_make_the_proxy_reader_raise(octets: bytes, start: bytes) -> None:
    read_proxy_header(start + octets)


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("ADDR=192.0.2.1", Told(address_told=True, address=ip_address("192.0.2.1"))),
        ("addr=IPV6:2001:db8::1", Told(address_told=True, address=ip_address("2001:db8::1"))),
        ("ADDR=2001:db8::1", Told(address_told=True, address=ip_address("2001:db8::1"))),
        ("ADDR=::ffff:192.0.2.1", Told(address_told=True, address=ip_address("192.0.2.1"))),
        ("ADDR=IPV6:fe80::1%x+20HELO=y", Told(address_told=True, address=ip_address("fe80::1"))),
        ("ADDR=[UNAVAILABLE] NAME=[TEMPUNAVAIL]", Told(address_told=True)),
        ("NAME=x PORT=1 PROTO=ESMTP HELO=a+20b", Told(helo="a b")),
        ("LOGIN=anna DESTADDR=192.0.2.1 DESTPORT=25", Told(user_told=True, user="anna")),
        ("LOGIN=[UNAVAILABLE]", Told(user_told=True)),
    ],
)
def test_xclient_is_read(argument: str, told: Told) -> None:
    assert parse_xclient(argument) == told


@pytest.mark.parametrize(
    "argument", ["", "ADDR", "X=1", "ADDR=x", "ADDR=1.2.3", "HELO=a+0D+0Ab", "LOGIN=\x00", "=1"]
)
def test_a_bad_xclient_is_a_syntax_error(argument: str) -> None:
    told = parse_xclient(argument)
    assert isinstance(told, Reply)
    assert told.code == 501


@given(st.text())
def test_no_text_makes_the_xclient_reader_raise(text: str) -> None:
    parse_xclient(text)


class TestProxy:
    """listen.smtp: proxy"""

    @pytest.mark.parametrize(("octets", "client", "local"), GOOD_HEADERS)
    async def test_a_proxy_says_who_the_client_is(
        self, house: House, terms: Terms, octets: bytes, client: str | None, local: bool
    ) -> None:
        async with running(terms, PROXIES) as intake, calling(intake, source="127.0.9.2") as caller:
            await caller.say(octets + b"EHLO client.example\r\nMAIL FROM:<a@x>\r\n")
            assert [(await caller.hear())[:3] for _ in range(3)] == ["220", "250", "250"]
        known = house.transactions[0].client.address
        assert known == (ip_address("127.0.9.2") if local else ip_address(client) if client else None)

    @pytest.mark.parametrize("octets", BAD_HEADERS)
    async def test_without_a_header_it_is_sent_away(self, house: House, terms: Terms, octets: bytes) -> None:
        async with running(terms, PROXIES) as intake, calling(intake, source="127.0.9.2") as caller:
            await caller.say(octets)
            assert (await caller.hear())[:9] == "421 4.7.0"
            assert await caller.hear() == ""
        assert [e.cause for e in house.events if isinstance(e, SessionRefused)] == [Cause.BAD_PROXY_HEADER]

    async def test_a_stranger_says_nothing_of_the_kind(self, house: House, terms: Terms) -> None:
        async with running(terms, PROXIES) as intake, calling(intake, source="127.0.9.3") as caller:
            await caller.say(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n")
            assert (await caller.hear())[:3] == "220"
            assert (await caller.hear())[:3] == "500"
            await caller.ask("EHLO client.example")
            await caller.ask("MAIL FROM:<a@x>")
        assert house.transactions[0].client.address == ip_address("127.0.9.3")

    @pytest.mark.parametrize("together", [True, False], ids=["one-segment", "two-segments"])
    async def test_it_goes_before_implicit_tls(
        self,
        house: House,
        tmp_path: Path,
        certificate: tuple[Path, Path],
        trusting: ssl.SSLContext,
        together: bool,
    ) -> None:
        listener = ListenerSettings("127.0.0.1", 0, tls=TlsMode.IMPLICIT, proxy=EDGES)
        terms = terms_of(house, tmp_path, tls=server_context(*certificate))
        async with running(terms, listener) as intake, calling(intake, source="127.0.9.2") as caller:
            header = b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n"
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            client = trusting.wrap_bio(incoming, outgoing, server_hostname="relay.example")
            if not together:
                await caller.say(header)
                header = b""
            while True:
                try:
                    client.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    await caller.say(header + outgoing.read())
                    header = b""
                    incoming.write(await caller.reader.read(65536))
            client.write(b"EHLO client.example\r\nMAIL FROM:<a@x>\r\n")
            await caller.say(outgoing.read())
            await until(lambda: house.transactions)
        [seen] = house.transactions
        assert (str(seen.client.address), seen.client.tls) == ("192.0.2.1", True)


class TestXclient:
    """listen.smtp: xclient"""

    async def test_an_edge_says_who_the_client_is(self, house: House, terms: Terms) -> None:
        async with running(terms, XCLIENTS) as intake, calling(intake, source="127.0.9.2") as caller:
            assert "XCLIENT NAME ADDR PORT PROTO HELO LOGIN" in await caller.hello()
            assert (await caller.ask("XCLIENT ADDR=192.0.2.1 HELO=inner.example LOGIN=anna"))[:3] == "220"
            assert (await caller.ask("MAIL FROM:<a@x>"))[:9] == "503 5.5.1", "the session begins anew"
            await caller.ask("EHLO edge.example")
            assert await caller.send(b"x\r\n.\r\n") == str(TAKEN)
            assert (await caller.ask("XCLIENT ADDR=[UNAVAILABLE] LOGIN=[UNAVAILABLE]"))[:3] == "220"
            await caller.ask("EHLO edge.example")
            await caller.ask("MAIL FROM:<a@x>")
            assert (await caller.ask("XCLIENT ADDR=192.0.2.1"))[:9] == "503 5.5.1"
        first, second = (t.client for t in house.transactions)
        assert (str(first.address), first.helo, first.user) == ("192.0.2.1", "inner.example", "anna")
        assert (second.address, second.user) == (None, None)

    async def test_a_stranger_may_not(self, house: House, terms: Terms) -> None:
        async with running(terms, XCLIENTS) as intake, calling(intake, source="127.0.9.3") as caller:
            assert "XCLIENT" not in await caller.hello()
            assert (await caller.ask("XCLIENT ADDR=192.0.2.1"))[:9] == "550 5.7.0"
            await caller.ask("MAIL FROM:<a@x>")
        assert house.transactions[0].client.address == ip_address("127.0.9.3")

    async def test_a_client_that_a_proxy_names_is_not_the_proxy(self, terms: Terms) -> None:
        both = ListenerSettings("127.0.0.1", 0, proxy=EDGES, xclient=EDGES)
        async with running(terms, both) as intake, calling(intake, source="127.0.9.2") as caller:
            await caller.say(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n")
            assert "XCLIENT" not in await caller.hello()
            assert (await caller.ask("XCLIENT ADDR=10.0.0.1"))[:9] == "550 5.7.0"

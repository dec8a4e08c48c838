"""The platform known by its DKIM signature: a relay on real sockets, a real DNS server, all three modes."""

import asyncio
import contextlib
import smtplib
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import dns.rcode
import pytest

from relay.service.log import EventLog
from relay.service.relay import Relay
from relay.settings.model import Settings
from relay.settings.parse import read_settings
from tests.delivery.dns_server import HANG, DnsServer, of_this_machine
from tests.live import Got, Helpdesk, channels, free_port
from tests.proof.signing import DOMAIN, KEY_NAME, MESSAGE, in_strings, record, signed

PLATFORM = f"platform: {{dkim_domains: [{DOMAIN}]}}\n"
MODES = ("pass-through", "spool", "pass-through-or-spool")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[DnsServer]:
    with of_this_machine({(KEY_NAME, "TXT"): in_strings(record())}, monkeypatch) as server:
        yield server


@pytest.fixture
def desk() -> Iterator[Helpdesk]:
    with Helpdesk().running() as server:
        yield server


@contextlib.asynccontextmanager
async def relaying(
    folder: Path, desk: Helpdesk, more: str, mode: str = "pass-through"
) -> AsyncIterator[tuple[int, Relay]]:
    port, config = free_port(), folder / "channels.yaml"
    text = channels(port, desk.port, "limits: {bare_newlines: normalize}\n" + more)
    config.write_text(text.replace("mode: pass-through", f"mode: {mode}"))

    def load() -> Settings:
        return read_settings(config, {}, serving=True)

    relay = Relay(load(), load, EventLog())
    await relay.start()
    try:
        yield port, relay
    finally:
        await relay.stop()


async def sent(port: int, desk: Helpdesk, octets: bytes) -> Got:
    def send() -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
            client.ehlo()
            client.mail("app@mail.desk.example")
            client.rcpt("in@relay.company.net")
            assert client.docmd("DATA")[0] == 354
            client.send(octets.replace(b"\n.", b"\n..") + b".\r\n")
            assert client.getreply()[0] == 250

    before = len(desk.got)
    await asyncio.to_thread(send)
    async with asyncio.timeout(20):
        while len(desk.got) == before:
            await asyncio.sleep(0.01)
    return desk.got[-1]


@pytest.mark.parametrize("mode", MODES)
async def test_what_the_platform_signed_stays_open_and_what_it_did_not_is_closed(
    tmp_path: Path, desk: Helpdesk, names: DnsServer, mode: str
):
    async with relaying(tmp_path, desk, PLATFORM, mode) as (port, _):
        got = await sent(port, desk, signed())
        assert b"X-Ticket-Status" not in got.octets
        assert b"X-Ticket-Reason: platform-sent; channel=support" in got.octets
        assert got.octets.endswith(MESSAGE)
        got = await sent(port, desk, MESSAGE)
        assert b"X-Ticket-Status: auto-closed" in got.octets
        got = await sent(port, desk, signed().replace(b"Bye", b"Buy"))
        assert b"X-Ticket-Status: auto-closed" in got.octets
        assert names.asked.total() == 1


@pytest.mark.parametrize("mode", MODES)
async def test_a_stamp_that_was_forged_below_the_signature_does_not_break_it(
    tmp_path: Path, desk: Helpdesk, names: DnsServer, mode: str
):
    forged = MESSAGE.replace(b"Subject:", b"X-Ticket-Status: closed\r\nSubject:")
    async with relaying(tmp_path, desk, PLATFORM, mode) as (port, _):
        got = await sent(port, desk, signed(forged, names=["from", "subject", "x-ticket-status"]))
        assert b"X-Ticket-Reason: platform-sent" in got.octets
        assert b"X-Ticket-Status" not in got.octets


async def test_bare_line_feeds_are_verified_as_they_are_mended(
    tmp_path: Path, desk: Helpdesk, names: DnsServer
):
    head, _, body = signed().partition(b"\r\n\r\n")
    octets = head + b"\r\n\r\n" + body.replace(b"\r\nBye", b"\nBye")
    async with relaying(tmp_path, desk, PLATFORM) as (port, _):
        assert b"X-Ticket-Reason: platform-sent" in (await sent(port, desk, octets)).octets


@pytest.mark.parametrize("mode", MODES)
async def test_a_message_too_large_for_memory_is_verified_too(
    tmp_path: Path, desk: Helpdesk, names: DnsServer, mode: str
):
    octets = signed(MESSAGE + b"A line that is repeated  \r\n" * 100_000)
    async with relaying(tmp_path, desk, PLATFORM, mode) as (port, _):
        assert b"X-Ticket-Reason: platform-sent" in (await sent(port, desk, octets)).octets


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("", signed()),
        (PLATFORM, MESSAGE),
        (PLATFORM, signed(domain="other.example")),
        (PLATFORM, signed(MESSAGE.replace(b"support@company.com", b"anna@customer.example"))),
        (PLATFORM, signed(MESSAGE.replace(b"anna@customer.example", b"support@company.com"))),
        (PLATFORM.replace("}", ", networks: [127.0.0.0/8]}"), signed()),
    ],
    ids=["no domains", "unsigned", "a stranger's", "foreign author", "to itself", "network"],
)
async def test_where_a_signature_could_change_nothing_nobody_is_asked(
    tmp_path: Path, desk: Helpdesk, names: DnsServer, more: str, message: bytes
):
    async with relaying(tmp_path, desk, more) as (port, _):
        await sent(port, desk, message)
        assert not names.asked


@pytest.mark.parametrize(
    "said", [dns.rcode.SERVFAIL, ['"v=DKIM1; p="'], HANG], ids=["broken", "revoked", "silent"]
)
async def test_dns_trouble_is_no_proof_and_no_error_and_the_journal_says_what_it_was(
    tmp_path: Path, desk: Helpdesk, names: DnsServer, said: object
):
    names.zone = {(KEY_NAME, "TXT"): said}
    async with relaying(tmp_path, desk, PLATFORM) as (port, _):
        began = time.monotonic()
        got = await sent(port, desk, signed())
        assert b"X-Ticket-Status: auto-closed" in got.octets
        assert time.monotonic() - began < 10
    with closing(sqlite3.connect(tmp_path / "var" / "journal" / "journal.sqlite")) as journal:
        ((kept,),) = journal.execute("SELECT record FROM journal_entry").fetchall()
    assert "not-proved" in kept


async def test_a_reload_puts_domains_in_force_and_keeps_the_keys(
    tmp_path: Path, desk: Helpdesk, names: DnsServer
):
    async with relaying(tmp_path, desk, "") as (port, relay):
        config = tmp_path / "channels.yaml"
        without = config.read_text()
        for _ in range(2):
            config.write_text(without)
            assert await relay.reload()
            assert b"X-Ticket-Status: auto-closed" in (await sent(port, desk, signed())).octets
            config.write_text(without + PLATFORM)
            assert await relay.reload()
            assert b"platform-sent" in (await sent(port, desk, signed())).octets
        assert names.asked.total() == 1

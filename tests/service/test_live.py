"""The main job on real sockets: a client, the relay as a process, a helpdesk that keeps every octet."""

import asyncio
import json
import os
import re
import signal
import smtplib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiosmtplib
import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.live import Helpdesk, Process, channels, free_port

COPY = b"From: support@company.com\r\nTo: anna@customer.example\r\nSubject: Hi\r\n\r\n.dot\r\n..dots\r\n\x00\xff octets\r\n"


@pytest.fixture
def helpdesk() -> Iterator[Helpdesk]:
    with Helpdesk().running() as running:
        yield running


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def relay(tmp_path: Path, helpdesk: Helpdesk, port: int) -> Iterator[Process]:
    with Process(tmp_path, channels(port, helpdesk.port)).running(port) as running:
        yield running


@dataclass
class Lasting:
    """A relay that serves for many tests, none of which stops it, changes its file or reads all of its log."""

    relay: Process
    helpdesk: Helpdesk
    port: int


@pytest.fixture(scope="module")
def _lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lasting]:
    port = free_port()
    with Helpdesk().running() as helpdesk:
        relay = Process(tmp_path_factory.mktemp("relay"), channels(port, helpdesk.port))
        with relay.running(port):
            yield Lasting(relay, helpdesk, port)


@pytest.fixture
def lasting(_lasting: Lasting) -> Lasting:
    """With a helpdesk that has got and refuses nothing."""
    _lasting.helpdesk.got.clear()
    _lasting.helpdesk.refused.clear()
    return _lasting


def prepended(octets: bytes, original: bytes) -> list[bytes]:
    assert octets.endswith(original)
    return octets[: -len(original)].splitlines()


def test_a_message_by_smtplib_arrives_octet_for_octet_below_what_we_prepend(lasting: Lasting):
    with smtplib.SMTP("127.0.0.1", lasting.port) as client:
        client.sendmail("bounce@crm.example", ["in@relay.company.net"], COPY)
    (got,) = lasting.helpdesk.got
    assert (got.reverse_path, got.forward_paths) == ("bounce@crm.example", ["in@relay.company.net"])
    top = prepended(got.octets, COPY)
    assert top[0] == b"X-Ticket-Status: auto-closed"
    assert re.fullmatch(rb"X-Ticket-Reason: outbound-copy; channel=support; id=[0-9A-F-]+", top[1])
    assert top[2].startswith(b"Received: from ")
    assert all(line.startswith(b"\t") for line in top[3:])


def test_the_client_hears_the_helpdesks_own_words(lasting: Lasting):
    lasting.helpdesk.refused.add("nobody@desk.company.com")
    with smtplib.SMTP("127.0.0.1", lasting.port) as client:
        client.ehlo()
        client.mail("a@b.example")
        assert client.rcpt("nobody@desk.company.com") == (550, b"5.1.1 we do not know that one")
        assert client.rcpt("in@relay.company.net") == (250, b"2.1.5 ok")
        assert client.data(COPY) == (250, b"2.0.0 ticket 1")


def test_a_stranger_from_elsewhere_cannot_relay(relay: Process, helpdesk: Helpdesk, port: int):
    with smtplib.SMTP("127.0.0.1", port, source_address=("127.0.9.1", 0)) as client:
        client.ehlo()
        client.mail("a@b.example")
        assert client.rcpt("anna@customer.example")[0] == 550
    assert helpdesk.connections == 0


async def test_a_pooled_client_sends_many_messages_and_the_relay_keeps_its_connections(
    relay: Process, helpdesk: Helpdesk, port: int
):
    async def send(number: int) -> None:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port)
        async with client:
            for turn in range(20):
                text = (
                    COPY.replace(b"Hi", b"Hi %d/%d" % (number, turn))
                    .replace(b"\x00\xff", b"plain")
                    .decode("ascii")
                )
                await client.sendmail("bounce@crm.example", ["in@relay.company.net"], text)

    await asyncio.gather(*map(send, range(5)))
    assert len(helpdesk.got) == 100
    assert len({re.search(rb"Subject: (.*)\r\n", got.octets)[1] for got in helpdesk.got}) == 100
    assert helpdesk.connections <= 20


@pytest.mark.parametrize("canonical", [b"relaxed", b"simple"])
def test_a_dkim_signature_made_before_verifies_after(lasting: Lasting, canonical: bytes):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    import base64

    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)
    message = b"From: support@company.com\r\nTo: anna@customer.example\r\nSubject:  Hi   there\r\n\r\nBody \r\n.\r\n\r\n"
    signed = dkim.sign(message, b"s1", b"company.com", pem, canonicalize=(canonical, canonical)) + message
    with smtplib.SMTP("127.0.0.1", lasting.port) as client:
        client.sendmail("a@b.example", ["in@relay.company.net"], signed)
    (got,) = lasting.helpdesk.got
    assert b"X-Ticket-Status: auto-closed" in got.octets
    assert dkim.verify(got.octets, dnsfunc=lambda name, timeout=5: record)


def test_a_forged_stamp_is_removed(lasting: Lasting):
    forged = b"From: mallory@bad.example\r\nx-ticket-status:\r\n auto-closed\r\nX-TICKET-REASON : x\r\nTo: support@company.com\r\n\r\nHi\r\n"
    with smtplib.SMTP("127.0.0.1", lasting.port) as client:
        client.sendmail("mallory@bad.example", ["support@company.com"], forged)
    (got,) = lasting.helpdesk.got
    assert b"auto-closed" not in got.octets
    assert got.octets.endswith(b"From: mallory@bad.example\r\nTo: support@company.com\r\n\r\nHi\r\n")
    assert b"X-Ticket-Reason: foreign-author; id=" in got.octets


def test_every_transaction_is_one_line_in_the_log(relay: Process, port: int):
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("bounce@crm.example", ["in@relay.company.net"], COPY)
    relay.waits_to_say('"event": "message"')
    (line,) = [json.loads(line) for line in relay.said().splitlines() if '"event": "message"' in line]
    assert line["verdict"] == "auto-closed"
    assert line["reason"] == "outbound-copy"
    assert line["mail_from"] == "bounce@crm.example"
    assert (line["rcpts"], line["size"]) == (1, len(COPY))
    assert line["outcome"].startswith("250 ")
    assert "Hi" not in relay.said()


def test_a_helpdesk_that_is_down_is_a_temporary_answer_and_no_more_once_it_is_back(tmp_path: Path, port: int):
    desk = Helpdesk(port=free_port())
    with Process(tmp_path, channels(port, desk.port)).running(port):
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.ehlo()
            client.mail("a@b.example")
            assert client.rcpt("in@relay.company.net")[0] == 451
        with desk.running(), smtplib.SMTP("127.0.0.1", port) as client:
            client.sendmail("a@b.example", ["in@relay.company.net"], COPY)
            assert len(desk.got) == 1
        with desk.running(), smtplib.SMTP("127.0.0.1", port) as client:
            client.sendmail("a@b.example", ["in@relay.company.net"], COPY)
            assert len(desk.got) == 2


def test_a_changed_file_is_read_again_and_a_bad_one_keeps_the_running_one(
    relay: Process, helpdesk: Helpdesk, port: int
):
    good = relay.config.read_text()
    with smtplib.SMTP("127.0.0.1", port) as client:
        relay.config.write_text(good.replace("address: support@", "address: sales@"))
        relay.waits_to_say('"event": "reloaded"')
        client.sendmail("a@b.example", ["in@relay.company.net"], COPY)
        relay.config.write_text("version: 1\nchannels: 7\n")
        os.kill(relay.process.pid, signal.SIGHUP)
        relay.waits_to_say("channels.yaml is not used")
        client.sendmail("a@b.example", ["in@relay.company.net"], COPY)
        relay.config.write_text(good)
        os.kill(relay.process.pid, signal.SIGHUP)
        relay.waits_to_say('"event": "reloaded"', 2)
        client.sendmail("a@b.example", ["in@relay.company.net"], COPY)
    assert [b"auto-closed" in got.octets for got in helpdesk.got] == [False, False, True]


def test_sigterm_finishes_the_message_in_hand_and_exits_with_0(relay: Process, helpdesk: Helpdesk, port: int):
    with socket.create_connection(("127.0.0.1", port)) as client:
        reader = client.makefile("rb")
        reader.readline()
        client.sendall(b"HELO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<in@relay.company.net>\r\nDATA\r\n")
        while not reader.readline().startswith(b"354"):
            pass
        client.sendall(COPY[:20])
        relay.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        client.sendall(COPY[20:].replace(b"\r\n.", b"\r\n..") + b".\r\n")
        assert reader.readline().startswith(b"250 ")
    assert relay.stop() == 0
    assert len(helpdesk.got) == 1


def test_a_port_in_use_is_one_sentence_and_75(tmp_path: Path, lasting: Lasting):
    second = Process(tmp_path, channels(lasting.port, lasting.helpdesk.port))
    assert second.start().wait(20) == 75
    assert second.said().splitlines()[-1].startswith(f"helpdesk-relay: 127.0.0.1:{lasting.port} is in use")
    assert "Traceback" not in second.said()


def test_state_is_a_folder_for_the_owner_alone(lasting: Lasting):
    assert (lasting.relay.folder / "var").stat().st_mode & 0o777 == 0o700


def test_the_start_says_of_every_channel_what_can_be_closed(tmp_path: Path, helpdesk: Helpdesk, port: int):
    text = channels(port, helpdesk.port).replace(
        "domains:", "  sales: {address: sales@company.com}\ndomains:"
    )
    with Process(tmp_path, text).running(port) as relay:
        relay.waits_to_say('"event": "serving"')
        said = [json.loads(line) for line in relay.said().splitlines()]
    told = {line["about"] for line in said if "about" in line}
    assert (
        "support: outbound copies that arrive at in@relay.company.net or reach another channel can be closed"
        in told
    )
    assert any(about.startswith("sales has no inbound address: only copies") for about in told)

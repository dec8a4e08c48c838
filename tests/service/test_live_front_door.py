"""A running relay as strangers meet it: never an open relay; and what it tells systemd."""

import base64
import contextlib
import smtplib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.passwords import hash_password
from tests.live import Helpdesk, Process, channels, free_port

STRANGER = ("127.0.9.1", 0)
TRUSTED = ("127.0.9.77", 0)
COPY = b"From: support@company.com\r\nTo: anna@customer.example\r\nBcc: bob@customer.example\r\n\r\nHi\r\n"
PASSWORD = "correct horse battery"


class House:
    """A relay between a helpdesk and the world."""

    def __init__(self, smtp: int, desk: Helpdesk, world: Helpdesk, process: Process) -> None:
        self.smtp, self.desk, self.world, self.process = smtp, desk, world, process

    @contextlib.contextmanager
    def client(self, source: tuple[str, int]) -> Iterator[smtplib.SMTP]:
        with smtplib.SMTP("127.0.0.1", self.smtp, source_address=source) as client:
            client.ehlo("stranger.example")
            yield client


@contextlib.contextmanager
def open_house(folder: Path) -> Iterator[House]:
    smtp = free_port()
    with Helpdesk().running() as desk, Helpdesk().running() as world:
        text = channels(smtp, desk.port).replace(
            "mode: pass-through", f'elsewhere: "smtp://127.0.0.1:{world.port}", mode: pass-through'
        )
        text = text.replace(f'"127.0.0.1:{smtp}"', f'"127.0.0.1:{smtp}", auth: optional')
        text += f'trusted: {{relay: [127.0.9.77/32], unlimited: []}}\nusers: {{shop: {{password: "{hash_password(PASSWORD)}", may: [send]}}}}\n'
        with Process(folder, text).running(smtp) as process:
            yield House(smtp, desk, world, process)


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
def house(open_to_all: House) -> House:
    """A house in which nothing has arrived yet."""
    open_to_all.desk.got.clear()
    open_to_all.world.got.clear()
    return open_to_all


@pytest.fixture(scope="module")
def quiet_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house from which nobody is ever to be connected to."""
    with open_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.mark.parametrize(
    "path",
    [
        "<anna@customer.example>",
        "<anna%customer.example@relay.company.com>",
        '<"anna@customer.example"@relay.company.com>',
        "<@company.com:anna@customer.example>",
        "<@relay.company.com,@company.com:anna@customer.example>",
        "<company.com!anna@customer.example>",
        "<anna@customer.example@company.com>",
        "<someone@company.com>",
        "<anna@[127.0.0.1]>",
        "<anna@relay.company.com>",
        "<anna>",
        "<support@company.com.>",
        "<support@company.com.customer.example>",
        "<postmaster@customer.example>",
    ],
)
def test_a_stranger_reaches_nobody_but_the_helpdesk(quiet_house: House, path: str):
    with quiet_house.client(STRANGER) as client:
        assert client.docmd("MAIL", "FROM:<support@company.com>")[0] == 250
        code, words = client.docmd("RCPT", f"TO:{path}")
        assert 500 <= code < 600, (code, words)
    assert quiet_house.desk.connections == quiet_house.world.connections == 0


@pytest.mark.parametrize(
    "path",
    [
        "support@company.com",
        "SUPPORT+x@Company.com",
        "in@relay.company.net",
        "in+9@relay.company.net",
        "any@desk.company.com",
        "postmaster",
    ],
)
def test_a_stranger_reaches_every_address_of_the_helpdesk(house: House, path: str):
    with house.client(STRANGER) as client:
        client.sendmail("anna@customer.example", [path], b"From: anna@customer.example\r\n\r\nHi\r\n")
    (got,) = house.desk.got
    assert got.forward_paths == [path]
    assert house.world.got == []


def test_trusted_relay_reaches_the_world_without_stamp_and_without_bcc(house: House):
    with house.client(TRUSTED) as client:
        client.sendmail("support@company.com", ["anna@customer.example"], COPY)
    (got,) = house.world.got
    assert b"X-Ticket" not in got.octets
    assert b"Bcc" not in got.octets
    assert got.octets.endswith(COPY.replace(b"Bcc: bob@customer.example\r\n", b""))


def test_a_user_reaches_the_world_only_after_the_right_password(house: House):
    with house.client(("127.0.0.1", 0)) as client:
        client.ehlo("shop.example")
        wrong = base64.b64encode(b"\0shop\0wrong").decode()
        assert client.docmd("AUTH", f"PLAIN {wrong}")[0] == 535
        client.mail("shop@company.com")
        assert client.rcpt("anna@customer.example")[0] == 550
        client.rset()
        client.login("shop", PASSWORD)
        client.sendmail("shop@company.com", ["anna@customer.example"], COPY)
    assert len(house.world.got) == 1
    assert PASSWORD not in house.process.said()
    assert base64.b64encode(f"\0shop\0{PASSWORD}".encode()).decode() not in house.process.said()


def test_systemd_is_told_when_the_relay_is_ready_reloads_and_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    smtp = free_port()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, Helpdesk().running() as desk:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        relay = Process(tmp_path, channels(smtp, desk.port))
        relay.start()
        told = []

        def wait_for(word: str) -> None:
            while word not in told:
                told.append(systemd.recv(1000).decode().split("\n")[0])

        try:
            wait_for("READY=1")
            wait_for("WATCHDOG=1")
            relay.config.write_text(relay.config.read_text() + "# changed\n")
            wait_for("RELOADING=1")
            told.clear()
            wait_for("READY=1")
        finally:
            code = relay.stop()
        assert code == 0
        wait_for("STOPPING=1")

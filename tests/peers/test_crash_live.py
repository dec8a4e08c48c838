"""kill -9 at random moments under load, in every mode and on both engines: what was answered 250 arrives."""

import contextlib
import random
import re
import signal
import smtplib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relay.cli import run as run_cli
from tests.live import Helpdesk, Process, channels, free_port
from tests.peers.postgresql import PostgreSQL, postgresql

pytestmark = pytest.mark.peers

KILLS = 10
"""In each of five set-ups: 50 in all."""
CLIENTS = 3
IN_HAND = 20
"""Items that a runner tries at once: each may be in flight when the process ends, and then arrives once more."""


class Flaky(Helpdesk):
    """A helpdesk that now and then does not take a content now, so that every path through the relay is walked."""

    def _answer(self, line: str, envelope: object) -> bytes:
        if line.startswith("RCPT") and random.random() < 0.3:
            return b"451 4.2.0 not now\r\n"
        return super()._answer(line, envelope)


class Load:
    """Clients that send numbered messages until they are stopped, and remember what was answered 250."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answered: set[str] = set()
        self.sent = 0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]

    @contextlib.contextmanager
    def running(self) -> Iterator["Load"]:
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def _run(self, number: int) -> None:
        turn = 0
        while not self._stop.is_set():
            with (
                contextlib.suppress(OSError, smtplib.SMTPException),
                smtplib.SMTP("127.0.0.1", self.port, timeout=10) as client,
            ):
                while not self._stop.is_set():
                    turn += 1
                    self._send(client, f"{number}-{turn}")
                    time.sleep(0.01)
            time.sleep(0.02)

    def _send(self, client: smtplib.SMTP, name: str) -> None:
        size = random.choice((10, 3_000, 200_000))
        content = f"From: support@company.com\r\nSubject: {name}\r\n\r\n".encode() + b"y\r\n" * (size // 3)
        self.sent += 1
        refused = client.sendmail("", ["in@relay.company.net"], content)
        if not refused:
            with self._lock:
                self.answered.add(name)


def arrived(desk: Helpdesk) -> Counter[str]:
    return Counter(re.search(rb"Subject: (.*)\r\n", got.octets)[1].decode() for got in list(desk.got))


def wait_until(condition: Callable[[], object], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.1)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with postgresql() as running:
        yield running


@pytest.mark.parametrize(
    ("mode", "engine"),
    [
        ("pass-through", "none"),
        ("spool", "sqlite"),
        ("pass-through-or-spool", "sqlite"),
        ("spool", "postgresql"),
        ("pass-through-or-spool", "postgresql"),
    ],
)
@pytest.mark.timeout(400)
def test_what_was_answered_250_arrives_whenever_the_process_is_killed(
    tmp_path: Path, server: PostgreSQL, mode: str, engine: str
):
    port = free_port()
    url = f'url: "{server.database()}", ' if engine == "postgresql" else ""
    with Flaky().running() as desk:
        text = channels(port, desk.port, f"spool: {{{url}retry: [1s]}}\n").replace(
            "mode: pass-through", f"mode: {mode}"
        )
        relay = Process(tmp_path, text)
        relay.start()
        relay.waits_for(port)
        with Load(port).running() as load:
            for _ in range(KILLS):
                time.sleep(random.uniform(0.3, 1.0))
                relay.process.send_signal(signal.SIGKILL)
                relay.process.wait()
                relay.start()
                relay.waits_for(port)
        wait_until(lambda: load.answered <= set(arrived(desk)), 45)
        if mode != "pass-through":  # who was in hand at three kills is held as a suspect
            run_cli(["--config", str(relay.config), "queue", "release", "--state", "held"])
        wait_until(lambda: load.answered <= set(arrived(desk)), 45)
        time.sleep(2)
        relay.stop()
    counted = arrived(desk)
    assert len(load.answered) > 20
    assert load.answered - set(counted) == set()
    duplicates = counted.total() - len(counted)
    assert duplicates <= KILLS * (CLIENTS + IN_HAND)

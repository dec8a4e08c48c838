"""A relay as a process of its own, and a helpdesk that keeps every octet it gets; both on free ports of 127.0.0.1."""

import asyncio
import contextlib
import io
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from relay.cli import run as run_cli

TOP = Path(__file__).resolve().parent.parent


_given: set[int] = set()
_MOST_UNREAD = 1 << 28


def free_port() -> int:
    """A port that nobody listens on, below those that the system gives to whoever asks for any; never twice."""
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port


@dataclass
class Got:
    """One message as it reached the helpdesk."""

    reverse_path: str
    forward_paths: list[str]
    octets: bytes


@dataclass
class Helpdesk:
    """An SMTP server in a thread; refuses the forward-paths in ``refused`` with 550."""

    refused: set[str] = field(default_factory=set)
    got: list[Got] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @contextlib.contextmanager
    def running(self) -> Iterator["Helpdesk"]:
        loop = asyncio.new_event_loop()
        server = loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port or 0, limit=_MOST_UNREAD)
        )
        self.port = server.sockets[0].getsockname()[1]
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(server.close)
            for task in asyncio.all_tasks(loop):
                loop.call_soon_threadsafe(task.cancel)
            time.sleep(0.05)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.run_until_complete(server.wait_closed())
            loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        envelope = Got("", [], b"")
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.write(b"220 desk.example ESMTP\r\n")
            while True:
                line = (await reader.readuntil(b"\r\n")).decode("utf-8")
                writer.write(self._answer(line, envelope))
                if line.startswith("DATA"):
                    await self._take(reader, envelope)
                    writer.write(b"250 2.0.0 ticket %d\r\n" % len(self.got))
                    envelope = Got("", [], b"")
                await writer.drain()
        writer.close()

    def _answer(self, line: str, envelope: Got) -> bytes:
        path = re.search("<(.*?)>", line)
        match line[:4].upper():
            case "EHLO":
                return b"250-desk.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
            case "MAIL":
                envelope.reverse_path = path[1]
            case "RCPT" if path[1] in self.refused:
                return b"550 5.1.1 we do not know that one\r\n"
            case "RCPT":
                envelope.forward_paths.append(path[1])
                return b"250 2.1.5 ok\r\n"
            case "RSET":
                envelope.forward_paths.clear()
            case "DATA":
                return b"354 go\r\n"
        return b"250 ok\r\n"

    async def _take(self, reader: asyncio.StreamReader, envelope: Got) -> None:
        octets = bytearray(b"\r\n")
        while not octets.endswith(b"\r\n.\r\n"):
            octets += await reader.readuntil(b".\r\n")
        envelope.octets = bytes(octets[:-3].replace(b"\r\n.", b"\r\n")[2:])
        self.got.append(envelope)


class Process:
    """``helpdesk-relay serve`` (or another command) on a channels.yaml of its own."""

    def __init__(self, folder: Path, channels: str, *arguments: str) -> None:
        self.folder = folder
        self.config = folder / "channels.yaml"
        self.config.write_text(channels)
        self.log = folder / "log"
        self._arguments = arguments or ("serve",)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "relay", "--config", self.config, *self._arguments],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(TOP)},
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        return self.process

    def said(self) -> str:
        return self.log.read_text()

    def waits_for(self, port: int) -> None:
        for _ in range(400):
            assert self.process is not None
            assert self.process.poll() is None, self.said()
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", port), timeout=2) as trial,
            ):
                if trial.recv(3) == b"220":
                    return
            time.sleep(0.025)
        raise AssertionError(self.said())

    def waits_to_say(self, words: str, times: int = 1) -> None:
        for _ in range(400):
            if self.said().count(words) >= times:
                return
            time.sleep(0.025)
        raise AssertionError(self.said())

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)

    @contextlib.contextmanager
    def running(self, port: int) -> Iterator["Process"]:
        self.start()
        try:
            self.waits_for(port)
            yield self
        finally:
            self.stop()


def beside(relay: Process, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours on the relay's channels.yaml, in this process, which is another than the relay's."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_cli(["--config", str(relay.config), *arguments])
    said = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    assert "Traceback" not in said[1]
    return subprocess.CompletedProcess(arguments, code, *said)


def channels(smtp: int, helpdesk: int, more: str = "") -> str:
    """A channels.yaml for a relay that passes through."""
    return f"""\
version: 1
hostname: relay.company.com
channels:
  support:
    address: support@company.com
    inbound: [in@relay.company.net]
domains: [desk.company.com]
listen: {{smtp: [{{address: "127.0.0.1:{smtp}"}}]}}
deliver: {{helpdesk: "smtp://127.0.0.1:{helpdesk}", mode: pass-through}}
log: {{format: json}}
{more}"""

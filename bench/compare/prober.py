"""A prober: one client that sends a message now and then while others press, and notes how long each took."""

import socket
import threading
import time
from types import TracebackType
from typing import Self

PAUSE_SECONDS = 0.01
FROM, TO = "support@company.com", "in@relay.company.net"


class Prober(threading.Thread):
    """Sends from the start to the end of a ``with`` block; ``seconds`` has a figure for each message.

    A figure is the time from the first octet sent to the reply to the final dot; where a connection carries one
    message, from before it was opened.
    """

    def __init__(self, port: int, octets: int, *, once: bool, pause: float = PAUSE_SECONDS) -> None:
        super().__init__(daemon=True)
        self.seconds: list[float] = []
        self.trouble: BaseException | None = None
        self._port, self._once, self._pause = port, once, pause
        self._content = message(octets)
        self._enough = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._enough.set()
        self.join()
        if self.trouble is not None and error is None:
            raise SystemExit(f"the prober was not served: {self.trouble}")

    def run(self) -> None:
        try:
            while not self._enough.is_set():
                began = time.perf_counter()
                with Client(self._port) as client:
                    if not self._once:
                        began = time.perf_counter()
                    client.send(self._content)
                    self.seconds.append(time.perf_counter() - began)
                    while not self._once and not self._enough.wait(self._pause):
                        began = time.perf_counter()
                        client.send(self._content)
                        self.seconds.append(time.perf_counter() - began)
                self._enough.wait(self._pause)
        except (OSError, ValueError) as trouble:
            self.trouble = trouble


class Client:
    """An SMTP client that waits for each reply, as smtp-source does."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._said = self._socket.makefile("rb")
        self._expect(b"2")
        self._put(b"HELO prober.example\r\n", b"2")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._put(b"QUIT\r\n", b"2")
        self.close()

    def close(self) -> None:
        self._said.close()
        self._socket.close()

    def send(self, content: bytes) -> None:
        """Send one message; ValueError if it is not taken."""
        self._put(f"MAIL FROM:<{FROM}>\r\n".encode(), b"2")
        self._put(f"RCPT TO:<{TO}>\r\n".encode(), b"2")
        self._put(b"DATA\r\n", b"3")
        self._put(content, b"2")

    def _put(self, octets: bytes, good: bytes) -> None:
        self._socket.sendall(octets)
        self._expect(good)

    def _expect(self, good: bytes) -> None:
        line = self._said.readline()
        while line[3:4] == b"-":
            line = self._said.readline()
        if not line.startswith(good):
            raise ValueError(line)


def message(octets: int) -> bytes:
    """Return data of about so many octets, final dot and all."""
    head = f"From: {FROM}\r\nTo: {TO}\r\nSubject: probe\r\nMessage-ID: <probe@company.com>\r\n\r\n".encode()
    line = b"x" * 76 + b"\r\n"
    return head + line * (octets // len(line)) + b".\r\n"

"""A next hop that does as it is told: for each verb a reply, silence, rubbish or the end of the connection."""

import asyncio
import re
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from relay.mail.hop import NextHop, Scheme

HANG = "hang"
DROP = "drop"
TLS = "tls"
Step = bytes | str
"""Octets to answer (several replies if need be), or HANG, DROP, TLS; ``DROP`` behind octets: answered, then closed."""

FULL = ("PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8", "DSN", "XFORWARD NAME ADDR PROTO HELO")
GOOD = {
    "GREETING": b"220 desk.example ESMTP\r\n",
    "RSET": b"250 2.0.0 reset\r\n",
    "MAIL": b"250 2.1.0 ok\r\n",
    "RCPT": b"250 2.1.5 ok\r\n",
    "DATA": b"354 go\r\n",
    ".": b"250 2.0.0 taken as 1\r\n",
    "QUIT": b"221 2.0.0 bye\r\n",
    "XFORWARD": b"250 2.0.0 noted\r\n",
    "STARTTLS": TLS,
    "AUTH": b"235 2.7.0 welcome\r\n",
}


@dataclass
class Session:
    """What one connection brought."""

    lines: list[str] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    """As on the wire: dot-stuffed, without the final dot's line."""
    segments: list[bytes] = field(default_factory=list)
    """What came in one read, from the end of the handshake on."""
    reader: asyncio.StreamReader | None = None

    @property
    def ended(self) -> bool:
        """The client has closed its side."""
        return self.reader is not None and self.reader.at_eof()

    def said(self, verb: str) -> list[str]:
        return [line for line in self.lines if line.upper().startswith(verb)]


class ScriptedHop:
    """An SMTP or LMTP server on 127.0.0.1 or a unix socket; use as ``async with``."""

    def __init__(
        self,
        script: dict[str, Step | Sequence[Step]] | None = None,
        *,
        extensions: Sequence[str] = FULL,
        lmtp: bool = False,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        path: Path | None = None,
        address: str = "127.0.0.1",
        deaf: bool = False,
        hesitant: bool = False,
    ) -> None:
        self.script = {
            verb: list(step) if isinstance(step, list | tuple) else step
            for verb, step in (script or {}).items()
        }
        self.extensions = list(extensions)
        self.sessions: list[Session] = []
        self.lmtp = lmtp
        self.tls = tls
        self.implicit = implicit
        self.path = path
        self.address = address
        self.deaf = deaf  # stops reading at the content
        self.hesitant = hesitant  # has little room for it, and starts reading it late
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        if self.path is not None:
            self._server = await asyncio.start_unix_server(self._serve, str(self.path))
        else:
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self.hesitant:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
            listener.bind((self.address, self.port))
            self.port = listener.getsockname()[1]
            self._server = await asyncio.start_server(
                self._serve, sock=listener, ssl=self.tls if self.implicit else None
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)

    @property
    def hop(self) -> NextHop:
        return self.hop_by(Scheme.LMTP if self.lmtp else Scheme.SMTP)

    def hop_by(self, scheme: Scheme, host: str = "", **login: str) -> NextHop:
        if self.path is not None:
            return NextHop(Scheme.LMTP_UNIX, path=str(self.path))
        return NextHop(scheme, host or self.address, self.port, **login)

    @property
    def session(self) -> Session:
        (session,) = self.sessions
        return session

    def hang_up(self) -> None:
        """Close every connection, as a server does that restarts."""
        for writer in self._writers:
            writer.close()

    async def say(self, octets: bytes) -> None:
        """Say something out of turn on every connection."""
        for writer in self._writers:
            if not writer.is_closing():
                writer.write(octets)
                await writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.append(writer)
        session = Session(reader=reader)
        self.sessions.append(session)
        try:
            await _Dialog(self, session, reader, writer).run()
        except (asyncio.CancelledError, OSError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()


class _EndError(ConnectionError):
    """The script says that the connection ends here."""


class _Dialog:
    """One connection."""

    def __init__(
        self, hop: ScriptedHop, session: Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.hop = hop
        self.session = session
        self.reader = reader
        self.writer = writer
        self.rest = b""
        self.mailed = False
        self.accepted = 0

    async def run(self) -> None:
        await self.do("GREETING")
        while True:
            line = (await self.until(b"\r\n")).decode("utf-8", "surrogateescape")
            self.session.lines.append(line)
            verb = re.split(r"[ :]", line.upper(), maxsplit=1)[0]
            if verb in ("EHLO", "LHLO", "HELO") and verb not in self.hop.script:
                self.hello(verb)
            elif self.too_early(verb):
                self.writer.write(b"503 5.5.1 not now\r\n")
            else:
                await self.command(verb)

    def too_early(self, verb: str) -> bool:
        return (verb == "DATA" and not self.accepted and verb not in self.hop.script) or (
            verb == "RCPT" and not self.mailed
        )

    async def command(self, verb: str) -> None:
        positive = (await self.do(verb))[:1] in (b"2", b"3")
        match verb:
            case "MAIL" | "RSET":
                self.mailed, self.accepted = positive and verb == "MAIL", 0
            case "RCPT":
                self.accepted += positive
            case "DATA" if positive:
                await self.content()
            case "QUIT":
                raise _EndError

    async def content(self) -> None:
        if self.hop.deaf:
            await asyncio.sleep(3600)
        if self.hop.hesitant:
            await asyncio.sleep(0.05)
        self.rest = b"\r\n" + self.rest
        self.session.contents.append((await self.until(b"\r\n.\r\n") + b"\r\n")[2:])
        for _ in range(self.accepted if self.hop.lmtp else 1):
            await self.do(".")
        self.mailed, self.accepted = False, 0

    async def until(self, end: bytes) -> bytes:
        held = bytearray(self.rest)
        seen = 0
        while (at := held.find(end, max(0, seen - len(end)))) < 0:
            seen = len(held)
            octets = await self.reader.read(1 << 20)
            if not octets:
                raise _EndError
            self.session.segments.append(octets)
            held += octets
        self.rest = bytes(held[at + len(end) :])
        return bytes(held[:at])

    def hello(self, verb: str) -> None:
        if (verb == "LHLO") != self.hop.lmtp:
            self.writer.write(b"500 5.5.1 not here\r\n")
            return
        offers = ["desk.example"] if verb == "HELO" else ["desk.example", *self.hop.extensions]
        if self.hop.tls is not None and verb != "HELO" and self.writer.get_extra_info("ssl_object") is None:
            offers.append("STARTTLS")
        lines = [f"250{' ' if n == len(offers) - 1 else '-'}{offer}\r\n" for n, offer in enumerate(offers)]
        self.writer.write("".join(lines).encode())

    async def do(self, verb: str) -> bytes:
        """Answer as the script says; return what was said."""
        step = self.hop.script.get(verb, GOOD.get(verb, b"502 5.5.2 what?\r\n"))
        if isinstance(step, list):
            step = step.pop(0) if len(step) > 1 else step[0]
        if step == HANG:
            await asyncio.sleep(3600)
        if step == DROP:
            raise _EndError
        if step == TLS:
            assert self.hop.tls is not None
            self.writer.write(b"220 2.0.0 go\r\n")
            await self.writer.start_tls(self.hop.tls)
            return b""
        assert isinstance(step, bytes)
        octets = step.removesuffix(b"DROP")
        self.writer.write(octets)
        await self.writer.drain()
        if octets != step:
            raise _EndError
        return octets

"""What intake's tests share: a mail transaction that remembers, and a client that speaks octets."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from relay.intake.events import IntakeEvent, SessionBegun, SessionEnded
from relay.intake.server import Intake
from relay.intake.terms import IntakeLimits, ListenerSettings, Terms
from relay.mail.content import Content
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.reply import Reply

TAKEN = Reply(250, "2.6.0", "taken")
USERS = {"anna": "secret", "jörg": "größer"}


@dataclass
class FakeTransaction:
    """Remembers what a session told it; answers as its house says."""

    house: "House"
    client: Client
    reverse_path: ReversePath
    forward_paths: list[ForwardPath] = field(default_factory=list)
    noted: list[ForwardPath] = field(default_factory=list)
    octets: bytes | None = None
    head_is_whole: bool | None = None
    kind: str = ""
    abandoned: int = 0

    async def rcpt(self, path: ForwardPath) -> Reply:
        self.forward_paths.append(path)
        return await self.house.answer_rcpt(path)

    def note(self, path: ForwardPath) -> None:
        self.noted.append(path)

    async def content(self, content: Content) -> Reply:
        self.kind = type(content).__name__
        self.head_is_whole = content.head_is_whole
        if self.house.keep_octets:
            self.octets = b"".join(content.chunks_from(0))
            assert len(self.octets) == content.size
        self.house.contents += 1
        return await self.house.answer_content(self)

    async def abandon(self) -> None:
        self.abandoned += 1
        await asyncio.sleep(self.house.abandon_seconds)
        if self.reverse_path.text == "boom-abandon@x.example":
            raise RuntimeError("the secret inside")


async def usual_rcpt(path: ForwardPath) -> Reply:
    match path.mailbox.local:
        case "refused":
            return Reply(550, "5.7.1", "Not ours")
        case "later":
            return Reply(451, "4.3.0", "Later")
        case "leave":
            return Reply(421, "4.3.2", "Leave")
        case "boom":
            raise RuntimeError("the secret inside")
    return Reply(250, "2.1.5", "OK")


async def usual_content(transaction: FakeTransaction) -> Reply:
    if transaction.reverse_path.text == "boom-content@x.example":
        raise RuntimeError("the secret inside")
    return TAKEN


async def usual_authenticate(user: str, password: str) -> bool:
    if user == "boom":
        raise RuntimeError("the secret inside")
    return USERS.get(user) == password


@dataclass
class House:
    """Everything behind the seam: begins transactions, keeps them, observes."""

    answer_rcpt: Callable[[ForwardPath], Awaitable[Reply]] = usual_rcpt
    answer_content: Callable[[FakeTransaction], Awaitable[Reply]] = usual_content
    abandon_seconds: float = 0.0
    keep: bool = True
    keep_octets: bool = True
    transactions: list[FakeTransaction] = field(default_factory=list)
    events: list[IntakeEvent] = field(default_factory=list)
    """All but the next."""
    sessions: list[SessionBegun | SessionEnded] = field(default_factory=list)
    contents: int = 0

    def begin(self, client: Client, reverse_path: ReversePath) -> FakeTransaction | Reply:
        match reverse_path.text:
            case "refused@x.example":
                return Reply(550, "5.7.1", "Not you")
            case "boom@x.example":
                raise RuntimeError("the secret inside")
        transaction = FakeTransaction(self, client, reverse_path)
        if self.keep:
            self.transactions.append(transaction)
        return transaction

    def observe(self, event: IntakeEvent) -> None:
        if isinstance(event, SessionBegun | SessionEnded):
            self.sessions.append(event)
        else:
            self.events.append(event)

    @property
    def delivered(self) -> list[bytes]:
        return [t.octets for t in self.transactions if t.octets is not None]


def terms_of(house: House, folder: Path, **changed: object) -> Terms:
    """Return terms that no test waits for: no delay after a failed AUTH."""
    limits = changed.pop("limits", None) or IntakeLimits(auth_delay=0.0)
    return Terms(
        hostname="relay.example",
        folder=folder,
        begin=house.begin,
        observe=house.observe,
        authenticate=usual_authenticate,
        limits=limits,  # type: ignore[arg-type]
        **changed,  # type: ignore[arg-type]
    )


@contextlib.asynccontextmanager
async def running(terms: Terms, *listeners: ListenerSettings, drain: float = 2.0) -> AsyncIterator[Intake]:
    """Run an intake on the listeners, or on one free port of 127.0.0.1."""
    intake = Intake(terms)
    await intake.listen(listeners or (ListenerSettings("127.0.0.1", 0),))
    try:
        yield intake
    finally:
        await intake.stop(drain)


class Caller:
    """A client that says octets and hears replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, octets: bytes) -> None:
        self.writer.write(octets)
        await self.writer.drain()

    async def hear(self) -> str:
        """Return one reply, its lines separated by LF; empty at the end of the connection."""
        lines: list[str] = []
        while True:
            line = await asyncio.wait_for(self.reader.readline(), 20)
            if not line:
                return "\n".join(lines)
            assert line.endswith(b"\r\n"), line
            lines.append(line[:-2].decode("ascii"))
            assert line[:3].isdigit(), line
            if line[3:4] == b" ":
                return "\n".join(lines)
            assert line[3:4] == b"-", line

    async def ask(self, line: str | bytes) -> str:
        await self.say((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        return await self.hear()

    async def hello(self) -> str:
        assert (await self.hear()).startswith("220 ")
        return await self.ask("EHLO client.example")

    async def send(self, data: bytes, *forward_paths: str, mail: str = "FROM:<a@x.example>") -> str:
        """Send one message; ``data`` goes out as it is, end of data included; return the last reply."""
        replies = [await self.ask(f"MAIL {mail}")]
        replies.extend([await self.ask(f"RCPT TO:<{path}>") for path in forward_paths or ("b@y.example",)])
        replies.append(await self.ask("DATA"))
        assert replies[-1].startswith("354 "), replies
        await self.say(data)
        return await self.hear()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Go over to TLS on the client's side."""
        loop = asyncio.get_running_loop()
        protocol = self.writer.transport.get_protocol()
        transport = await loop.start_tls(
            self.writer.transport, protocol, context, server_hostname="relay.example"
        )
        assert transport is not None
        self.writer._transport = transport  # type: ignore[attr-defined]
        self.reader._transport = transport  # type: ignore[attr-defined]
        protocol._over_ssl = True  # type: ignore[attr-defined]

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


@contextlib.asynccontextmanager
async def calling(
    intake: Intake, *, source: str = "127.0.9.1", number: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Caller]:
    """Connect to the intake's listener ``number`` from a stranger's address."""
    host, port = intake.addresses[number]
    extra = {"ssl": tls, "server_hostname": "relay.example"} if tls else {}
    reader, writer = await asyncio.open_connection(host, port, local_addr=(source, 0), limit=1 << 20, **extra)  # type: ignore[arg-type]
    caller = Caller(reader, writer)
    try:
        yield caller
    finally:
        await caller.close()


async def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)

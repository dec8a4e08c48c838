"""The stand-in helpdesk as a next hop: the same calls as a connection to a server, and it refuses nothing."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from relay.errors import LocalProtocolError
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.reply import Reply
from relay.sandbox.inbox import OCTETS_KEPT, SandboxInbox

_BEGUN = Reply(250, "2.1.0", "The sandbox takes it")
_ACCEPTED = Reply(250, "2.1.5", "The sandbox takes everything")


class SandboxHop:
    """Hands out exchanges that end in ``inbox``; any number at a time."""

    def __init__(self, inbox: SandboxInbox, now: Callable[[], datetime]) -> None:
        """Take the inbox, and the clock that says when a message was received (aware)."""
        self.inbox = inbox
        self._now = now

    def acquire(self) -> "SandboxExchange":
        """Return an exchange; there is always one."""
        return SandboxExchange(self.inbox, self._now)

    def release(self, exchange: "SandboxExchange") -> None:
        """Take an exchange back; an open transaction is forgotten."""
        exchange.settle()


class SandboxExchange:
    """One mail transaction at a time with the stand-in helpdesk."""

    def __init__(self, inbox: SandboxInbox, now: Callable[[], datetime]) -> None:
        self._inbox = inbox
        self._now = now
        self._reverse_path: ReversePath | None = None
        self._forward_paths: list[ForwardPath] = []

    async def mail_and_rcpt(
        self, reverse_path: ReversePath, forward_path: ForwardPath, client: Client | None = None
    ) -> tuple[Reply, Reply]:
        """Begin a transaction with its first forward-path."""
        mail, (rcpt,) = await self.envelope(reverse_path, (forward_path,), client)
        return mail, rcpt

    async def envelope(
        self, reverse_path: ReversePath, forward_paths: Sequence[ForwardPath], client: Client | None = None
    ) -> tuple[Reply, tuple[Reply, ...]]:
        """Begin a transaction; every forward-path is accepted."""
        del (
            client
        )  # the sandbox shows what the helpdesk gets, and it gets no more than the header section says
        self._reverse_path = reverse_path
        self._forward_paths = list(forward_paths)
        return _BEGUN, (_ACCEPTED,) * len(forward_paths)

    async def rcpt(self, forward_path: ForwardPath) -> Reply:
        """Accept one more forward-path."""
        if self._reverse_path is None:
            raise LocalProtocolError("RCPT outside a transaction")
        self._forward_paths.append(forward_path)
        return _ACCEPTED

    async def data(self, chunks: Iterable[bytes]) -> tuple[Reply, ...]:
        """Keep the message; return one reply for each forward-path."""
        if self._reverse_path is None or not self._forward_paths:
            raise LocalProtocolError("DATA without an accepted forward-path")
        octets = bytearray()
        size = 0
        for chunk in chunks:
            octets += chunk[: OCTETS_KEPT - len(octets)]
            size += len(chunk)
        paths = tuple(path.text for path in self._forward_paths)
        message = self._inbox.add(self._now(), self._reverse_path.text, paths, bytes(octets), size)
        self.settle()
        return (Reply(250, "2.0.0", f"Kept in the sandbox as message {message.id}"),) * len(paths)

    async def rset(self) -> None:
        """Forget the transaction."""
        self.settle()

    def settle(self) -> None:
        """Forget the transaction."""
        self._reverse_path = None
        self._forward_paths = []

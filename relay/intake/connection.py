"""One client's connection: lines in, replies out, deadlines, TLS; knows no command.

The foundation is aiosmtpd's SMTP class, whose start-up and reading loop are replaced: they introspect every
connection, write and log every reply by itself, and cancel what is running when the client half-closes.
"""

import asyncio
import ssl
from abc import abstractmethod
from collections.abc import Awaitable
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address

from relay.deadline import Deadline
from relay.intake import replies
from relay.intake.events import Cause, SessionCut, SessionFaulted, SessionRefused
from relay.intake.incoming import Incoming
from relay.intake.reception import Reception
from relay.intake.terms import ListenerSettings, TlsMode
from relay.intake.tls import feed
from relay.mail.envelope import Address, Client, plain_address
from relay.mail.reply import Reply

LONGEST_LINE = 12 * 1024
"""Octets of a command line; RFC 4954 section 4 asks for this much."""
_LINGER_SECONDS = 2.0
_DATA_GRACE_SECONDS = 60.0


class Connection(Incoming):
    """The octets of a session; ``converse`` is what subclasses fill in."""

    client = Client()
    peer: Address | None = None
    """Whom we talk to: the other end, or the client that a PROXY header names."""
    counted: Address | None = None
    """As whom the connection counts against ``connections_per_client``."""
    refused = False
    """It is not let in, and so does not count against ``connections``."""
    in_data = False
    """The client is in the midst of its data: octets that come now are no commands."""
    ending = False
    """Nothing more is read; the connection closes once the replies are out."""
    _input = b""
    """What was read and not looked at, from ``_at`` on; empty where that is nothing."""
    _at = 0
    _handler_coroutine: asyncio.Task[None] | None = None

    def __init__(
        self, reception: Reception, settings: ListenerSettings, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(loop)
        self.terms = reception.terms
        self.settings = settings
        self.reception = reception
        self._deadline = Deadline(loop, self._expired)
        self._command_timeout = reception.terms.limits.command_timeout
        self._tls_first = settings.tls is TlsMode.REQUIRED
        self._output: list[bytes] = []

    # --- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the session."""
        self.transport = transport  # type: ignore[assignment]  # it is one for both directions
        name = transport.get_extra_info("peername")
        if isinstance(name, tuple):  # else a unix socket, which has no address
            self.client = _client_at(name[0])
            self.peer = self.client.address
        self._handler_coroutine = self.loop.create_task(self._handle_client())
        self.reception.enter(self, self._handler_coroutine)

    def connection_lost(self, error: Exception | None) -> None:
        """Let the session find out; what it is delivering goes on."""
        if self._handler_coroutine is None or self._handler_coroutine.done():
            self._deadline.end()
        else:
            self._deadline.stop()
        super().connection_lost(error)

    async def _handle_client(self) -> None:
        try:
            await self.converse()
            await self._part()
        except Exception as error:  # the edge of the process towards one client
            self.observe_fault(error)
        finally:
            self.ending = True
            if self.transport is None:
                self._deadline.end()
            else:
                self.transport.close()
                self._deadline.set(_LINGER_SECONDS)  # what the client has not read by then is dropped

    @abstractmethod
    async def converse(self) -> None:
        """Hold the session from its first octet to its last reply."""

    @abstractmethod
    def retire(self) -> None:
        """Go now if nothing is under way, else after this mail transaction."""

    @abstractmethod
    def evict(self) -> None:
        """Go now, whatever is under way."""

    # --- reading

    async def next_line(self) -> bytes | None:
        """Return the next line without its end (cut where it is far too long); None when the client is gone.

        None, too, where the deadline came first, if only by a hair: then the client was told so.
        """
        octets, at = self._input or await self._more(), self._at
        end = octets.find(b"\n", at)
        while end < 0:
            more = await self._more() if octets else b""
            if not more:
                return None
            octets, at = _joined(octets[at:], more), 0
            end = octets.find(b"\n")
        if end + 1 < len(octets):
            self._input, self._at = octets, end + 1
        else:
            self._input, self._at = b"", 0
        return None if self.ending else octets[at:end].removesuffix(b"\r")

    async def next_chunk(self) -> bytes:
        """Return octets as they come; nothing when the client is gone."""
        octets = self._unread() if self._input else await self._more()
        return b"" if self.ending else octets

    def put_back(self, octets: bytes) -> None:
        """Have ``octets`` read next."""
        self._input = octets + self._unread()

    def _unread(self) -> bytes:
        unread = self._input[self._at :]
        self._input, self._at = b"", 0
        return unread

    def _more(self) -> Awaitable[bytes]:
        """Send what was said, then wait for octets; nothing when the client is gone, or is to go."""
        self._send()
        if self._paused or self.ending:  # type: ignore[attr-defined]
            return self._more_later()
        return self.next_octets()

    async def _more_later(self) -> bytes:
        await self._drain()
        return b"" if self.ending else await self.next_octets()

    # --- writing

    def say(self, reply: Reply) -> None:
        """Answer; the octets leave when the client has nothing more for us to read."""
        self._output.append(replies.octets_of(reply))
        if reply.code == 421:
            self.ending = True

    async def flush(self) -> None:
        """Send what was said."""
        self._send()
        await self._drain()

    def _send(self) -> None:
        output, transport = self._output, self.transport
        if output:
            if transport is not None and not transport.is_closing():
                transport.write(b"".join(output))
            output.clear()

    async def _drain(self) -> None:
        """Wait while the client does not read what we say, with the deadline running."""
        if self._paused:  # type: ignore[attr-defined]
            try:
                await self._drain_helper()  # type: ignore[attr-defined]
            except OSError:
                self.ending = True

    def cut(self, reply: Reply, cause: Cause) -> None:
        """Answer with a 421 and end the session."""
        self.say(reply)
        self.terms.observe(SessionCut(self.client, cause))

    def refuse(self, reply: Reply | None, cause: Cause) -> None:
        """Send the client away before its first command; without a word where it would not be understood."""
        if reply is not None:
            self.say(reply)
        self.refused = True
        self.reception.doors.refused += 1
        self.terms.observe(SessionRefused(self.client, cause))

    def observe_fault(self, error: Exception) -> None:
        """Report a bug; the client learns nothing of it."""
        self.terms.observe(SessionFaulted(self.client, error))

    def hang_up(self, reply: Reply) -> None:
        """Say a last word out of turn and close; the session finds the connection at its end."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if self.ending or transport.get_write_buffer_size():
            transport.abort()  # it does not read what was said before
            return
        self.ending = True
        transport.write(b"".join([*self._output, replies.octets_of(reply)]))
        self._output.clear()
        transport.close()

    async def _part(self) -> None:
        """Close so that our last reply arrives even if the client has sent more than we read."""
        self.ending = True
        self._deadline.set(_LINGER_SECONDS)
        self._send()
        if self._paused:  # type: ignore[attr-defined]
            await self._drain()
        if self._at_end:  # it can send no more
            return
        if self.transport is None or self.transport.is_closing() or not self.transport.can_write_eof():
            return
        with suppress(OSError):  # it is gone, and only asyncio's own loop minds
            self.transport.write_eof()
        while await self.next_octets():
            pass

    # --- deadlines

    def expect_handshake(self) -> None:
        """Give the client the time for a handshake."""
        self._deadline.set(self.terms.limits.handshake_timeout)

    def expect_nothing(self) -> None:
        """Wait as long as it takes: it is us who are at work."""
        self._deadline.clear()

    def expect_data(self) -> None:
        """Give the client some time for the beginning of the data; ``data_came`` gives it more."""
        self._deadline.set(min(_DATA_GRACE_SECONDS, self._command_timeout or _DATA_GRACE_SECONDS))

    def data_came(self, octets: int, *, last: bool) -> None:
        """Put the deadline off as ``data_rate`` says, never further than a command's; behind the last nothing is late."""
        rate = self.terms.limits.data_rate
        if last:
            self._deadline.clear()
        elif rate:
            self._deadline.extend(octets / rate, self._command_timeout)
        else:
            self._deadline.set(self._command_timeout)

    def _expired(self) -> None:
        if self.ending:
            if self.transport is not None:
                self.transport.abort()
            return
        self.terms.observe(
            SessionCut(self.client, Cause.DATA_RATE if self.in_data else Cause.COMMAND_TIMEOUT)
        )
        self.hang_up(replies.TOO_SLOW if self.in_data else replies.TIMED_OUT)

    # --- TLS

    async def start_tls(self, context: ssl.SSLContext, early: bytes) -> bool:
        """Go over to TLS; ``early`` is what of the handshake was read already.  False: it failed, we are apart."""
        transport = self.transport
        if transport is None:
            return False
        self.expect_nothing()  # the handshake has its own deadline
        handshake = self.loop.create_task(
            self.loop.start_tls(
                transport,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=self.terms.limits.handshake_timeout,
            )
        )
        if early:
            await asyncio.sleep(
                0
            )  # now the TLS layer waits for its connection_made, which runs before what follows
            self.loop.call_soon(feed, transport, early)
        try:
            upgraded = await handshake
        except OSError:  # ssl.SSLError, a reset, a timeout
            upgraded = None
        if upgraded is None or self.transport is None:
            self.ending = True
            self.terms.observe(SessionCut(self.client, Cause.TLS_FAILED))
            return False
        self.transport = upgraded
        self._over_ssl = True
        return True

    def take_unread(self) -> bytes:
        """Stop reading; return, and forget, what came and was not looked at yet."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()
        return self._unread() + self.take_kept()


@lru_cache(maxsize=1024)  # most mail comes from few clients, again and again
def _client_at(text: str) -> Client:
    return Client(plain_address(ip_address(text.partition("%")[0])))


def _joined(begun: bytes, octets: bytes) -> bytes:
    """Return the line that has ``begun`` with what came after it; cut where it is far too long."""
    if len(begun) <= LONGEST_LINE:
        return begun + octets
    end = octets.find(b"\n")
    return begun[: LONGEST_LINE + 1] + (octets[end:] if end >= 0 else b"")

"""One connection to one hop: pipelined mail transactions, strictly in step with the hop's replies.

Made by ``relay.delivery.handshake``.  A transaction is MAIL and RCPT (``mail_and_rcpt``, ``rcpt``, or
``envelope`` for all at once), then ``data``; or ``transaction`` for the whole in as few round trips as
the hop allows.  What a hop answers is a value, also when it refuses; broken promises are exceptions
(``relay.delivery.faults``), and a connection on which one was raised, or a call was cancelled, is closed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relay.delivery.commands import (
    NEEDS_SMTPUTF8,
    Announced,
    mail_command,
    rcpt_command,
    wants_smtputf8,
    xforward_command,
)
from relay.delivery.faults import DroppedError, StaleConnectionError, UnknownOutcomeError
from relay.delivery.stuffing import DotStuffer
from relay.delivery.wire import Wire
from relay.errors import LocalProtocolError, PeerError
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.hop import NextHop
from relay.mail.reply import Reply

_SEGMENT = 64 * 1024  # octets of content written at once; each must be taken within Timeouts.reply


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a hop may take, in seconds; 0 means no limit."""

    connect: float = 10
    """Until the transport stands, name look-up included."""
    reply: float = 30
    """For every reply but the last, the greeting and the TLS handshake included."""
    content: float = 480
    """From the final dot to its reply."""


class Connection:
    """A connection to ``hop`` that is ready for transactions, one at a time, from one task."""

    def __init__(self, hop: NextHop, offered: Announced, wire: Wire, timeouts: Timeouts) -> None:
        self.hop = hop
        self.announced, self.link = offered, wire.link
        self.transactions = 0  # begun so far
        self.mail_refused = False  # in the one at hand; its reply answers for every forward-path
        self._wire = wire
        self._reply_limit = timeouts.reply or None
        self._content_limit = timeouts.content or None
        self._open = False  # the hop holds an envelope of ours
        self._owed = 0  # replies to RSET that were not waited for
        self._answered = True  # the hop has replied in this transaction
        self._utf8, self._xforward = False, True
        self._accepted = 0

    @property
    def usable(self) -> bool:
        """Another transaction may be tried; a hop that has closed in the meantime may not be known yet."""
        return self._wire.usable

    @property
    def may_be_stale(self) -> bool:
        """The connection was kept, and the hop has said nothing yet in this transaction."""
        return self.transactions > 1 and not self._answered

    async def mail_and_rcpt(
        self, reverse_path: ReversePath, forward_path: ForwardPath, client: Client | None = None
    ) -> tuple[Reply, Reply]:
        """Begin a transaction with its first forward-path; return the replies to MAIL and RCPT (see ``envelope``)."""
        mail, (rcpt,) = await self.envelope(reverse_path, (forward_path,), client)
        return mail, rcpt

    async def envelope(
        self, reverse_path: ReversePath, forward_paths: Sequence[ForwardPath], client: Client | None = None
    ) -> tuple[Reply, tuple[Reply, ...]]:
        """Begin a transaction; return the reply to MAIL and one for each forward-path.

        A refused MAIL answers for every forward-path.  Where a path needs SMTPUTF8 and the hop has none,
        the answer is ours: 553 5.6.7.  ``reverse_path.size`` is said as it is: let it count what the relay
        prepends.  ``client``, if given, is told with XFORWARD where the hop takes that.
        """
        with _InStep(self):
            opening, rcpts = self._plan(reverse_path, forward_paths, client)
            if not opening:
                return NEEDS_SMTPUTF8, (NEEDS_SMTPUTF8,) * len(forward_paths)
            if self.announced.pipelining:
                self._write(*opening, *filter(None, rcpts))
                return await self._envelope_replies(opening, rcpts)
            mail = await self._opened(opening, written=False)
            if not mail.positive:
                return mail, (mail,) * len(forward_paths)
            return mail, tuple([await self._put(line) for line in rcpts])

    async def rcpt(self, forward_path: ForwardPath) -> Reply:
        """Put one more forward-path to the hop, in a transaction whose MAIL was accepted."""
        with _InStep(self):
            if not self._open:
                raise LocalProtocolError("RCPT outside a transaction")
            return await self._put(rcpt_command(forward_path, self.announced, utf8=self._utf8))

    async def data(self, chunks: Iterable[bytes]) -> tuple[Reply, ...]:
        """Hand over the content; return one reply for each accepted forward-path, in the order of acceptance.

        The replies of an SMTP hop are all the same one; an LMTP hop has one for each (RFC 2033 4.2).
        ``chunks`` are the content's octets, not dot-stuffed, with CRLF line ends.  Raises
        ``UnknownOutcomeError`` from the final dot on, ``LocalProtocolError`` before it at a bare CR or LF.
        """
        with _InStep(self):
            if not self._accepted:
                raise LocalProtocolError("DATA without an accepted forward-path")
            self._write(b"DATA\r\n")
            return await self._content(chunks)

    async def transaction(
        self,
        reverse_path: ReversePath,
        forward_paths: Sequence[ForwardPath],
        chunks: Iterable[bytes],
        client: Client | None = None,
    ) -> tuple[Reply, ...]:
        """Do a whole transaction; return for each forward-path the reply that decided about it.

        With PIPELINING, MAIL, all RCPT and DATA go in one segment (RFC 2920 3.1).  The ``replies`` of an
        ``UnknownOutcomeError`` stand in the order of ``forward_paths`` too.
        """
        if not self.announced.pipelining:
            _, answers = await self.envelope(reverse_path, forward_paths, client)
            if not self._accepted:
                return answers
            with _InStep(self):
                self._write(b"DATA\r\n")
                return await self._decided(answers, chunks)
        with _InStep(self):
            opening, rcpts = self._plan(reverse_path, forward_paths, client)
            if not opening or not any(rcpts):
                return (NEEDS_SMTPUTF8,) * len(forward_paths)
            self._write(*opening, *filter(None, rcpts), b"DATA\r\n")
            _, answers = await self._envelope_replies(opening, rcpts)
            return await self._decided(answers, chunks)

    async def rset(self) -> None:
        """Leave a transaction and wait for the hop's word on it; ``settle`` does not wait."""
        with _InStep(self):
            self.settle()
            await self._pay()

    def settle(self) -> None:
        """Leave a transaction that is open, without waiting: RSET is written now, its reply read with the next one."""
        if self._open and self._wire.usable:
            self._wire.send(b"RSET\r\n", 1)
            self._owed += 1
        self._open, self._accepted = False, 0

    def quit(self) -> None:
        """Take leave with QUIT and close, without waiting for the reply."""
        if self._wire.usable:
            self._wire.send(b"QUIT\r\n", 1)
        self._wire.close()

    def abort(self) -> None:
        """Close at once; what the hop has not got by now it will not get."""
        self._wire.abort()

    async def closed(self, seconds: float) -> None:
        """Wait until the connection is gone after ``quit`` or ``abort``, cut off after ``seconds``."""
        await self._wire.closed(seconds)

    def _plan(
        self, reverse_path: ReversePath, forward_paths: Sequence[ForwardPath], client: Client | None
    ) -> tuple[list[bytes], list[bytes | None]]:
        """Start a transaction; return XFORWARD and MAIL (nothing: the hop cannot be told), and the RCPT lines."""
        self.settle()
        self._utf8 = wants_smtputf8(reverse_path, forward_paths, self.announced)
        mail = mail_command(reverse_path, self.announced, utf8=self._utf8)
        rcpts = [rcpt_command(path, self.announced, utf8=self._utf8) for path in forward_paths]
        if mail is None:
            return [], rcpts
        xforward = (
            xforward_command(client, self.announced.xforward)
            if client is not None and self._xforward
            else None
        )
        self.transactions += 1
        self._answered, self._open = False, True
        return [*filter(None, (xforward,)), mail], rcpts

    def _write(self, *lines: bytes) -> None:
        self._wire.send(b"".join(lines), len(lines))

    async def _put(self, line: bytes | None) -> Reply:
        if line is None:
            return NEEDS_SMTPUTF8
        self._write(line)
        return await self._rcpt_reply()

    async def _envelope_replies(
        self, opening: Sequence[bytes], rcpts: Sequence[bytes | None]
    ) -> tuple[Reply, tuple[Reply, ...]]:
        mail = await self._opened(opening, written=True)
        replies = tuple([NEEDS_SMTPUTF8 if line is None else await self._rcpt_reply() for line in rcpts])
        if mail.positive:
            return mail, replies
        self._accepted = 0
        return mail, (mail,) * len(rcpts)

    async def _opened(self, opening: Sequence[bytes], *, written: bool) -> Reply:
        """Return the reply to MAIL, the last line of ``opening``; a refused XFORWARD costs no mail, and is the last."""
        await self._pay()
        for line in opening:
            if not written:
                self._write(line)
            reply = await self._reply()
            if line is not opening[-1] and not reply.positive:
                self._xforward = False
        self.mail_refused = not reply.positive
        return reply

    async def _rcpt_reply(self) -> Reply:
        reply = await self._reply()
        self._accepted += reply.positive
        return reply

    async def _pay(self) -> None:
        """Read the replies to RSET that nobody waited for; 250 is the only one (RFC 5321 4.1.1.5)."""
        while self._owed:
            self._owed -= 1
            reply = await self._reply()
            if not reply.positive:
                raise PeerError(f"the hop refused RSET: {reply}")
            self._answered = False

    async def _reply(self, wanted: int = 2, *, final: bool = False) -> Reply:
        """Return the next reply: a refusal, or one of the class that is ``wanted``."""
        reply = await self._wire.reply(self._content_limit if final else self._reply_limit)
        if reply.code == 421 and self.may_be_stale:
            raise DroppedError(f"the hop said: {reply}")
        if reply.code // 100 not in (wanted, 4, 5):
            raise PeerError(f"the hop gave an answer that does not fit: {reply}")
        self._answered = True
        return reply

    async def _decided(self, answers: tuple[Reply, ...], chunks: Iterable[bytes]) -> tuple[Reply, ...]:
        """Go on behind DATA, and put the replies to the content in the place of the accepting ``answers``."""
        try:
            replies = iter(await self._content(chunks))
        except UnknownOutcomeError as unknown:
            left = iter(unknown.replies)
            merged = tuple([next(left) if answer.positive else answer for answer in answers])
            raise UnknownOutcomeError(str(unknown), merged) from None
        return tuple([next(replies) if answer.positive else answer for answer in answers])

    async def _content(self, chunks: Iterable[bytes]) -> tuple[Reply, ...]:
        accepted = self._accepted
        go = await self._reply(wanted=3)
        if not accepted and go.positive:
            self.abort()  # it wants the content of a message for nobody, and would take an empty one for a message
        if not accepted or not go.positive:
            return (go,) * accepted
        stuffer = DotStuffer()
        rest = await self._stream(chunks, stuffer)
        due = accepted if self.hop.lmtp else 1
        self._wire.send(rest + stuffer.finish(), due)
        replies: list[Reply] = []
        try:
            while len(replies) < due:
                replies.append(await self._reply(final=True))
        except PeerError as fault:
            missing = (None,) * (accepted - len(replies))
            raise UnknownOutcomeError(str(fault), (*replies, *missing)) from fault
        self._open, self._accepted = False, 0
        return tuple(replies) if self.hop.lmtp else tuple(replies) * accepted

    async def _stream(self, chunks: Iterable[bytes], stuffer: DotStuffer) -> bytes:
        """Send the content but for its last piece, which is returned."""
        held: list[bytes] = []
        size = 0
        for chunk in chunks:
            held.append(chunk)
            size += len(chunk)
            if size >= _SEGMENT:
                whole = b"".join(held)
                for end in range(_SEGMENT, size + 1, _SEGMENT):
                    self._wire.send(stuffer.feed(whole[end - _SEGMENT : end]), 0)
                    await self._wire.drain(self._reply_limit)
                held = [whole[end:]]
                size -= end
        return stuffer.feed(b"".join(held))


class _InStep:
    """Closes a connection on whatever stops us half-way: nobody knows then which reply belongs to what."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, fault: BaseException | None, __: object) -> None:
        if fault is None:
            return
        self._connection.abort()
        if isinstance(fault, DroppedError) and self._connection.may_be_stale:
            raise StaleConnectionError(str(fault)) from fault

"""The dialogue of a session: one command after the other, what leads nowhere is counted, a bug costs no mail."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from relay.intake import replies
from relay.intake.arrival import arrive
from relay.intake.connection import LONGEST_LINE, Connection
from relay.intake.events import Cause, SessionBegun, SessionEnded
from relay.mail.reply import Reply

_LONGEST_COMMAND = 2048
"""Octets; RFC 5321 4.5.3.1.4 asks for 512, its extensions for a thousand more."""
_BEFORE_TLS = frozenset({b"EHLO", b"HELO", b"NOOP", b"QUIT", b"RSET", b"STARTTLS", b"XCLIENT"})
_NOT_SMTP = frozenset({b"GET", b"POST", b"PUT", b"HEAD", b"CONNECT", b"OPTIONS"})

Commands = Mapping[bytes, Callable[..., Awaitable[None]]]
"""Verb -> the method that obeys it, called with the session and the argument."""


class Dialogue(Connection):
    """A conversation in commands and replies; which commands there are is its subclasses' matter."""

    commands: ClassVar[Commands] = {}
    faulted = False
    """Something broke in this mail transaction: each further step of it is a temporary failure."""
    junk = 0
    """Commands that brought nobody's mail forward since the last message."""
    _idle = False

    async def converse(self) -> None:
        """Greet, obey, and leave no mail transaction behind."""
        if not await arrive(self):
            return
        self.terms.observe(SessionBegun(self.client))
        self.say(replies.greeting(self.terms.hostname))
        try:
            while not self.ending:
                if self.reception.closing and not self.in_transaction:
                    self.cut(replies.STOPPING, Cause.STOPPING)
                    break
                self._deadline.set(self._command_timeout)
                self._idle = True
                line = await self.next_line()
                self._idle = False
                if line is None:
                    break
                await self._obey(line)
        finally:
            self.terms.observe(SessionEnded(self.client))
            await self.abandon()

    def retire(self) -> None:
        """Go now if nothing is under way, else after this mail transaction."""
        if self._idle and not self.in_transaction:
            self.hang_up(replies.STOPPING)

    def evict(self) -> None:
        """Go now, whatever is under way."""
        self.hang_up(replies.STOPPING)
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()

    async def _obey(self, line: bytes) -> None:
        verb, _, argument = line.partition(b" ")
        verb = verb.upper()
        command = self.commands.get(verb)
        if len(line) > _LONGEST_COMMAND and (verb != b"AUTH" or len(line) > LONGEST_LINE):
            self.object_to(replies.LINE_TOO_LONG)
        elif command is None:
            self._wonder(verb)
        elif self._tls_first and not self.client.tls and verb not in _BEFORE_TLS:
            self.object_to(replies.TLS_FIRST)
        else:
            try:
                await command(self, argument.decode("utf-8", "surrogateescape").strip(" \t"))
            except Exception as error:  # a bug, of ours or of what was handed in, costs no mail
                await self.handle_exception(error)
                self.say(replies.FAULT)

    async def handle_exception(self, error: Exception) -> str:
        """Report a bug, answer with a temporary failure, and let nothing of this mail transaction stand."""
        self.observe_fault(error)
        self.faulted = True
        if self.in_data:
            self.ending = True
        return str(replies.FAULT)

    def object_to(self, reply: Reply) -> None:
        """Answer what brings nobody's mail forward."""
        if not self.is_too_much():
            self.say(reply)

    def is_too_much(self) -> bool:
        """Count one more command that brings nobody's mail forward; True: it was one too many, the session ends."""
        self.junk += 1
        limit = self.terms.limits.junk_commands
        if not limit or self.junk <= limit:
            return False
        self.cut(replies.TOO_MUCH_JUNK, Cause.JUNK_COMMANDS)
        return True

    def _wonder(self, verb: bytes) -> None:
        if verb in _NOT_SMTP:  # a browser that was talked into sending us mail
            self.cut(replies.NOT_SMTP, Cause.NOT_SMTP)
        else:
            self.object_to(replies.UNKNOWN_COMMAND)

    @property
    @abstractmethod
    def in_transaction(self) -> bool:
        """A mail transaction is under way."""

    @abstractmethod
    async def abandon(self) -> None:
        """End the mail transaction, if one is under way."""

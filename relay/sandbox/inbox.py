"""What the stand-in helpdesk got: the last messages, in memory only, and what their stamps say.

The verdict is read off the stamp, the fields above the first Received, as a real helpdesk would.
"""

import asyncio
import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from relay.mail.content import head_end
from relay.mail.encoded_words import decoded
from relay.mail.fields import read_header, text_of, unfold
from relay.mail.text import unicode_text, visible

OCTETS_KEPT = 32 * 1024
"""Of each message, from its start; the rest is only counted."""

_LONGEST_SHOWN = 1000
"""Characters of a field's value that are shown."""
_REASON = re.compile(r"([a-z-]+)(?:; channel=([a-z0-9-]+))?")
_DECISION = re.compile(r".*; id=([A-Za-z0-9._-]+)(?:;|\Z)")
_CLOSED, _OPEN = "auto-closed", "open"


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the stand-in helpdesk got it; every text is fit to be shown."""

    id: int
    """From 1, in the order of arrival."""
    received_at: datetime
    reverse_path: str
    """Empty for the null reverse-path."""
    forward_paths: tuple[str, ...]
    verdict: str
    """``auto-closed`` or ``open``, as far as the stamp tells."""
    reason: str
    """Empty where the stamp does not tell."""
    channel: str
    """The author's channel; empty where there is none or the stamp does not tell."""
    decision: str
    """The reference of the decision; empty where the stamp does not tell."""
    stamp: tuple[str, ...]
    """The fields above the first Received."""
    message_id: str
    """Without angle brackets."""
    subject: str
    author: str
    """The first From field, decoded (RFC 2047), for display alone."""
    to: str
    size: int
    """Octets in all."""
    octets: bytes
    """The first ``OCTETS_KEPT`` of them."""


class SandboxInbox:
    """Keeps the last messages."""

    def __init__(self, keep: int = 1000) -> None:
        """Keep ``keep`` messages, 0 for all; the oldest goes first."""
        self._messages: deque[Message] = deque(maxlen=keep or None)
        self._last_id = 0
        self._arrival = asyncio.Event()

    def __len__(self) -> int:
        return len(self._messages)

    def add(
        self,
        received_at: datetime,
        reverse_path: str,
        forward_paths: tuple[str, ...],
        octets: bytes,
        size: int,
    ) -> Message:
        """Keep a message of ``size`` octets, of which ``octets`` are the first; return it as it is kept."""
        self._last_id += 1
        header = _Header(octets[: head_end(octets)])
        message = Message(
            id=self._last_id,
            received_at=received_at,
            reverse_path=_fit(reverse_path),
            forward_paths=tuple(map(_fit, forward_paths)),
            verdict=header.verdict,
            reason=header.reason,
            channel=header.channel,
            decision=header.decision,
            stamp=header.stamp,
            message_id=header.shown(b"message-id").strip().removeprefix("<").removesuffix(">"),
            subject=header.shown(b"subject"),
            author=header.shown(b"from"),
            to=header.shown(b"to"),
            size=size,
            octets=octets[:OCTETS_KEPT],
        )
        self._messages.append(message)
        self._arrival.set()
        self._arrival = asyncio.Event()
        return message

    async def next_arrival(self) -> None:
        """Wait until the next message has arrived."""
        await self._arrival.wait()

    def messages(self) -> tuple[Message, ...]:
        """Return what is kept, newest first."""
        return tuple(reversed(self._messages))

    def get(self, number: int) -> Message | None:
        """Return the message with this id; None if it is not kept (any more)."""
        return next((message for message in self._messages if message.id == number), None)

    def clear(self) -> None:
        """Forget everything; ids go on."""
        self._messages.clear()


class _Header:
    """The first field of each name, and the stamp."""

    def __init__(self, head: bytes) -> None:
        rows = read_header(head).rows
        self._values: dict[bytes, bytes] = {}
        for row in rows:
            self._values.setdefault(row.name.lower(), row.value)
        received = next((number for number, row in enumerate(rows) if row.name.lower() == b"received"), 0)
        self.stamp = tuple(_fit(text_of(unfold(row.octets))) for row in rows[:received])
        stamped = {row.name.lower(): text_of(unfold(row.value)) for row in rows[:received]}
        reason = stamped.get(b"x-ticket-reason", "")
        found, named = _REASON.match(reason), _DECISION.match(reason)
        self.decision = named[1] if named else ""
        self.reason, self.channel = (found[1], found[2] or "") if found else ("", "")
        closed = stamped.get(b"x-ticket-status") == _CLOSED or self.reason == "outbound-copy"
        self.verdict = _CLOSED if closed else _OPEN

    def shown(self, name: bytes) -> str:
        return _fit(decoded(text_of(unfold(self._values.get(name, b"")))[:_LONGEST_SHOWN]))


def _fit(text: str) -> str:
    return visible(unicode_text(text))

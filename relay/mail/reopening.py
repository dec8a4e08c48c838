"""The message that tells a helpdesk to open a ticket again, around the original, which is never in memory as a whole.  Pure.

It is from the author and to the channel of the original, answers it, and says its subject again: by these a helpdesk
finds the ticket (docs/decisions/0010-undo.md).  Nothing from the network stands in it raw but the original itself,
octet for octet.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from relay.mail.address import Mailbox
from relay.mail.content import Pieces, head_end
from relay.mail.encoded_words import decoded, encoded
from relay.mail.fields import field_line, read_header, text_of, unfold
from relay.mail.mime import LONGEST, address_field, field, is_7bit, printable, quoted_printable, wrapped
from relay.mail.received import date_time

_MESSAGE_ID = re.compile(rb"<[!-;=?-~]{1,240}>")
_MOST_REFERENCES = 20
_ANSWERED = re.compile(rb"re(?:\[\d+\])?:", re.IGNORECASE)
_CLEAN_SUBJECT = re.compile(rb"[\t -~]{1,%d}(?:\r\n[\t ]+[!-~][\t -~]{,%d})*" % (LONGEST, LONGEST))
_MOST_HEAD = 4 * 1024 * 1024
"""Octets in which the fields are looked for."""
_TEXTS = {
    "en": (
        "{who} wants this ticket to be open again.",
        (
            "helpdesk-relay closed it on {when}, because the message looked like a copy of what an external tool had "
            "sent in the name of {channel}. It is attached as it arrived."
        ),
        "What was decided, and why, is in the journal of {hostname} under {ref}.",
    ),
    "de": (
        "{who} möchte, dass dieses Ticket wieder offen ist.",
        (
            "helpdesk-relay hat es am {when} geschlossen, weil die Nachricht aussah wie eine Kopie dessen, was ein "
            "externes Werkzeug im Namen von {channel} gesendet hat. Sie ist angehängt, wie sie ankam."
        ),
        "Was entschieden wurde und warum, steht im Journal von {hostname} unter {ref}.",
    ),
}
LANGUAGES = tuple(_TEXTS)
_SOMEBODY = {
    "en": "Somebody at the command line of {hostname}",
    "de": "Jemand an der Kommandozeile von {hostname}",
}


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a message is made of besides the original."""

    hostname: str
    ref: str
    """Of the decision that is undone."""
    author: Mailbox
    """Of the original."""
    channel: Mailbox
    """The channel's own address."""
    who: str | None
    """Wants it; None: somebody at the command line, where nobody logs in."""
    closed_at: datetime
    made_at: datetime
    boundary: str
    """Letters and digits that nobody can have known when the original was written."""
    stamp: tuple[tuple[str, str], ...]
    """Names and values of the fields on top."""
    language: str = "en"
    """One of ``LANGUAGES``."""


class Letter:
    """A message around an original; a ``Content`` that reads the original anew each time."""

    __slots__ = ("_after", "_original", "head", "is_8bit", "size", "smtputf8")

    head_is_whole = True

    def __init__(self, head: bytes, after: bytes, original: Pieces, size: int, *, is_8bit: bool) -> None:
        """``head`` is everything above the original, ``after`` everything below it, ``size`` its octets."""
        self.head = head
        self._after = after
        self._original = original
        self.size = len(head) + size + len(after)
        self.is_8bit = is_8bit
        """It has octets outside ASCII."""
        self.smtputf8 = not head.isascii()
        """An address in our own fields needs SMTPUTF8."""

    def chunks_from(self, offset: int) -> Iterator[bytes]:
        """Yield the octets from ``offset`` on."""
        for chunk in chain((self.head,), self._original.chunks_from(0), (self._after,)):
            if offset < len(chunk):
                yield chunk[offset:] if offset else chunk
            offset = max(0, offset - len(chunk))


def make_letter(occasion: Occasion, original: Pieces, size: int) -> Letter:
    """Return the message; ``original`` has ``size`` octets and is read once for it."""
    head = _head_of(original)
    is_ascii = all(chunk.isascii() for chunk in original.chunks_from(0))
    boundary = occasion.boundary.encode("ascii")
    above = b"".join(
        (
            *_fields(occasion, _first_of_each(head), is_ascii=is_ascii),
            b"\r\n--%b\r\n" % boundary,
            _text_part(occasion),
            b"\r\n--%b\r\n" % boundary,
            field(
                "Content-Type", "message/rfc822" if head.isascii() or not _is_utf8(head) else "message/global"
            ),
            b"" if is_ascii else field("Content-Transfer-Encoding", "8bit"),
            field("Content-Disposition", 'attachment; filename="original.eml"'),
            b"\r\n",
        )
    )
    return Letter(
        above, b"\r\n--%b--\r\n" % boundary, original, size, is_8bit=not is_ascii or not above.isascii()
    )


def _fields(occasion: Occasion, found: Mapping[bytes, bytes], *, is_ascii: bool) -> Iterator[bytes]:
    yield from (field_line(name, value) for name, value in occasion.stamp)
    yield field("Date", date_time(occasion.made_at))
    yield _address("From", occasion.author)
    yield _address("To", occasion.channel)
    yield _subject(found.get(b"subject", b""))
    yield address_field("Message-ID", f"<{occasion.ref}.reopened@{occasion.hostname}>")
    yield from _thread(found)
    yield field("Auto-Submitted", "auto-generated")
    yield field("MIME-Version", "1.0")
    yield b'Content-Type: multipart/mixed;\r\n\tboundary="%b"\r\n' % occasion.boundary.encode("ascii")
    if not is_ascii:
        yield field("Content-Transfer-Encoding", "8bit")


def _address(name: str, box: Mailbox) -> bytes:
    return address_field(name, f"<{box}>", utf8=not str(box).isascii())


def _subject(value: bytes) -> bytes:
    """Return the original's subject, its octets and folds as they are if they are clean, so that it reads the same."""
    value = value.strip(b" \t\r\n")
    if _CLEAN_SUBJECT.fullmatch(value):
        return b"Subject: %b%b\r\n" % (b"" if _ANSWERED.match(value) else b"Re: ", value)
    text = decoded(text_of(unfold(value)).encode("utf-8", "replace").decode("utf-8"))
    text = " ".join(printable(text, utf8=True)[:LONGEST].split()) or "(no subject)"
    words = encoded(f"Re: {text}") if not text.isascii() else [f"Re: {text}"]
    return b"Subject: %b\r\n" % "\r\n ".join(words).encode("ascii")


def _thread(found: Mapping[bytes, bytes]) -> Iterator[bytes]:
    """Yield In-Reply-To and References (RFC 5322 3.6.4); nothing where the original has no Message-ID to answer."""
    answered = _MESSAGE_ID.search(unfold(found.get(b"message-id", b"")))
    if answered is None:
        return
    before = _MESSAGE_ID.findall(found.get(b"references", b""))
    if not before:
        before = _MESSAGE_ID.findall(found.get(b"in-reply-to", b""))[:1]
    before = [one for one in before if one != answered[0]]
    if len(before) >= _MOST_REFERENCES:
        before = [before[0], *before[2 - _MOST_REFERENCES :]]
    yield b"In-Reply-To: %b\r\n" % answered[0]
    yield b"References: %b\r\n" % b"\r\n ".join([*before, answered[0]])


def _text_part(occasion: Occasion) -> bytes:
    facts = {
        "who": occasion.who or _SOMEBODY[occasion.language].format(hostname=occasion.hostname),
        "when": f"{occasion.closed_at:%Y-%m-%d %H:%M %z}",
        "channel": occasion.channel,
        "hostname": occasion.hostname,
        "ref": occasion.ref,
    }
    paragraphs = [sentence.format(**facts) for sentence in _TEXTS[occasion.language]]
    text = "\r\n\r\n".join(wrapped(paragraph, utf8=True) for paragraph in paragraphs).encode() + b"\r\n"
    if is_7bit(text):
        return field("Content-Type", "text/plain; charset=us-ascii") + b"\r\n" + text
    head = field("Content-Type", "text/plain; charset=utf-8")
    return head + field("Content-Transfer-Encoding", "quoted-printable") + b"\r\n" + quoted_printable(text)


def _head_of(original: Pieces) -> bytes:
    head = bytearray()
    for chunk in original.chunks_from(0):
        head += chunk
        if head_end(bytes(head)) < len(head) or len(head) > _MOST_HEAD:
            break
    return bytes(head[: head_end(bytes(head))])


def _first_of_each(head: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for row in read_header(head).rows:
        found.setdefault(row.name.lower(), row.value)
    return found


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

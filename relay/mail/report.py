"""Reports about deliveries (DSN): which are due, and their octets (RFC 3461, 3462, 3464, 6533).  Pure.

A report goes from the null reverse-path to the reverse-path of the message, and never about ``<>``.  Nothing
from the network stands in it raw: a control character becomes ``?``, a long line is folded, and an original that
is not clean comes back encoded and without its body.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relay.mail.address import in_ascii
from relay.mail.delivery_status import Kind, Occasion, Told, delivery_status
from relay.mail.envelope import ForwardPath, ReversePath
from relay.mail.fields import HeaderEdit, blank_line, edited, read_header, unfold
from relay.mail.mime import address_field, field, is_7bit, is_8bit, quoted_printable, wrapped
from relay.mail.outcome import Deferred, Delivered, Failed, Outcome, Unknown
from relay.mail.received import date_time

__all__ = ["MOST_RETURNED", "Kind", "Letter", "Occasion", "Told", "due", "make_report"]

MOST_RETURNED = 64 * 1024
"""Octets of an original that comes back whole; of a larger one the header section does."""
MOST_HEADER = 16 * 1024
"""Octets of a header section that come back."""

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,240}>")
_SUBJECTS = {
    Kind.FAILED: "Your mail could not be delivered",
    Kind.DELAYED: "Your mail is delayed",
    Kind.RELAYED: "Your mail was passed on",
    Kind.DELIVERED: "Your mail was delivered",
}
_SENTENCES = {
    Kind.FAILED: "Your message could not be delivered to the following addresses. It will not be tried again.",
    Kind.DELAYED: "Your message has not been delivered to the following addresses yet. There is no need to send "
    "it again.",
    Kind.RELAYED: "Your message was passed on to the mail servers of the following addresses, which send no "
    "word when it has arrived.",
    Kind.DELIVERED: "Your message was delivered to the following addresses.",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A report, ready to be sent."""

    reverse_path: ReversePath
    """The null one, always."""
    forward_path: ForwardPath
    content: bytes


def due(
    reverse_path: ReversePath,
    forward_paths: Sequence[ForwardPath],
    outcomes: Sequence[Outcome],
    *,
    late: bool = False,
) -> tuple[tuple[int, Kind], ...]:
    """Return of which forward-paths, by their place, a report is due, and which.

    Without NOTIFY only failures are reported.  ``late``: the message has waited for so long that those are told
    who asked for it with NOTIFY=DELAY.
    """
    if not reverse_path.text:
        return ()
    kinds = [
        _kind(path.notify, outcome, late=late) for path, outcome in zip(forward_paths, outcomes, strict=True)
    ]
    return tuple((number, kind) for number, kind in enumerate(kinds) if kind is not None)


def make_report(
    occasion: Occasion, told: Sequence[Told], original: Iterable[bytes], without: HeaderEdit | None = None
) -> Letter | None:
    """Return the report on ``told``; None where there is nothing to tell, or nobody: the null reverse-path.

    ``original`` is the content of the message, of which no more is read than may come back; ``without`` takes out
    of its header section what is not for the author's eyes.
    """
    reverse_path = occasion.reverse_path
    if not reverse_path.text or reverse_path.mailbox is None or not told:
        return None
    beginning = _beginning(original)
    whole = len(beginning) <= MOST_RETURNED
    if without is not None:
        replacement, replaced = edited(beginning, without)
        beginning = replacement + beginning[replaced:]
    parts = [
        _text_part(occasion, told),
        _part("message/delivery-status", delivery_status(occasion, told)),
        _original_part(beginning, full=whole and _wants_all(reverse_path, told)),
    ]
    boundary = _boundary(occasion.boundary, parts)
    body = b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts) + b"--%b--\r\n" % boundary
    address = in_ascii(reverse_path.text, reverse_path.mailbox)
    utf8 = address is None
    head = [
        field("Date", date_time(occasion.made_at)),
        address_field("From", f"Mail Delivery System <MAILER-DAEMON@{occasion.hostname}>"),
        address_field("To", f"<{address or reverse_path.text}>", utf8=utf8),
        field("Subject", _SUBJECTS[_most_serious(told)]),
        address_field("Message-ID", f"<{occasion.message_id}>"),
        *_thread(beginning),
        field("Auto-Submitted", "auto-replied"),
        field("MIME-Version", "1.0"),
        b'Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="%b"\r\n' % boundary,
        b"" if body.isascii() else field("Content-Transfer-Encoding", "8bit"),
        b"\r\n",
    ]
    content = b"".join(head) + body
    return Letter(
        ReversePath("", body=None if content.isascii() else "8BITMIME", smtputf8=utf8),
        ForwardPath(reverse_path.text, reverse_path.mailbox, notify="NEVER"),
        content,
    )


def _kind(notify: str | None, outcome: Outcome, *, late: bool) -> Kind | None:
    asked = frozenset((notify or "FAILURE").upper().split(","))
    match outcome:
        case Failed() if "FAILURE" in asked:
            return Kind.FAILED
        case Deferred() | Unknown() if late and "DELAY" in asked:
            return Kind.DELAYED
        case Delivered(reports=False, final=final) if "SUCCESS" in asked:
            return Kind.DELIVERED if final else Kind.RELAYED
        case _:
            return None


def _most_serious(told: Sequence[Told]) -> Kind:
    kinds = {one.kind for one in told}
    return next(kind for kind in _SUBJECTS if kind in kinds)


def _wants_all(reverse_path: ReversePath, told: Sequence[Told]) -> bool:
    """RFC 3461 4.3: RET is about reports of failure; without it, they bring the message back."""
    return reverse_path.ret != "HDRS" and any(one.kind is Kind.FAILED for one in told)


def _beginning(original: Iterable[bytes]) -> bytes:
    held = bytearray()
    for chunk in original:
        held += chunk
        if len(held) > MOST_RETURNED:
            break
    return bytes(held[: MOST_RETURNED + 1])


def _part(kind: str, octets: bytes, encoding: str = "") -> bytes:
    head = field("Content-Type", kind) + (field("Content-Transfer-Encoding", encoding) if encoding else b"")
    return head + b"\r\n" + octets


def _text_part(occasion: Occasion, told: Sequence[Told]) -> bytes:
    lines = [f"This is the mail server {occasion.hostname}.", ""]
    for kind, sentence in _SENTENCES.items():
        about = [one for one in told if one.kind is kind]
        if about:
            lines += [sentence + _until(kind, occasion), ""]
            for one in about:
                lines += [f"<{one.shown.text}>:", f"{_who(one)}: {one.words}", ""]
    text = "\r\n".join(wrapped(line, utf8=True) for line in lines).encode()
    if is_7bit(text):
        return _part("text/plain; charset=us-ascii", text)
    return _part("text/plain; charset=utf-8", quoted_printable(text), "quoted-printable")


def _until(kind: Kind, occasion: Occasion) -> str:
    if kind is not Kind.DELAYED or occasion.retry_until is None:
        return ""
    return f" It will be tried until {date_time(occasion.retry_until)}."


def _who(told: Told) -> str:
    return (
        f"{told.outcome.hop} said" if told.outcome.hop and not isinstance(told.outcome, Unknown) else "Reason"
    )


def _original_part(original: bytes, *, full: bool) -> bytes:
    if full and is_8bit(original):
        header = original[: blank_line(original)[0]]
        kind = "message/rfc822" if header.isascii() else "message/global"
        return _part(kind, original, "" if original.isascii() else "8bit")
    header = original[: blank_line(original)[0]]
    if len(header) > MOST_HEADER:
        header = header[: header.rfind(b"\n", 0, MOST_HEADER) + 1]
    if is_7bit(header):
        return _part("text/rfc822-headers", header)
    return _part("text/rfc822-headers", quoted_printable(header), "quoted-printable")


def _thread(original: bytes) -> list[bytes]:
    """Return what lets a mail reader show the report beside its message."""
    for row in read_header(original[:MOST_HEADER]).rows:
        if row.name.lower() == b"message-id":
            value = unfold(row.value).decode("ascii", "replace")
            if _MESSAGE_ID.fullmatch(value):
                return [address_field(name, value) for name in ("In-Reply-To", "References")]
    return []


def _boundary(wanted: str, parts: Sequence[bytes]) -> bytes:
    """Return a boundary that stands in no part."""
    kept = "".join(c for c in wanted if c.isascii() and c.isalnum())[:50].encode()
    number = 0
    while any(b"--%b=%d" % (kept, number) in part for part in parts):
        number += 1
    return b"%b=%d" % (kept, number)

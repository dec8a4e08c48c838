"""A digest as a message: its octets, and from whom to whom it goes.  Pure.

It goes from the null reverse-path and says ``Auto-Submitted``, so that nothing that keeps RFC 3834 answers it.
There is no ``Precedence``: no standard has it, and filters take ``bulk`` for what it says.
"""

from dataclasses import dataclass
from datetime import datetime

from relay.journal.digest import Digest, subject_of, text_of
from relay.judge.explain import Language
from relay.mail.address import in_ascii
from relay.mail.envelope import ForwardPath, ReversePath
from relay.mail.mime import address_field, field, is_7bit, quoted_printable, text_field
from relay.mail.received import date_time
from relay.mail.report import Letter

NAME = "helpdesk-relay"
"""Of the author, and the local part of his address where none is set."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a message says besides its digest."""

    to: ForwardPath
    author: ForwardPath | None
    """None: ``helpdesk-relay`` at ``hostname``."""
    hostname: str
    at: datetime
    """Aware."""
    message_id: str
    """Without angle brackets."""
    language: Language = Language.EN
    page: str | None = None
    """Where the web page is."""


def letter_of(digest: Digest, occasion: Occasion) -> Letter:
    """Return the message; in 7 bits unless an address needs more."""
    to = _address(occasion.to)
    author = _address(occasion.author) if occasion.author is not None else f"{NAME}@{occasion.hostname}"
    utf8 = not (to.isascii() and author.isascii())
    text = text_of(digest, occasion.language, occasion.page).replace("\n", "\r\n").encode()
    plain = is_7bit(text)
    head = [
        field("Date", date_time(occasion.at)),
        address_field("From", f"{NAME} <{author}>", utf8=utf8),
        address_field("To", f"<{to}>", utf8=utf8),
        text_field("Subject", subject_of(digest, occasion.language)),
        address_field("Message-ID", f"<{occasion.message_id}>"),
        field("Auto-Submitted", "auto-generated"),
        field("MIME-Version", "1.0"),
        field("Content-Type", "text/plain; charset=utf-8"),
        field("Content-Language", occasion.language),
        field("Content-Transfer-Encoding", "7bit" if plain else "quoted-printable"),
        b"\r\n",
    ]
    return Letter(
        ReversePath("", smtputf8=utf8),
        ForwardPath(occasion.to.text, occasion.to.mailbox, notify="NEVER"),
        b"".join(head) + (text if plain else quoted_printable(text)),
    )


def _address(path: ForwardPath) -> str:
    return in_ascii(path.text, path.mailbox) or path.text

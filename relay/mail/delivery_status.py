"""The part of a DSN that programs read: message/delivery-status (RFC 3464 2).  Pure.

It is ASCII always.  An address outside it is written with its domain as A-labels where that is enough, else in
the escaped form of RFC 6533 section 3.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from relay.mail.address import in_ascii
from relay.mail.envelope import ForwardPath, ReversePath
from relay.mail.mime import address_field, field
from relay.mail.outcome import Outcome, Unknown
from relay.mail.received import date_time


class Kind(StrEnum):
    """What is reported of a forward-path; the words are those of the field Action (RFC 3464 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"


@dataclass(frozen=True, slots=True)
class Told:
    """What is reported of one forward-path."""

    kind: Kind
    path: ForwardPath
    """What the hop was told."""
    outcome: Outcome
    original: ForwardPath | None = None
    """What the client said, where that was another address: only this one is shown."""

    @property
    def shown(self) -> ForwardPath:
        """The address that the author of the message knows."""
        return self.original or self.path

    @property
    def words(self) -> str:
        """What the hop said, or what we say, on one line; an address that the author does not know is taken out."""
        outcome = self.outcome
        words = outcome.words if isinstance(outcome, Unknown) else str(outcome.reply)[:_MOST_WORDS]
        if self.original is None:
            return words
        box, shown = self.path.mailbox, self.original
        words = _hidden(words, self.path.text, shown.text)
        words = _hidden(words, str(box), shown.text)
        return _hidden(words, box.local, shown.mailbox.local) if len(box.local) >= _TELLING else words

    @property
    def status(self) -> str:
        """The enhanced status code, of a class that goes with the kind."""
        classes = {Kind.FAILED: "54", Kind.DELAYED: "4"}.get(self.kind, "2")
        enhanced = "" if isinstance(self.outcome, Unknown) else self.outcome.reply.enhanced
        return enhanced if _STATUS.fullmatch(enhanced) and enhanced[0] in classes else f"{classes[0]}.0.0"


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a report says of the message and of itself; times are aware."""

    hostname: str
    queue_id: str
    reverse_path: ReversePath
    arrived_at: datetime
    attempted_at: datetime
    made_at: datetime
    message_id: str
    """Of the report, without angle brackets."""
    boundary: str
    """Letters and digits that nobody can guess."""
    retry_until: datetime | None = None
    """For a message that is delayed."""


_MOST_WORDS = 1500
_TELLING = 4
"""Characters of a local part that give something away; a shorter one is too common a word."""
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_XTEXT = re.compile(r"\+([0-9A-Fa-f]{2})")
_TYPE = re.compile(r"[A-Za-z0-9-]{1,60}")
_NOT_QCHAR = re.compile(r"[^\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e]")
_NOT_QCHAR_BUT_ESCAPE = re.compile(r"[^\x21-\x2a\x2c-\x3c\x3e-\x7e]")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}")
_LITERAL = re.compile(r"[0-9.]{7,15}|(?=[^:]*:)[0-9A-Fa-f.:]{2,45}")


def delivery_status(occasion: Occasion, told: Iterable[Told]) -> bytes:
    """Return the octets of the part."""
    about = [field("Reporting-MTA", f"dns; {occasion.hostname}")]
    if occasion.reverse_path.envid:
        about.append(address_field("Original-Envelope-Id", decoded_xtext(occasion.reverse_path.envid)))
    about.append(field("Arrival-Date", date_time(occasion.arrived_at)))
    about.append(field("X-Helpdesk-Relay-Queue-Id", occasion.queue_id))
    return b"\r\n".join(b"".join(group) for group in (about, *(_of_one(one, occasion) for one in told)))


def decoded_xtext(text: str) -> str:
    """Return what xtext stands for (RFC 3461 section 4); the result may hold anything."""
    return _XTEXT.sub(lambda found: chr(int(found[1], 16)), text)


def _of_one(told: Told, occasion: Occasion) -> list[bytes]:
    fields = [*_original(told.shown.orcpt), address_field("Final-Recipient", _typed(told.shown))]
    fields += [field("Action", told.kind), field("Status", told.status)]
    if told.outcome.hop:
        fields += _remote(told.outcome.hop)
    source = "smtp" if told.outcome.hop and not isinstance(told.outcome, Unknown) else "x-helpdesk-relay"
    fields.append(field("Diagnostic-Code", f"{source}; {told.words}"))
    fields.append(field("Last-Attempt-Date", date_time(occasion.attempted_at)))
    if told.kind is Kind.DELAYED and occasion.retry_until is not None:
        fields.append(field("Will-Retry-Until", date_time(occasion.retry_until)))
    return fields


def _original(orcpt: str | None) -> list[bytes]:
    kind, semicolon, value = (orcpt or "").partition(";")
    if not semicolon or not value or not _TYPE.fullmatch(kind):
        return []
    address = decoded_xtext(value)
    if not address.isascii() or kind.lower() == "utf-8":
        kind, address = "utf-8", _NOT_QCHAR_BUT_ESCAPE.sub(_escaped, address)
    return [address_field("Original-Recipient", f"{kind}; {address}")]


def _typed(path: ForwardPath) -> str:
    address = in_ascii(path.text, path.mailbox)
    return f"utf-8; {_NOT_QCHAR.sub(_escaped, path.text)}" if address is None else f"rfc822; {address}"


def _hidden(words: str, secret: str, instead: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", lambda _: instead, words, flags=re.IGNORECASE)


def _escaped(found: re.Match[str]) -> str:
    return f"\\x{{{ord(found[0]):02X}}}"


def _remote(hop: str) -> list[bytes]:
    if _LITERAL.fullmatch(hop):
        return [field("Remote-MTA", f"dns; [{hop}]")]
    return [field("Remote-MTA", f"dns; {hop}")] if _NAME.fullmatch(hop) else []

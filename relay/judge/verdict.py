"""What a judge says: a verdict with its reason, every finding, and the doubts.  Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from relay.channels import Channel
from relay.mail.address import Mailbox
from relay.mail.envelope import Known
from relay.mail.view import Recipient


class Disposition(StrEnum):
    """What becomes of the ticket."""

    OPEN = "open"
    AUTO_CLOSED = "auto-closed"


class Question(StrEnum):
    """The nine questions of docs/rule.md, in the order in which they are asked."""

    READABLE = "readable"
    ONE_AUTHOR = "one-author"
    AUTHOR_IS_A_CHANNEL = "author-is-a-channel"
    NOT_REWRITTEN = "not-rewritten"
    CHANNEL_CLOSES = "channel-closes"
    FROM_OUTSIDE = "from-outside"
    NOT_SENT_TO_ITSELF = "not-sent-to-itself"
    NO_DOUBT = "no-doubt"
    NOT_OBSERVING = "not-observing"


class Reason(StrEnum):
    """Why a verdict is what it is."""

    OUTBOUND_COPY = "outbound-copy"
    UNREADABLE = "unreadable"
    NO_AUTHOR = "no-author"
    AMBIGUOUS_AUTHOR = "ambiguous-author"
    FOREIGN_AUTHOR = "foreign-author"
    REWRITTEN_AUTHOR = "rewritten-author"
    CHANNEL_EXEMPT = "channel-exempt"
    PLATFORM_SENT = "platform-sent"
    SELF_ADDRESSED = "self-addressed"
    IN_DOUBT = "in-doubt"
    OBSERVED = "observed"


class Doubt(StrEnum):
    """Signs that a customer may be speaking although the author is a channel (docs/rule.md)."""

    NO_OUTSIDE_RECIPIENT = "no-outside-recipient"
    REPLY_TO_OUTSIDER = "reply-to-outsider"
    DELIVERY_REPORT = "delivery-report"


class Because(StrEnum):
    """The facts that answer questions; ``explain`` has a sentence for each in every language."""

    COMPLETE = "complete"
    NOT_READ = "not-read"
    TOO_LARGE = "too-large"
    FROM_NAMES = "from-names"
    NO_ONE_AUTHOR = "no-one-author"
    OF_CHANNEL = "of-channel"
    OF_NO_CHANNEL = "of-no-channel"
    ONLY_SUBADDRESS = "only-subaddress"
    ONLY_INBOUND = "only-inbound"
    NOT_REWRITTEN = "not-rewritten"
    REWRITTEN = "rewritten"
    CLOSES = "closes"
    EXEMPT = "exempt"
    NO_PROOF = "no-proof"
    CLIENT_UNKNOWN = "client-unknown"
    IN_NETWORK = "in-network"
    PLATFORM_USER = "platform-user"
    PLATFORM_SIGNED = "platform-signed"
    PLATFORM_VOUCHED_FOR = "platform-vouched-for"
    NOT_PROVED = "not-proved"
    NOT_AMONG_RECIPIENTS = "not-among-recipients"
    AMONG_RECIPIENTS = "among-recipients"
    NO_DOUBT = "no-doubt"
    DOUBTS_CLOSE = "doubts-close"
    DOUBTS_OPEN = "doubts-open"
    SWITCHED_ON = "switched-on"
    OBSERVING = "observing"
    NOT_ASKED_UNREAD = "not-asked-unread"
    NOT_ASKED_NO_AUTHOR = "not-asked-no-author"
    NOT_ASKED_NO_CHANNEL = "not-asked-no-channel"


class Unknown(StrEnum):
    """What is not known and could have changed the verdict (``depends``)."""

    ENVELOPE = "envelope"
    CLIENT = "client"
    USER = "user"
    SIGNATURE = "signature"


class Finding(NamedTuple):
    """The answer to one question."""

    question: Question
    holds: bool | None
    """None: there was nothing to ask about."""
    because: Because
    evidence: tuple[str, ...] = ()
    """What the fact is about: addresses, fields, names; in the words of the message, so never shown raw."""
    reason: Reason | None = None
    """Why the ticket stays open, if this question is the first that does not hold."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything that was found out about one message."""

    disposition: Disposition
    reason: Reason
    findings: tuple[Finding, ...]
    """All nine, in order."""
    author: Mailbox | None
    channel: Channel | None
    """The author's channel."""
    doubts: tuple[Doubt, ...]
    recipients: tuple[Recipient, ...]
    """The evidence that counted."""
    known: Known
    depends: tuple[Unknown, ...]
    """What, if it were known, might open what is closed here; empty for an open ticket."""
    book: str
    """The digest of the book by which it was judged."""

    @property
    def auto_closed(self) -> bool:
        """The ticket is closed."""
        return self.disposition is Disposition.AUTO_CLOSED

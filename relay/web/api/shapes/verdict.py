"""A verdict: the object of ``explain --json``.  Pure."""

from typing import Annotated, TypedDict

from relay.judge import Disposition, Doubt, Question, Reason
from relay.mail.envelope import HeaderState, Source
from relay.web.api.shapes.words import Book


class SeenRecipient(TypedDict):
    """An address that counted as a recipient."""

    address: str
    evidence: Annotated[str, "Where it stood: a field's name, `envelope`, or `trace:` and a field's name."]


class KnownParts(TypedDict):
    """What is known of the mail transaction, and how."""

    envelope: Source
    client: Source
    header: HeaderState


class Finding(TypedDict):
    """The answer to one of the nine questions."""

    question: Question
    holds: Annotated[bool | None, "null: there was nothing to ask about."]
    because: Annotated[str, "The fact that answered it, in the words of the message."]


class Answer(TypedDict):
    """A verdict with everything that led to it."""

    verdict: Disposition
    reason: Reason
    channel: Annotated[str | None, "The author's channel."]
    author: Annotated[str | None, "The From mailbox."]
    doubts: list[Doubt]
    recipients: list[SeenRecipient]
    known: KnownParts
    depends: Annotated[str | None, "What would open the ticket if it were known."]
    findings: Annotated[list[Finding], "All nine, in order.", {"minItems": 9, "maxItems": 9}]
    remedy: Annotated[str, "What to do to have it otherwise next time."]
    stamp: Annotated[list[str], "The fields that are set, as `Name: value`."]
    book: Book


class Tried(Answer):
    """The verdict on a message that was tried: the object of `explain --json -`."""

    file: Annotated[str, "Always `-`."]

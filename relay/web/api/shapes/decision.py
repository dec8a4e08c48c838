"""Decisions: the objects of ``journal list --json`` and ``journal show --json``.  Pure."""

from datetime import datetime
from typing import Annotated, Literal, TypedDict

from relay.journal.entry import Entrance, PathState
from relay.judge import Disposition, Doubt, Question, Reason
from relay.web.api.shapes.verdict import Answer
from relay.web.api.shapes.words import Next


class Reopening(TypedDict):
    """Somebody had the helpdesk open the ticket again."""

    at: datetime
    who: str


class About(TypedDict):
    """What the journal knows of every decision."""

    ref: Annotated[str, "Names the decision, and no other."]
    number: Annotated[int, "Counts up in the order of writing."]
    at: Annotated[datetime, "When the client was answered."]
    queue_id: str
    entrance: Entrance
    message_id: Annotated[str | None, "Without angle brackets."]
    subject: Annotated[str | None, "null where `journal.keep_subject` is off."]
    tool: Annotated[str | None, "A hint at what sent it, which anybody can write."]
    reverse_path: Annotated[str, "Empty for the null reverse-path."]
    doubtful: Annotated[bool, "Closed, or observed to be closed, although there are doubts."]
    would_close: Annotated[bool, "Closed, or would have been by a channel that did more than observe."]
    reopened: Reopening | None


class Entry(About):
    """One decision in a list."""

    verdict: Disposition
    reason: Reason
    channel: Annotated[str | None, "The author's channel."]
    author: Annotated[str | None, "The From mailbox."]
    doubts: list[Doubt]
    forward_paths: Annotated[list[str], "Whom it arrived for."]


class Client(TypedDict):
    """Who handed the message in."""

    address: str | None
    helo: str
    user: Annotated[str | None, "The SMTP AUTH identity."]
    tls: bool


class Path(TypedDict):
    """What became of one forward-path."""

    path: str
    state: PathState
    words: Annotated[str, "The reply, or what was wrong."]
    hop: Annotated[str | None, "Who said so; null where it was this relay."]
    told: Annotated[str | None, "What the next hop was told, where `forward_to` changed it."]
    at: Annotated[datetime | None, "When, if that was after the client was answered."]


class Turned(TypedDict):
    """The first question that two decisions answer differently."""

    question: Question
    here: Annotated[bool | None, "What holds for the decision that was asked for."]
    there: Annotated[bool | None, "What holds for the other one."]


class Differs(TypedDict):
    """One thing in which two decisions are not alike."""

    aspect: str
    here: str
    there: str


class Other(TypedDict):
    """Another decision on the same Message-ID, and what sets it apart."""

    ref: str
    at: datetime
    verdict: Disposition
    reason: Reason
    turned: Annotated[Turned | None, "null: it came out the same."]
    differences: list[Differs]


class Look(TypedDict):
    """Somebody looked at the decision."""

    at: datetime
    who: Annotated[str, "A user, `local`, `link` or `command line`."]


class Decision(Answer, About):
    """One decision with everything that is known of it: the object of `journal show --json`, and more."""

    client: Client
    size: Annotated[int, "Octets."]
    paths: list[Path]
    reply: Annotated[str, "What the client was told."]
    next_hop: str
    seconds: Annotated[float, "From MAIL to the reply."]
    broken_signatures: Annotated[
        list[str], "Fields that were stripped although a DKIM signature covers them."
    ]
    same_message: Annotated[list[str], "The `ref` of every other decision on the same Message-ID."]
    others: Annotated[list[Other], "Those, the first 20, with what sets each apart."]
    looks: Annotated[
        list[Look], "Who looked at it, oldest first, the last 50; this request is the last of them."
    ]


class Entries(TypedDict):
    """A page of decisions, newest first."""

    decisions: list[Entry]
    next: Next


class Reopened(TypedDict):
    """What became of the wish to open a ticket again: the object of `journal reopen --json`."""

    ref: str
    answer: Annotated[
        Literal["done", "already"], "`already`: somebody had it opened before, and nothing was done now."
    ]
    reopened: Annotated[Reopening | None, "null where the journal could not note it in time."]

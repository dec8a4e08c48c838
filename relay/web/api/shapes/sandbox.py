"""What the stand-in helpdesk got.  Pure."""

from datetime import datetime
from typing import Annotated, TypedDict

from relay.judge import Disposition

_Author = TypedDict("_Author", {"from": Annotated[str, "The first From field, decoded, for display alone."]})


class SandboxMessage(_Author):
    """One message as the stand-in helpdesk got it; what does not print in a text is an escape."""

    id: Annotated[int, "From 1, in the order of arrival; clearing does not begin again."]
    received_at: datetime
    message_id: Annotated[str, "Without angle brackets; empty where there is none."]
    reverse_path: Annotated[str, "Empty for the null reverse-path."]
    forward_paths: list[str]
    verdict: Disposition
    reason: Annotated[str, "Empty where the stamp does not tell (`stamp.reason: false`)."]
    channel: Annotated[str | None, "The author's channel."]
    decision: Annotated[
        str | None, "Asks for everything that is known of the verdict: `/decisions/{ref}`, a second later."
    ]
    subject: str
    to: Annotated[str, "The first To field, decoded, for display alone."]
    size: Annotated[int, "Octets in all."]
    stamp: Annotated[list[str], "The fields that the relay set."]


class SandboxContent(SandboxMessage):
    """One message with what it said."""

    content: Annotated[str, "The first 32 KiB, read as UTF-8; octets that are none become U+FFFD."]
    whole: Annotated[bool, "There is no more of it."]

"""What people find a message again by, and what may have sent it; nothing of it is ever judged.  Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

TOOL_FIELDS = frozenset(
    name.lower().encode()
    for name in (
        "X-Mailer",
        "User-Agent",
        "Feedback-ID",
        "X-Mailgun-Sid",
        "X-SG-EID",
        "X-SES-Outgoing",
        "X-Mandrill-User",
        "X-MC-User",
        "X-PM-Message-Id",
        "X-MJ-Mid",
        "X-Mailin-EID",
        "X-MSYS-API",
        "X-SFDC-User",
        "X-Shopify-Shop",
        "X-PHP-Originating-Script",
    )
)
"""Fields that tell a sending program or a mail service, in lower case; anybody can write them."""
LABEL_FIELDS = frozenset({b"message-id", b"subject"}) | TOOL_FIELDS


class Label(NamedTuple):
    """The first field of each name, its value as it stands in the header section, folds included."""

    message_id: bytes = b""
    subject: bytes = b""
    tool_fields: tuple[tuple[bytes, bytes], ...] = ()
    """Names in lower case and values, of those in ``TOOL_FIELDS``."""


NO_LABEL = Label()


def label_of(found: Mapping[bytes, Sequence[bytes]]) -> Label:
    """Return the label of a message whose fields, by names in lower case, have these values."""
    return Label(
        message_id=found[b"message-id"][0] if b"message-id" in found else b"",
        subject=found[b"subject"][0] if b"subject" in found else b"",
        tool_fields=_tool_fields(found),
    )


def _tool_fields(found: Mapping[bytes, Sequence[bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    if TOOL_FIELDS.isdisjoint(found):
        return ()
    return tuple([(name, found[name][0]) for name in found if name in TOOL_FIELDS])

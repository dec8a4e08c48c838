"""Which header fields a stamp may set, and which it may strip.  Pure."""

import re

_NAME = re.compile(r"[!-9;-~]{1,76}")
"""RFC 5322 3.6.8 (ftext)."""
_VALUE = re.compile(r"[!-~](?:[ -~]{0,900}[!-~])?")

_OURS = ("x-ticket-reason", "x-ticket-why")
_NEEDED = (
    "received", "from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references",
    "mime-version", "content-type", "content-transfer-encoding", "content-disposition", "content-id",
    "content-description", "content-language", "content-location", "content-duration", "content-features", "content-md5",
)  # fmt: skip
"""Without these, or with ours in their place, mail is no longer what its author wrote."""
_OF_OTHERS = (
    "bcc",
    "return-path",
    "dkim-signature",
    "delivered-to",
    "x-original-to",
    "authentication-results",
)
"""Written by others: a stamp may strip them but not set them."""
_OF_OTHERS_BEGIN = ("content-", "resent-", "arc-")


def wrong_name(name: str) -> str | None:
    """Return what is wrong with the name of a field that a stamp sets."""
    low = name.lower()
    if not _NAME.fullmatch(name):
        return "that is no name of a header field; write printable ASCII without blanks and colons, such as X-Helpdesk-State"
    if low in _OURS:
        return f"{name} is written by the relay itself; see stamp.reason and stamp.link, or take another name"
    if low in _NEEDED or low in _OF_OTHERS or low.startswith(_OF_OTHERS_BEGIN):
        return f"{name} belongs to the message; a stamp in its place would break mail: write a name such as X-Helpdesk-State"
    return None


def field_value(text: str) -> str | None:
    """Read the value of a field."""
    return text if _VALUE.fullmatch(text) else None


def strip_pattern(text: str) -> str | None:
    """Read the name of a field to strip, in which ``*`` stands for anything."""
    if not _NAME.fullmatch(text):
        return None
    matches = re.compile(re.sub(r"(?:\\\*)+", ".*", re.escape(text.lower())))
    broken = next((name for name in _NEEDED if matches.fullmatch(name)), None)
    if broken:
        raise ValueError(
            f"{text} would strip {broken}, which mail needs; write narrower names, such as X-Spam-*"
        )
    return text

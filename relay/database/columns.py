"""Times and text as the tables of every area keep them.  Pure."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST_DIGITS = 18
"""So that it fits into 64 bits."""


def to_number(at: datetime) -> int:
    """Return an aware time as the tables keep it: microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def to_time(number: int) -> datetime:
    """Return a time of the tables, in UTC."""
    return _EPOCH + timedelta(microseconds=number)


def number_of(text: str) -> int | None:
    """Return the number that a person may have typed to name a row; None where no row can have it."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def plain(text: str) -> str:
    """Return ``text`` in printable ASCII, which every database keeps as it is."""
    if not (text.isascii() and text.isprintable()):
        text = text.encode("unicode_escape", "backslashreplace").decode("ascii")
    return text

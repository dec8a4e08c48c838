"""A time that somebody names to the journal: so long ago, a day, or a moment."""

from datetime import datetime

from relay.settings.values import duration


def moment(text: str, now: datetime) -> datetime:
    """Read ``24h`` (so long ago), ``2026-03-04`` or ``2026-03-04T12:00`` (by the machine's clock, if it names no zone).

    ValueError, with words for whoever wrote it, where it is none of these.
    """
    try:
        ago = duration(text)
        return now - ago if ago is not None else datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text} is no time; write 24h, 30d, 2026-03-04 or 2026-03-04T12:00") from None

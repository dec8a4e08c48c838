"""The channels of a book, found by what a person remembers of one.  Pure."""

from relay.channels import Channel, ChannelBook


def channels_like(book: ChannelBook, text: str) -> tuple[Channel, ...]:
    """Return the channels of whose name or addresses ``text`` is a part, in any case; all if it is empty."""
    wanted = text.strip().lower()
    return tuple(channel for channel in book.channels if not wanted or _is_part(wanted, channel))


def _is_part(wanted: str, channel: Channel) -> bool:
    return any(wanted in str(each).lower() for each in (channel.name, *channel.own, *channel.inbound))

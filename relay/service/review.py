"""What an operator should know of a channels.yaml that is valid: what it can close, and what it does not do yet."""

from collections.abc import Iterator

from relay.channels import ChannelBook, Network, Networks
from relay.judge.closable import can_close_what_arrives, closable
from relay.presets import closing_what_is_open
from relay.settings.dormant import inactive
from relay.settings.model import Settings


def closing(book: ChannelBook, most: int | None = None) -> tuple[str, ...]:
    """Return for each channel (``most`` of them) one sentence on what can be closed with the book as it is."""
    return tuple(closable(channel, book) for channel in book.channels[:most])


def warnings(settings: Settings, book: ChannelBook) -> Iterator[str]:
    """Yield what is allowed but likely not meant, one sentence each."""
    for channel in book.channels:
        if not can_close_what_arrives(channel, book):
            yield closable(channel, book)
    for listener in settings.listen.smtp:
        for right, networks in (("proxy", listener.proxy), ("xclient", listener.xclient)):
            for network in _shared(book.platform.networks, networks):
                yield (
                    f"platform.networks and {right} of the listener {listener.address} share {network}: what it does not "
                    f"say who the client is for counts as sent by the platform"
                )
    yield from _signatures(settings, book)
    yield from closing_what_is_open(settings.stamp)
    yield from inactive(settings)


def _signatures(settings: Settings, book: ChannelBook) -> Iterator[str]:
    platform = settings.platform
    names = {own.domain for channel in book.channels for own in channel.own}
    for domain in sorted(platform.dkim_domains & names):
        yield (
            f"platform.dkim_domains holds {domain}, a domain of channels: whatever else signs for it, such as a CRM, "
            f"counts as the platform, and nothing of that is closed"
        )
    if platform.authserv_ids and not platform.dkim_domains:
        yield "platform.authserv_ids proves nothing without platform.dkim_domains, which says whose signatures count"
    if settings.listen.milter and platform.dkim_domains and not platform.authserv_ids:
        yield (
            "by milter platform.dkim_domains proves nothing without platform.authserv_ids, which says whose "
            "Authentication-Results are believed"
        )


def _shared(ones: Networks, others: Networks) -> Iterator[Network]:
    for one in ones.all:
        if any(one.version == other.version and one.overlaps(other) for other in others.all):
            yield one

"""What each channel can close with the book as it is (docs/rule.md).  Pure."""

from relay.channels import AutoClose, BccEvidence, Channel, ChannelBook


def closable(channel: Channel, book: ChannelBook) -> str:
    """Return one sentence on which outbound copies of ``channel`` can be closed, and what would close more."""
    if channel.auto_close is AutoClose.NEVER:
        return f"{channel.name} closes nothing (auto_close: never)"
    what = _what(channel, book)
    if channel.auto_close is AutoClose.OBSERVE:
        return f"{channel.name} only observes (auto_close: observe); switched on: {what}"
    return (
        f"{channel.name}: {what}"
        if channel.inbound or not _by_envelope(book)
        else f"{channel.name} has {what}"
    )


def can_close_what_arrives(channel: Channel, book: ChannelBook) -> bool:
    """Tell whether copies that arrive for the channel itself can be closed; if not, the operator should know."""
    return channel.auto_close is AutoClose.NEVER or bool(channel.inbound) or not _by_envelope(book)


def _what(channel: Channel, book: ChannelBook) -> str:
    if not _by_envelope(book):
        if BccEvidence.TRACE in book.rule.bcc_evidence and book.trusted_trace:
            return "outbound copies are closed wherever they arrive, unless a trusted client's trace field names the channel"
        return "outbound copies are closed wherever they arrive, blind copies to the channel itself included"
    if channel.inbound:
        arrivals = ", ".join(map(str, channel.inbound))
        return f"outbound copies that arrive at {arrivals} or reach another channel can be closed"
    reached = "only copies that reach another channel can be closed"
    if len(book.channels) == 1:
        reached = (
            "only copies that reach another address of domains can be closed"
            if book.domains
            else "nothing can be closed"
        )
    return f"no inbound address: {reached}; name the address your copies arrive at, or set bcc_evidence: [header]"


def _by_envelope(book: ChannelBook) -> bool:
    return BccEvidence.ENVELOPE in book.rule.bcc_evidence

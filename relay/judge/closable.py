"""What each channel can close with the book as it is (docs/rule.md).  Pure."""

from relay.channels import AutoClose, BccEvidence, Channel, ChannelBook
from relay.judge.sentences import CLOSABLE, Language


def closable(channel: Channel, book: ChannelBook, language: Language = Language.EN) -> str:
    """Return one sentence on which outbound copies of ``channel`` can be closed, and what would close more."""
    if channel.auto_close is AutoClose.NEVER:
        return _say("never", language, name=channel.name)
    what = _what(channel, book, language)
    if channel.auto_close is AutoClose.OBSERVE:
        return _say("observes", language, name=channel.name, what=what)
    key = "does" if channel.inbound or not _by_envelope(book) else "has"
    return _say(key, language, name=channel.name, what=what)


def can_close_what_arrives(channel: Channel, book: ChannelBook) -> bool:
    """Tell whether copies that arrive for the channel itself can be closed; if not, the operator should know."""
    return channel.auto_close is AutoClose.NEVER or bool(channel.inbound) or not _by_envelope(book)


def _what(channel: Channel, book: ChannelBook, language: Language) -> str:
    if not _by_envelope(book):
        trace = BccEvidence.TRACE in book.rule.bcc_evidence and book.trusted_trace
        return _say("unless-trace" if trace else "anywhere", language)
    if channel.inbound:
        return _say("inbound", language, arrivals=", ".join(map(str, channel.inbound)))
    reached = "other-channel"
    if len(book.channels) == 1:
        reached = "other-address" if book.domains else "nothing"
    return _say("no-inbound", language, reached=_say(reached, language))


def _by_envelope(book: ChannelBook) -> bool:
    return BccEvidence.ENVELOPE in book.rule.bcc_evidence


def _say(key: str, language: Language, **values: str) -> str:
    return CLOSABLE[key][language is Language.DE].format(**values)

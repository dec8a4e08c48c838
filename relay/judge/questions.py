"""The nine questions, one function each; every function looks at one case and nothing else.  Pure."""

from collections.abc import Callable
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from relay.channels import AutoClose, Channel, ChannelBook, Platform, WhenInDoubt
from relay.judge.verdict import Because, Doubt, Finding, Question, Reason
from relay.mail.envelope import HeaderState, Source
from relay.mail.proof import DKIM, Proof
from relay.mail.view import HEADER_CUT, MessageView, Recipient


class Case(NamedTuple):
    """A view beside a book, with what follows from both, worked out once."""

    view: MessageView
    book: ChannelBook
    author: str
    """The author's address as text; empty where there is none."""
    channel: Channel | None
    """The author's."""
    recipients: tuple[Recipient, ...]
    """The evidence that counts."""
    doubts: tuple[Doubt, ...]


Ask = Callable[[Case], Finding]


def readable(case: Case) -> Finding:
    """Answer whether the header section reached us whole, and is not over the book's limit."""
    view, limit = case.view, case.book.header_size
    if limit and view.header_octets > limit:
        return _missed(Question.READABLE, Reason.UNREADABLE, Because.TOO_LARGE, str(limit))
    if view.unreadable is not None or view.known.header is HeaderState.CUT:
        why = view.unreadable or HEADER_CUT
        return _missed(Question.READABLE, Reason.UNREADABLE, Because.NOT_READ, why)
    return _COMPLETE


def one_author(case: Case) -> Finding:
    """Answer whether From names exactly one mailbox, and every reader would read the same one."""
    view = case.view
    if view.author is not None:
        return _held(Question.ONE_AUTHOR, Because.FROM_NAMES, case.author)
    if (fault := view.author_fault) is None:
        return _moot(Question.ONE_AUTHOR, Because.NOT_ASKED_UNREAD)
    reason = Reason.AMBIGUOUS_AUTHOR if fault.ambiguous else Reason.NO_AUTHOR
    return _missed(Question.ONE_AUTHOR, reason, Because.NO_ONE_AUTHOR, fault)


def author_is_a_channel(case: Case) -> Finding:
    """Answer whether the author is exactly an address of a channel."""
    author = case.view.author
    question = Question.AUTHOR_IS_A_CHANNEL
    if author is None:
        return _moot(question, Because.NOT_ASKED_NO_AUTHOR)
    if case.channel is not None:
        return _of_channel(case.author, case.channel.name)
    role = case.book.role_of(author)
    if role is None:
        return _missed(question, Reason.FOREIGN_AUTHOR, Because.OF_NO_CHANNEL, case.author)
    because = Because.ONLY_INBOUND if role.inbound else Because.ONLY_SUBADDRESS
    return _missed(question, Reason.FOREIGN_AUTHOR, because, case.author, role.channel.name)


def not_rewritten(case: Case) -> Finding:
    """Answer whether no list or group put the channel's address in From for somebody else."""
    view = case.view
    if case.channel is None:
        return _NO_CHANNEL_REWRITTEN
    if view.list_field is None:
        return _NOT_REWRITTEN
    outsider = next((a for a in view.originals if case.book.is_outsider(a)), None)
    if outsider is None:
        return _NOT_REWRITTEN
    question, reason = Question.NOT_REWRITTEN, Reason.REWRITTEN_AUTHOR
    return _missed(question, reason, Because.REWRITTEN, view.list_field, str(outsider))


def channel_closes(case: Case) -> Finding:
    """Answer whether the channel takes part in the rule at all."""
    channel = case.channel
    if channel is None:
        return _NO_CHANNEL_CLOSES
    if channel.auto_close is AutoClose.NEVER:
        return _missed(Question.CHANNEL_CLOSES, Reason.CHANNEL_EXEMPT, Because.EXEMPT, channel.name)
    return _closes(channel.name)


def from_outside(case: Case) -> Finding:
    """Answer whether nothing proves that the helpdesk platform itself sent the message."""
    view, platform = case.view, case.book.platform
    client, question, reason = view.client, Question.FROM_OUTSIDE, Reason.PLATFORM_SENT
    if client.address in platform.networks:
        return _missed(question, reason, Because.IN_NETWORK, str(client.address))
    if client.user is not None and client.user in platform.users:
        return _missed(question, reason, Because.PLATFORM_USER, client.user)
    if (view.proofs or view.unproved) and (signed := _signed(view, platform)) is not None:
        return signed
    if view.known.client is Source.UNKNOWN:
        return _held(question, Because.CLIENT_UNKNOWN)
    return _NO_PROOF


def not_sent_to_itself(case: Case) -> Finding:
    """Answer whether nobody among the recipients is the author's own channel."""
    channel, is_itself = case.channel, case.book.is_itself
    if channel is None:
        return _NO_CHANNEL_AMONG_RECIPIENTS
    for address, where, _, _ in case.recipients:
        if is_itself(channel, address):
            question, reason = Question.NOT_SENT_TO_ITSELF, Reason.SELF_ADDRESSED
            return _missed(question, reason, Because.AMONG_RECIPIENTS, str(address), where)
    return _NOT_AMONG_RECIPIENTS


def no_doubt(case: Case) -> Finding:
    """Answer whether there is no doubt, or doubts do not count for the channel."""
    channel, question = case.channel, Question.NO_DOUBT
    if channel is None:
        return _NO_CHANNEL_IN_DOUBT
    if not case.doubts:
        return _NO_DOUBT
    if case.book.in_doubt(channel) is WhenInDoubt.CLOSE:
        return _held(question, Because.DOUBTS_CLOSE, *case.doubts)
    return _missed(question, Reason.IN_DOUBT, Because.DOUBTS_OPEN, *case.doubts)


def not_observing(case: Case) -> Finding:
    """Answer whether the channel closes for real, and does not only show what it would close."""
    channel = case.channel
    if channel is None:
        return _NO_CHANNEL_OBSERVING
    if channel.auto_close is AutoClose.OBSERVE:
        return _missed(Question.NOT_OBSERVING, Reason.OBSERVED, Because.OBSERVING, channel.name)
    return _switched_on(channel.name)


QUESTIONS: tuple[Ask, ...] = (
    readable,
    one_author,
    author_is_a_channel,
    not_rewritten,
    channel_closes,
    from_outside,
    not_sent_to_itself,
    no_doubt,
    not_observing,
)


def doubts_of(view: MessageView, book: ChannelBook) -> tuple[Doubt, ...]:
    """Return the signs that a customer may be speaking; to be asked only where the author is a channel."""
    outside = _goes_outside(view, book)
    if outside and not view.delivery_report:
        return ()
    signs = {
        Doubt.NO_OUTSIDE_RECIPIENT: not outside,
        Doubt.REPLY_TO_OUTSIDER: not outside and any(map(book.is_outsider, view.reply_to)),
        Doubt.DELIVERY_REPORT: view.delivery_report,
    }
    return tuple([doubt for doubt, seen in signs.items() if seen])


def _goes_outside(view: MessageView, book: ChannelBook) -> bool:
    """Tell whether To or Cc names somebody who is none of ours."""
    for address, where, _, certain in view.recipients:
        if certain and where in ("To", "Cc") and book.is_outsider(address):
            return True
    return False


def _signed(view: MessageView, platform: Platform) -> Finding | None:
    """Answer from the signatures of the platform; None where there are none."""
    question, reason = Question.FROM_OUTSIDE, Reason.PLATFORM_SENT
    proof = next((proof for proof in view.proofs if _believed(proof, platform)), None)
    if proof is not None:
        if proof.kind == DKIM:
            return _missed(question, reason, Because.PLATFORM_SIGNED, proof.domain)
        return _missed(question, reason, Because.PLATFORM_VOUCHED_FOR, proof.domain, proof.authserv_id)
    unproved = [(each.domain, each.fault) for each in view.unproved if each.domain in platform.dkim_domains]
    if unproved:
        return _held(question, Because.NOT_PROVED, *chain.from_iterable(unproved))
    return None


def _believed(proof: Proof, platform: Platform) -> bool:
    by_whom = proof.kind == DKIM or proof.authserv_id in platform.authserv_ids
    return by_whom and proof.domain in platform.dkim_domains


def _held(question: Question, because: Because, *evidence: str) -> Finding:
    return Finding(question, True, because, evidence)  # noqa: FBT003


def _missed(question: Question, reason: Reason, because: Because, *evidence: str) -> Finding:
    return Finding(question, False, because, evidence, reason)  # noqa: FBT003


def _moot(question: Question, because: Because) -> Finding:
    return Finding(question, None, because)


@lru_cache(maxsize=1024)
def _of_channel(author: str, channel: str) -> Finding:
    return _held(Question.AUTHOR_IS_A_CHANNEL, Because.OF_CHANNEL, author, channel)


@lru_cache(maxsize=1024)
def _closes(channel: str) -> Finding:
    return _held(Question.CHANNEL_CLOSES, Because.CLOSES, channel)


@lru_cache(maxsize=1024)
def _switched_on(channel: str) -> Finding:
    return _held(Question.NOT_OBSERVING, Because.SWITCHED_ON, channel)


def _about_no_channel(question: Question) -> Finding:
    return _moot(question, Because.NOT_ASKED_NO_CHANNEL)


# What most mail is answered; made once, because a verdict is needed for every message.
_COMPLETE = _held(Question.READABLE, Because.COMPLETE)
_NOT_REWRITTEN = _held(Question.NOT_REWRITTEN, Because.NOT_REWRITTEN)
_NO_PROOF = _held(Question.FROM_OUTSIDE, Because.NO_PROOF)
_NOT_AMONG_RECIPIENTS = _held(Question.NOT_SENT_TO_ITSELF, Because.NOT_AMONG_RECIPIENTS)
_NO_DOUBT = _held(Question.NO_DOUBT, Because.NO_DOUBT)
_NO_CHANNEL_REWRITTEN = _about_no_channel(Question.NOT_REWRITTEN)
_NO_CHANNEL_CLOSES = _about_no_channel(Question.CHANNEL_CLOSES)
_NO_CHANNEL_AMONG_RECIPIENTS = _about_no_channel(Question.NOT_SENT_TO_ITSELF)
_NO_CHANNEL_IN_DOUBT = _about_no_channel(Question.NO_DOUBT)
_NO_CHANNEL_OBSERVING = _about_no_channel(Question.NOT_OBSERVING)

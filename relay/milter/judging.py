"""From a message to a decision: view, judge, stamp.  Pure; who hands it in keeps the journal and survives its bugs."""

from dataclasses import dataclass
from typing import assert_never

from relay.channels import ChannelBook
from relay.judge import Verdict, judge, wanted_signers
from relay.mail.authentication_results import vouched_for
from relay.mail.view import MessageView, make_view, with_proved
from relay.milter.terms import Decision, LetThrough, Message, PutOff, Stamp
from relay.settings.words import Mixed, OnFailure
from relay.stamp import STATUS, WHY, StampRules, stamp


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of a message, and why."""

    decision: Decision
    verdict: Verdict | None = None
    """None where nothing of it is the helpdesk's: not judged, not reported."""
    view: MessageView | None = None
    """None where there is no verdict."""


def judge_message(
    message: Message, book: ChannelBook, rules: StampRules, mixed: Mixed, ref: str = ""
) -> Judgement:
    """Judge a message that goes to the helpdesk, let any other through.

    The message goes to those that the MTA took; every forward-path is evidence (docs/rule.md).  Where a
    signature matters, the MTA's word on it counts: there is no body to verify it by.  ``ref``: what the decision
    will be called.
    """
    ours = sum(map(book.accepts, message.accepted))
    if not ours:
        return Judgement(LetThrough())
    view = make_view(
        message.head, message.forward_paths, message.client, message.known, limit=book.header_size
    )
    verdict = judge(view, book)
    if wanted := wanted_signers(verdict, book):
        view = with_proved(view, vouched_for(message.head, book.platform.authserv_ids, wanted))
        verdict = judge(view, book)
    fields = stamp(verdict, rules, message.queue_id, ref).inserted
    if ours < len(message.accepted):
        fields = _for_strangers_too(fields, mixed)
    return Judgement(Stamp(fields), verdict, view)


def decision_on(failure: OnFailure) -> Decision:
    """Return what becomes of a message that a bug of ours kept from being judged; a forged stamp never stays."""
    return PutOff() if failure is OnFailure.TEMPFAIL else Stamp()


def _for_strangers_too(fields: tuple[tuple[str, str], ...], mixed: Mixed) -> tuple[tuple[str, str], ...]:
    """Return what may be inserted into a message that goes to others than the helpdesk as well.

    Never the link: it is a key to the decision, with every address in it.
    """
    match mixed:
        case Mixed.FULL:
            return tuple(field for field in fields if field[0] != WHY)
        case Mixed.STATUS_ONLY:
            return tuple(field for field in fields if field[0].lower() == STATUS.lower())
        case Mixed.NONE:
            return ()
        case never:
            assert_never(never)

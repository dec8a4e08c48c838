"""The milter wired: what it decides by, where it listens, what of it is reported."""

import time
from collections.abc import Callable
from datetime import datetime

from relay.channels import ChannelBook
from relay.events import Fault, Judged, Observe, PathOutcome, TransactionEnded
from relay.mail.envelope import ForwardPath
from relay.mail.reply import Reply
from relay.mail.signatures import covered
from relay.milter.judging import decision_on, judge_message
from relay.milter.terms import Decision, Message, MilterLimits, MilterListener, Terms
from relay.settings.model import Settings
from relay.stamp import StampRules

TAKEN = Reply(250, "2.0.0", "Left to the MTA")

Moment = Callable[[], tuple[str, datetime]]
"""Returns a reference that no other decision has, and the time (aware)."""


def milter_terms(
    settings: Settings, book: ChannelBook, rules: StampRules, observe: Observe, moment: Moment
) -> Terms:
    """Return what messages that begin from now on are handled by."""
    mixed, fallback = settings.milter.mixed, decision_on(settings.milter.on_failure)

    def decide(message: Message) -> Decision:
        ref, now = moment()
        try:
            judgement = judge_message(message, book, rules, mixed, ref)
        except Exception as error:
            observe(Fault("judging for the milter", error))
            return fallback
        if judgement.verdict is not None and judgement.view is not None:
            broken = covered(message.head, rules.for_the_helpdesk) if message.stripped else ()
            judged = Judged(judgement.view, judgement.verdict, ref, broken)
            observe(_ended(message, judged, now))
        return judgement.decision

    return Terms(
        decide=decide,
        forged=rules.for_the_helpdesk,
        fallback=fallback,
        header_size=settings.limits.header_size,
    )


def milter_limits(settings: Settings) -> MilterLimits:
    """Return what MTAs may take of us."""
    return MilterLimits(connections=settings.limits.connections)


def milter_listeners(settings: Settings) -> list[MilterListener]:
    """Return where MTAs find us."""
    milter = settings.milter
    return [
        MilterListener(at.host, at.port, at.path, milter.socket_mode, milter.socket_group)
        for at in settings.listen.milter
    ]


def _ended(message: Message, judged: Judged, now: datetime) -> TransactionEnded:
    paths = (ForwardPath(str(mailbox), mailbox) for mailbox in message.accepted)
    return TransactionEnded(
        queue_id=message.queue_id,
        client=message.client,
        reverse_path=message.reverse_path,
        forward_paths=len(message.accepted),
        size=message.reverse_path.size or len(message.head),  # a milter that asks for no body knows no more
        judged=judged,
        next_hop="milter",
        reply=TAKEN,
        seconds=time.monotonic() - message.began,
        at=now,
        outcomes=tuple([PathOutcome(path, None) for path in paths]),
    )

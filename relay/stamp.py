"""From a verdict to header edits: the fields that go to the helpdesk, and those that nobody else may set.  Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from relay.judge import Verdict
from relay.mail.fields import HeaderEdit

STATUS = "X-Ticket-Status"
REASON = "X-Ticket-Reason"
WHY = "X-Ticket-Why"
_ALWAYS_OURS = (STATUS, REASON, WHY)
_BLIND = ("Bcc", "Resent-Bcc")

Fields = tuple[tuple[str, str], ...]
Link = Callable[[str], str]
"""Takes the reference of a decision and returns the link to it, which fits on a line."""


@dataclass(frozen=True, slots=True)
class StampRules:
    """The key ``stamp`` of channels.yaml, made ready."""

    auto_closed: Fields
    open: Fields
    reason: bool
    for_the_helpdesk: re.Pattern[bytes]
    """Field names in lower case that are removed on the way to the helpdesk."""
    for_others: re.Pattern[bytes]
    """Field names in lower case that are removed on the way to anybody else."""
    why: Link | None = None
    """Makes the link of X-Ticket-Why; None: there is none."""


def stamp_rules(
    auto_closed: Fields = ((STATUS, "auto-closed"),),
    open_: Fields = (),
    *,
    reason: bool = True,
    strip: tuple[str, ...] = (),
    why: Link | None = None,
) -> StampRules:
    """Return the rules for the fields that a stamp sets and the name patterns (``*``: anything) that it strips."""
    names = [*_ALWAYS_OURS, *(name for name, _ in (*auto_closed, *open_)), *strip]
    return StampRules(auto_closed, open_, reason, _names(names), _names([*names, *_BLIND]), why)


def stamp(verdict: Verdict, rules: StampRules, queue_id: str = "", ref: str = "") -> HeaderEdit:
    """Return the edits for what goes to the helpdesk (docs/rule.md).

    ``queue_id`` may be unknown, and so may ``ref``, by which the decision is found again: then there is no link.
    """
    fields = rules.auto_closed if verdict.auto_closed else rules.open
    if rules.reason:
        fields = (*fields, (REASON, _reason(verdict, queue_id)))
    if rules.why is not None and ref:
        fields = (*fields, (WHY, rules.why(ref)))
    return HeaderEdit(rules.for_the_helpdesk, fields)


def reopened_stamp(channel: str, ref: str) -> Fields:
    """Return the fields of a message that tells the helpdesk to open the ticket of a decision again."""
    return ((STATUS, "open"), (REASON, f"reopened; channel={channel}; id={ref}"))


def without_stamp(rules: StampRules) -> HeaderEdit:
    """Return the edits for what goes to anybody but the helpdesk: no stamp, no forged one, no Bcc."""
    return HeaderEdit(rules.for_others, ())


def _reason(verdict: Verdict, queue_id: str) -> str:
    words = str(verdict.reason)
    if verdict.channel is not None:
        words += f"; channel={verdict.channel.name}"
    if queue_id:
        words += f"; id={queue_id}"
    if verdict.doubts:
        words += f"; doubts={','.join(verdict.doubts)}"
    return words


def _names(patterns: list[str]) -> re.Pattern[bytes]:
    unique = dict.fromkeys(pattern.lower() for pattern in patterns)
    return re.compile("|".join(re.escape(pattern).replace(r"\*", ".*") for pattern in unique).encode("ascii"))

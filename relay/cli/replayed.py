"""What ``replay`` prints: a line or an object for a message, and what they come to."""

import sys
from collections.abc import Iterator

from relay.cli.objects import object_line
from relay.cli.tables import table
from relay.judge import Disposition, Verdict
from relay.judge.answer import answer
from relay.mail.text import unicode_text, visible
from relay.replay.again import Replayed
from relay.replay.tally import Tally, busiest, is_doubtful
from relay.replay.whatif import Change, Ticket, Totals, change, why
from relay.stamp import StampRules, stamp

_MOST_DOUBTFUL = 20
"""Doubtful closings that are named."""
_MOST_CHANNELS = 50
_NO_CHANNEL = "-"


class Report:
    """Prints what a replay finds."""

    def __init__(self, rules: StampRules, *, as_json: bool, changes_only: bool) -> None:
        """Take what stamps are made by, and what is printed: objects or lines, of all messages or of those that would change."""
        self._rules = rules
        self._as_json = as_json
        self._changes_only = changes_only
        self._tally = Tally()
        self._totals = Totals()
        self._doubtful: list[tuple[str, Verdict]] = []
        self._compared = changes_only

    @property
    def any_would_change(self) -> bool:
        """A difference was found."""
        return self._totals.messages > 0

    def add(self, replayed: Replayed) -> None:
        """Print what is to be said of one message, and count it."""
        verdict, was = replayed.verdict, replayed.was
        self._tally.add(verdict)
        changed = change(was, verdict) if was is not None else None
        if changed is not None:
            self._totals.add(changed)
        self._compared = self._compared or was is not None
        if self._as_json:
            if not self._changes_only:
                _say(object_line(self._answer(replayed)))
            elif changed is not None:
                _say(object_line(_change(replayed, changed)))
            return
        if changed is not None:
            _say(_line(replayed, changed))
        if is_doubtful(verdict) and len(self._doubtful) < _MOST_DOUBTFUL:
            self._doubtful.append((_name(replayed), verdict))

    def end(self) -> None:
        """Print what it comes to; nothing where objects are printed."""
        if self._as_json:
            return
        if not self._changes_only:
            self._verdicts()
        if self._compared:
            self._changes()
        sys.stdout.flush()

    def _answer(self, replayed: Replayed) -> dict[str, object]:
        stamped = stamp(replayed.verdict, self._rules, _id(replayed)).lines
        told: dict[str, object] = {"file": unicode_text(replayed.name), **answer(replayed.verdict, stamped)}
        if replayed.at is not None:
            told["at"] = replayed.at.isoformat()
        if replayed.was is not None:
            told["was"] = _kind(replayed.was)
        return told

    def _verdicts(self) -> None:
        tally = self._tally
        _say(f"judged: {tally.messages:,}")
        if not tally.messages:
            return
        table(
            "Verdicts",
            ("verdict", "reason", "messages"),
            ((*kind, f"{number:,}") for kind, number in tally.kinds.most_common()),
        )
        names = busiest(tally.channels)
        table(
            "Channels of the authors",
            ("channel", "auto-closed", "open", "doubtful"),
            (
                (
                    name or _NO_CHANNEL,
                    f"{tally.channels[name, Disposition.AUTO_CLOSED]:,}",
                    f"{tally.channels[name, Disposition.OPEN]:,}",
                    f"{tally.doubtful[name]:,}",
                )
                for name in names[:_MOST_CHANNELS]
            ),
        )
        for line in self._remarks(len(names)):
            _say(line)

    def _remarks(self, channels: int) -> Iterator[str]:
        tally = self._tally
        if channels > _MOST_CHANNELS:
            yield f"and {channels - _MOST_CHANNELS:,} channels more"
        if tally.depending:
            yield (
                f"closings that depend on what is not known: {tally.depending:,} "
                "(if all mail arrived for one address, name it with --rcpt-to)"
            )
        if self._doubtful:
            yield f"doubtful closings: {tally.doubtful.total():,}"
            for name, verdict in self._doubtful:
                yield f"  {name}: {', '.join(verdict.doubts)}"
            if tally.doubtful.total() > len(self._doubtful):
                yield "  …"

    def _changes(self) -> None:
        totals = self._totals
        _say(
            f"would change: {totals.messages:,} of {self._tally.messages:,} ({totals.tickets(Ticket.CLOSED):,} closed, "
            f"{totals.tickets(Ticket.OPENED):,} opened, {totals.tickets(Ticket.AS_IT_WAS):,} with another reason or channel)"
        )
        if not totals.messages:
            return
        table(
            "What would change",
            ("from", "to", "messages"),
            (
                (f"{was[0]} ({was[1]})", f"{to[0]} ({to[1]})", f"{number:,}")
                for (was, to), number in totals.kinds.most_common()
            ),
        )
        table(
            "By channel",
            ("channel", "closed", "opened", "another reason", "doubtful"),
            (
                (
                    name or _NO_CHANNEL,
                    *(f"{totals.channels[name, ticket]:,}" for ticket in Ticket),
                    f"{totals.doubtful[name]:,}",
                )
                for name in busiest(totals.channels)[:_MOST_CHANNELS]
            ),
        )


def _id(replayed: Replayed) -> str:
    return replayed.name if replayed.at is not None else ""


def _kind(verdict: Verdict) -> dict[str, str | None]:
    return {
        "verdict": verdict.disposition.value,
        "reason": verdict.reason.value,
        "channel": verdict.channel.name if verdict.channel else None,
        "book": verdict.book,
    }


def _change(replayed: Replayed, changed: Change) -> dict[str, object]:
    because = why(changed)
    author = changed.would_be.author
    told: dict[str, object] = {
        "file": unicode_text(replayed.name),
        "message_id": unicode_text(replayed.message_id),
        "author": unicode_text(str(author)) if author else None,
        "from": _kind(changed.was),
        "to": _kind(changed.would_be),
        "doubts": [doubt.value for doubt in changed.would_be.doubts],
        "why": {
            "question": because.question,
            "from": unicode_text(because.was),
            "to": unicode_text(because.would_be),
        },
    }
    if replayed.at is not None:
        told["at"] = replayed.at.isoformat()
    return told


def _line(replayed: Replayed, changed: Change) -> str:
    because = why(changed)
    was, now = changed.was, changed.would_be
    doubts = f" in doubt: {', '.join(now.doubts)}" if is_doubtful(now) else ""
    return (
        f"{_name(replayed)}: {was.disposition} ({was.reason}) -> {now.disposition} ({now.reason}){doubts}; "
        f"{because.question}: {visible(because.would_be)}; before: {visible(because.was)}"
    )


def _name(replayed: Replayed) -> str:
    named = f" <{visible(replayed.message_id)}>" if replayed.message_id else ""
    return visible(replayed.name) + named


def _say(line: str) -> None:
    """Print one line; not by click, which flushes every one of them."""
    sys.stdout.write(line + "\n")

"""What the pages show of decisions: explanations in one language, rows of a list, what sets two decisions apart.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from relay.journal.entry import Entry
from relay.judge import Doubt, Finding, Question, Verdict, explain
from relay.judge.explain import Language
from relay.mail.view import Evidence

_NAMED = 3
"""Recipients that a row names."""


@dataclass(frozen=True, slots=True)
class Explaining:
    """A verdict in words of one language; in the message's own words nothing is made safe yet."""

    language: Language

    def reason(self, verdict: Verdict) -> str:
        """Return why the ticket is open or closed."""
        return explain.reason(verdict, self.language)

    def remedy(self, verdict: Verdict) -> str:
        """Return what to do to have it otherwise next time."""
        return explain.remedy(verdict, self.language)

    def depends(self, verdict: Verdict) -> str | None:
        """Return what would open the ticket if it were known."""
        return explain.depends(verdict, self.language)

    def doubt(self, doubt: Doubt) -> str:
        """Return what a doubt means."""
        return explain.doubt(doubt, self.language)

    def question(self, question: Question) -> str:
        """Return a question as a sentence."""
        return explain.question(question, self.language)

    def because(self, finding: Finding) -> str:
        """Return the fact that answered a question."""
        return explain.because(finding, self.language)


@dataclass(frozen=True, slots=True)
class Row:
    """One decision in a list."""

    entry: Entry
    addressed: tuple[str, ...]
    """The first of those whom it was for."""
    more: int
    """How many others there are."""


def row_of(entry: Entry) -> Row:
    """Return the row of an entry: whom its header section names, else whom it arrived for."""
    seen = entry.view.recipients
    named = [each.mailbox for each in seen if each.evidence is Evidence.ADDRESSED and each.certain]
    arrived = [each.mailbox for each in seen if each.evidence is Evidence.ENVELOPE]
    meant = list(dict.fromkeys(named or arrived))
    return Row(entry, tuple(map(str, meant[:_NAMED])), max(0, len(meant) - _NAMED))


@dataclass(frozen=True, slots=True)
class Turn:
    """The first question that two decisions answer differently."""

    here: Finding
    there: Finding

    @property
    def here_mark(self) -> str:
        """``yes``, ``no`` or ``moot``."""
        return mark(self.here)

    @property
    def there_mark(self) -> str:
        """``yes``, ``no`` or ``moot``."""
        return mark(self.there)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which two decisions are not alike."""

    aspect: str
    here: str
    there: str


@dataclass(frozen=True, slots=True)
class Other:
    """Another decision on the same message."""

    entry: Entry
    turned: Turn | None
    """None: it came out the same."""
    differences: tuple[Difference, ...]


def other_of(here: Entry, there: Entry) -> Other:
    """Return what sets another decision apart from the one that is shown."""
    return Other(there, _turn(here.verdict, there.verdict), _differences(here, there))


def mark(finding: Finding) -> str:
    """Return how a question was answered: ``yes``, ``no`` or ``moot``."""
    if finding.holds is None:
        return "moot"
    return "yes" if finding.holds else "no"


def deciding(verdict: Verdict) -> Question | None:
    """Return the question whose answer kept the ticket open; None if nothing did."""
    return next((finding.question for finding in verdict.findings if finding.holds is False), None)


def _turn(here: Verdict, there: Verdict) -> Turn | None:
    if (here.disposition, here.reason) == (there.disposition, there.reason):
        return None
    pairs = zip(here.findings, there.findings, strict=False)
    turns = (
        Turn(one, other) for one, other in pairs if (one.holds, one.because) != (other.holds, other.because)
    )
    return next(turns, None)


def _differences(here: Entry, there: Entry) -> tuple[Difference, ...]:
    ours, theirs = _aspects(here), _aspects(there)
    return tuple(
        Difference(aspect, ours[aspect], theirs[aspect]) for aspect in ours if ours[aspect] != theirs[aspect]
    )


def _aspects(entry: Entry) -> dict[str, str]:
    """Return everything of an entry that a verdict can depend on, as text."""
    view, client = entry.view, entry.view.client
    return {
        "forward_paths": _listed(entry, (Evidence.ENVELOPE,)),
        "recipients": _listed(entry, (Evidence.ADDRESSED, Evidence.BLIND)),
        "author": str(view.author) if view.author is not None else "",
        "client": str(client.address) if client.address is not None else "",
        "user": client.user or "",
        "book": entry.verdict.book,
        "header": view.known.header.value,
        "entrance": entry.entrance.value,
    }


def _listed(entry: Entry, kinds: Sequence[Evidence]) -> str:
    return ", ".join(sorted(str(each.mailbox) for each in entry.view.recipients if each.evidence in kinds))

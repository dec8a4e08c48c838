"""What sets two decisions on one message apart.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from relay.journal.entry import Entry
from relay.judge import Finding, Verdict
from relay.mail.view import Evidence


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

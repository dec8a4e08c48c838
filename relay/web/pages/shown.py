"""What the pages show of decisions: explanations in one language, rows of a list.  Pure."""

from dataclasses import dataclass

from relay.journal.entry import Entry
from relay.journal.query import BY_LINK, COMMAND_LINE, LOCAL
from relay.judge import Doubt, Finding, Question, Verdict, explain
from relay.judge.explain import Language
from relay.mail.view import Evidence
from relay.web.texts import text

_NAMED = 3
"""Recipients that a row names."""


@dataclass(frozen=True, slots=True)
class Explaining:
    """A verdict in words of one language; in the message's own words nothing is made safe yet."""

    language: Language

    def who(self, name: str) -> str:
        """Return who looked: a user's name as it is."""
        return text(self.language, f"who.{name}") if name in (COMMAND_LINE, LOCAL, BY_LINK) else name

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


def deciding(verdict: Verdict) -> Question | None:
    """Return the question whose answer kept the ticket open; None if nothing did."""
    return next((finding.question for finding in verdict.findings if finding.holds is False), None)

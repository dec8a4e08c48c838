"""A verdict in words: why, what would have changed it, and how to prevent it.  Pure."""

from collections.abc import Sequence

from relay.judge.faults import GERMAN_FAULTS
from relay.judge.sentences import (
    BECAUSE,
    DOUBTS,
    OPEN_IF,
    OR,
    OR_IF,
    QUESTIONS,
    REASONS,
    REMEDIES,
    UNKNOWNS,
    Language,
    Words,
)
from relay.judge.verdict import Because, Doubt, Finding, Question, Verdict

__all__ = ["Language", "because", "depends", "doubt", "question", "reason", "remedy"]


def because(finding: Finding, language: Language = Language.EN) -> str:
    """Return the fact that answered a question; the message's own words in it are not made safe for display."""
    evidence = finding.evidence
    if finding.because is Because.NOT_PROVED:
        return _in(BECAUSE[finding.because], language).replace("{*}", _unproved(evidence, language))
    if language is Language.DE and finding.because in (Because.NO_ONE_AUTHOR, Because.NOT_READ):
        evidence = tuple(GERMAN_FAULTS.get(fault, fault) for fault in evidence)
    sentence = _in(BECAUSE[finding.because], language)
    if "{*}" in sentence:
        return sentence.replace("{*}", ", ".join(evidence))
    return sentence.format(*evidence)


def _unproved(evidence: Sequence[str], language: Language) -> str:
    """Return domains and why their signatures prove nothing; ``evidence`` has the one behind the other."""
    faults = evidence[1::2]
    if language is Language.DE:
        faults = [GERMAN_FAULTS.get(fault, fault) for fault in faults]
    told = dict.fromkeys(zip(evidence[::2], faults, strict=True))
    return "; ".join(f"{domain}: {fault}" for domain, fault in told)


def question(asked: Question, language: Language = Language.EN) -> str:
    """Return a question as a sentence for the support person."""
    return _in(QUESTIONS[asked], language)


def reason(verdict: Verdict, language: Language = Language.EN) -> str:
    """Return why the ticket is open or closed, in one sentence."""
    return _in(REASONS[verdict.reason], language)


def doubt(found: Doubt, language: Language = Language.EN) -> str:
    """Return what a doubt means."""
    return _in(DOUBTS[found], language)


def remedy(verdict: Verdict, language: Language = Language.EN) -> str:
    """Return what to do to have it otherwise next time."""
    return _in(REMEDIES[verdict.reason], language).replace("{own}", _own(verdict, language))


def depends(verdict: Verdict, language: Language = Language.EN) -> str | None:
    """Return what would open the ticket if it were known, and how to say it; None if nothing would."""
    if not verdict.depends:
        return None
    conditions = [
        _in(UNKNOWNS[unknown][0], language).replace("{own}", _own(verdict, language))
        for unknown in verdict.depends
    ]
    options = [_in(UNKNOWNS[unknown][1], language) for unknown in verdict.depends]
    return _in(OPEN_IF, language).format(
        _in(OR_IF, language).join(conditions), _in(OR, language).join(options)
    )


def _own(verdict: Verdict, language: Language) -> str:
    own = verdict.channel.own if verdict.channel else ()
    return _in(OR, language).join(map(str, own))


def _in(words: Words, language: Language) -> str:
    return words[language is Language.DE]

"""An explanation as lines for a terminal, in English and German."""

from collections.abc import Iterator

from relay.judge import Verdict, explain
from relay.judge.explain import Language
from relay.mail.text import visible

_LABELS = {
    Language.EN: (
        "author",
        "recipients",
        "doubts",
        "known",
        "remedy",
        "stamp",
        "depends",
        "channel",
        "none",
        "nobody",
    ),
    Language.DE: (
        "Absender",
        "Empfänger",
        "Zweifel",
        "bekannt",
        "Abhilfe",
        "Stempel",
        "hängt ab",
        "Kanal",
        "keine",
        "niemand",
    ),
}
_ANSWERS = {
    Language.EN: {True: "yes", False: "NO", None: "-"},
    Language.DE: {True: "ja", False: "NEIN", None: "-"},
}
_KNOWN = {
    Language.EN: "envelope {}, client {}, header {}",
    Language.DE: "Umschlag {}, Client {}, Nachrichtenkopf {}",
}
_IN_GERMAN = {
    "given": "gegeben",
    "trace": "aus Trace-Feldern",
    "unknown": "unbekannt",
    "complete": "vollständig",
    "cut": "abgeschnitten",
    "envelope": "Umschlag",
    "more": "weitere",
}
_MOST_RECIPIENTS = 10


def told(name: str, verdict: Verdict, stamped: list[str], language: Language) -> Iterator[str]:
    """Yield the lines that explain ``verdict``; whatever comes from the message is made visible."""
    author, recipients, doubts, known, remedy, stamp, depends, channel, none, nobody = _LABELS[language]
    facts = {
        author: (str(verdict.author) if verdict.author else none)
        + (f" ({channel} {verdict.channel.name})" if verdict.channel else ""),
        recipients: _recipients(verdict, language) or nobody,
        doubts: ", ".join(f"{doubt} ({explain.doubt(doubt, language)})" for doubt in verdict.doubts) or none,
        known: _KNOWN[language].format(
            *(
                _word(each, language)
                for each in (verdict.known.envelope, verdict.known.client, verdict.known.header)
            )
        ),
    }
    yield f"{visible(name)}: {verdict.disposition} ({verdict.reason})"
    yield f"  {visible(explain.reason(verdict, language))}"
    for label, fact in facts.items():
        yield f"  {label:<10}  {visible(fact)}"
    for finding in verdict.findings:
        answer = _ANSWERS[language][finding.holds]
        yield f"  {answer:>4}  {finding.question:<19} {visible(explain.because(finding, language))}"
    if condition := explain.depends(verdict, language):
        yield f"  {depends:<10}  {visible(condition)}"
    yield f"  {remedy:<10}  {visible(explain.remedy(verdict, language))}"
    for field in stamped:
        yield f"  {stamp:<10}  {visible(field)}"


def _recipients(verdict: Verdict, language: Language) -> str:
    shown = [
        f"{seen.mailbox} ({_word(seen.where, language)})" for seen in verdict.recipients[:_MOST_RECIPIENTS]
    ]
    more = len(verdict.recipients) - len(shown)
    return ", ".join(shown) + (f", … {more} {_word('more', language)}" if more else "")


def _word(word: str, language: Language) -> str:
    return _IN_GERMAN.get(word, word) if language is Language.DE else str(word)

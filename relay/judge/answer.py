"""A verdict as the answer that ``explain --json``, the API and ``replay`` give (README.md).  Pure."""

from relay.judge import explain
from relay.judge.explain import Language
from relay.judge.verdict import Verdict
from relay.mail.text import unicode_text

Json = dict[str, "Json | list[Json] | list[str] | str | bool | None"]


def answer(verdict: Verdict, stamp: list[str], language: Language = Language.EN) -> Json:
    """Return the answer; ``stamp`` are the fields that are set, as ``Name: value``."""
    recipients: list[Json] = [
        {"address": unicode_text(str(seen.mailbox)), "evidence": seen.where} for seen in verdict.recipients
    ]
    findings: list[Json] = [
        {
            "question": finding.question.value,
            "holds": finding.holds,
            "because": unicode_text(explain.because(finding, language)),
        }
        for finding in verdict.findings
    ]
    known = verdict.known
    return {
        "verdict": verdict.disposition.value,
        "reason": verdict.reason.value,
        "channel": verdict.channel.name if verdict.channel else None,
        "author": unicode_text(str(verdict.author)) if verdict.author else None,
        "doubts": [doubt.value for doubt in verdict.doubts],
        "recipients": recipients,
        "known": {
            "envelope": known.envelope.value,
            "client": known.client.value,
            "header": known.header.value,
        },
        "depends": explain.depends(verdict, language),
        "findings": findings,
        "remedy": explain.remedy(verdict, language),
        "stamp": stamp,
        "book": verdict.book,
    }

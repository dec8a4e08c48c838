"""Judge whether a message is an outbound copy, and remember why.

Pure: no clock, no I/O, no logging.  The same view and book always give the same verdict, so a replay
can answer "what if" for old mail.
"""

from relay.channels import BccEvidence, ChannelBook
from relay.judge.questions import QUESTIONS, Case, doubts_of
from relay.judge.verdict import Disposition, Finding, Reason, Unknown, Verdict
from relay.mail.envelope import Source
from relay.mail.view import Evidence, MessageView, within


def judge(view: MessageView, book: ChannelBook) -> Verdict:
    """Return the verdict: closed only when every question holds."""
    view = within(view, book.header_size)
    author = view.author
    channel = book.channel_of(author)
    doubts = doubts_of(view, book) if channel else ()
    written = "" if author is None else str(author)
    case = Case(view, book, written, channel, book.recipients_of(view), doubts)
    findings = tuple([ask(case) for ask in QUESTIONS])
    missed = _first_missed(findings)
    if missed is None:
        disposition, reason = Disposition.AUTO_CLOSED, Reason.OUTBOUND_COPY
    else:
        disposition, reason = Disposition.OPEN, missed.reason or Reason.UNREADABLE
    return Verdict(
        disposition=disposition,
        reason=reason,
        findings=findings,
        author=author,
        channel=channel,
        doubts=doubts,
        recipients=case.recipients,
        known=view.known,
        depends=_depends(case) if missed is None else (),
        book=book.digest,
    )


def wanted_signers(verdict: Verdict, book: ChannelBook) -> frozenset[str]:
    """Return the domains of which a valid signature would change the verdict; for most mail there is none.

    An observing channel counts what it would have closed, and a signature keeps a message out of that.
    """
    would_close = verdict.reason in (Reason.OUTBOUND_COPY, Reason.OBSERVED)
    return book.platform.dkim_domains if would_close else frozenset()


def _first_missed(findings: tuple[Finding, ...]) -> Finding | None:
    for finding in findings:
        if finding.holds is not True:
            return finding
    return None


def _depends(case: Case) -> tuple[Unknown, ...]:
    """Return what is unknown and could have opened a ticket that is closed; nothing unknown can close one."""
    known, book, channel = case.view.known, case.book, case.channel
    unverified = _signature_unverified(case)
    if Source.UNKNOWN not in (known.envelope, known.client) and not unverified:
        return ()
    traced_to_itself = (
        bool(book.trusted_trace)
        and BccEvidence.TRACE in book.rule.bcc_evidence
        and any(
            seen.evidence is Evidence.TRACE and channel is not None and book.is_itself(channel, seen.mailbox)
            for seen in case.view.recipients
        )
    )
    client_matters = traced_to_itself or bool(book.platform.networks)
    unknown = {
        Unknown.ENVELOPE: known.envelope is Source.UNKNOWN and BccEvidence.ENVELOPE in book.rule.bcc_evidence,
        Unknown.CLIENT: known.client is Source.UNKNOWN and client_matters,
        Unknown.USER: known.client is Source.UNKNOWN and bool(book.platform.users),
        Unknown.SIGNATURE: unverified,
    }
    return tuple([what for what, matters in unknown.items() if matters])


def _signature_unverified(case: Case) -> bool:
    """Tell whether there is, or may be, a signature of the platform that was not verified."""
    view, domains = case.view, case.book.platform.dkim_domains
    if not domains or view.signers is None:
        return bool(domains)
    return not (view.signers & domains).issubset([each.domain for each in view.unproved])

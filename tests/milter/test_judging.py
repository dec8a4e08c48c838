"""What becomes of a message: whose it is, what is inserted, and who is told nothing."""

from dataclasses import replace

import pytest

from relay.channels import Platform
from relay.judge import Reason
from relay.judge.verdict import Because
from relay.mail.envelope import Client, HeaderState, Known, ReversePath, Source
from relay.milter.judging import Judgement, decision_on, judge_message
from relay.milter.terms import LetThrough, Message, PutOff, Stamp
from relay.settings.words import Mixed, OnFailure
from relay.stamp import stamp_rules
from tests.samples import BOOK, OUTSIDE, book, box, head

COPY = Message(
    queue_id="4ABC",
    client=Client(OUTSIDE),
    reverse_path=ReversePath(""),
    forward_paths=(box("in-1@desk.example"),),
    accepted=(box("in-1@desk.example"),),
    head=head("From: care@shop.example", "To: anna@mail.example"),
    known=Known(),
    began=0.0,
)
STRANGER = box("bob@elsewhere.example")
STATUS = ("X-Ticket-Status", "auto-closed")
REASON = ("X-Ticket-Reason", "outbound-copy; channel=care; id=4ABC")


def judged(message: Message, mixed: Mixed = Mixed.STATUS_ONLY) -> Judgement:
    return judge_message(message, BOOK, stamp_rules(), mixed)


def test_a_copy_gets_its_stamp_with_the_queue_id_of_the_mta() -> None:
    judgement = judged(COPY)
    assert judgement.decision == Stamp((STATUS, REASON))
    assert judgement.verdict is not None
    assert judgement.verdict.auto_closed


def test_mail_with_no_forward_path_of_the_helpdesk_is_let_through_unjudged() -> None:
    message = replace(COPY, forward_paths=(STRANGER,), accepted=(STRANGER,))
    assert judged(message) == Judgement(LetThrough())


def test_mail_whose_forward_paths_to_the_helpdesk_were_all_refused_is_not_the_helpdesks() -> None:
    message = replace(COPY, forward_paths=(STRANGER, *COPY.forward_paths), accepted=(STRANGER,))
    assert judged(message) == Judgement(LetThrough())


def test_a_refused_forward_path_is_evidence() -> None:
    message = replace(COPY, forward_paths=(box("care@shop.example"), *COPY.forward_paths))
    verdict = judged(message).verdict
    assert verdict is not None
    assert verdict.reason is Reason.SELF_ADDRESSED


def test_a_refused_stranger_makes_no_transaction_mixed() -> None:
    message = replace(COPY, forward_paths=(STRANGER, *COPY.forward_paths))
    assert judged(message).decision == Stamp((STATUS, REASON))


@pytest.mark.parametrize(
    ("mixed", "fields"), [(Mixed.STATUS_ONLY, (STATUS,)), (Mixed.NONE, ()), (Mixed.FULL, (STATUS, REASON))]
)
def test_where_others_get_the_message_too_the_settings_say_what_they_may_see(
    mixed: Mixed, fields: tuple[tuple[str, str], ...]
) -> None:
    both = (*COPY.forward_paths, STRANGER)
    judgement = judged(replace(COPY, forward_paths=both, accepted=both), mixed)
    assert judgement.decision == Stamp(fields)
    assert judgement.verdict is not None


def test_of_a_cut_header_section_the_ticket_stays_open() -> None:
    verdict = judged(replace(COPY, known=Known(Source.GIVEN, Source.GIVEN, HeaderState.CUT))).verdict
    assert verdict is not None
    assert (verdict.reason, verdict.known.header) == (Reason.UNREADABLE, HeaderState.CUT)


def test_after_a_bug_a_message_is_put_off_or_goes_on_without_a_forged_stamp() -> None:
    assert decision_on(OnFailure.TEMPFAIL) == PutOff()
    assert decision_on(OnFailure.ACCEPT) == Stamp()


LINKED = stamp_rules(why=lambda ref: f"https://relay.example/why/{ref}?s=0123")
LINK = ("X-Ticket-Why", "https://relay.example/why/R-1?s=0123")


def test_the_link_leads_to_the_decision_whatever_the_mta_calls_the_message() -> None:
    judgement = judge_message(COPY, BOOK, LINKED, Mixed.STATUS_ONLY, "R-1")
    assert judgement.decision == Stamp((STATUS, REASON, LINK))


SIGNED = head(
    "Authentication-Results: mx.shop.example; dkim=pass header.d=mail.desk.example",
    "Received: from a by b; now",
    "DKIM-Signature: v=1; d=mail.desk.example; b=x",
    "From: care@shop.example",
    "To: anna@mail.example",
)
DOMAINS, IDS = frozenset({"mail.desk.example"}), frozenset({"mx.shop.example"})


@pytest.mark.parametrize(
    ("platform", "reason", "because"),
    [
        (
            Platform(dkim_domains=DOMAINS, authserv_ids=IDS),
            Reason.PLATFORM_SENT,
            Because.PLATFORM_VOUCHED_FOR,
        ),
        (Platform(dkim_domains=DOMAINS), Reason.OUTBOUND_COPY, Because.NOT_PROVED),
        (Platform(authserv_ids=IDS), Reason.OUTBOUND_COPY, Because.NO_PROOF),
    ],
)
def test_a_signature_counts_if_a_verifier_that_is_believed_says_so(
    platform: Platform, reason: Reason, because: Because
) -> None:
    judgement = judge_message(replace(COPY, head=SIGNED), book(platform=platform), stamp_rules(), Mixed.FULL)
    assert judgement.verdict is not None
    assert judgement.verdict.reason is reason
    assert judgement.verdict.findings[5].because is because
    assert judgement.verdict.depends == ()


@pytest.mark.parametrize("mixed", Mixed)
def test_strangers_never_get_a_link(mixed: Mixed) -> None:
    message = replace(
        COPY, forward_paths=(STRANGER, *COPY.forward_paths), accepted=(STRANGER, *COPY.accepted)
    )
    decision = judge_message(message, BOOK, LINKED, mixed, "R-1").decision
    assert isinstance(decision, Stamp)
    assert LINK not in decision.fields
    assert (REASON in decision.fields) is (mixed is Mixed.FULL)

"""From findings to a verdict, and what is known (docs/rule.md)."""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from relay.channels import AutoClose, BccEvidence, ChannelBook, Platform, WhenInDoubt
from relay.judge import Disposition, Reason, Verdict, judge, wanted_signers
from relay.judge.questions import doubts_of
from relay.judge.verdict import Question, Unknown
from relay.mail.envelope import Client, HeaderState, Known, Source
from relay.mail.proof import DKIM, Proof, ProofFault, Unproved
from relay.mail.view import Evidence, MessageView, Recipient, make_view
from tests import strategies
from tests.samples import BOOK, CARE_CHANNEL, ORDERS_CHANNEL, OUTSIDE, book, box, judged, networks, rule, view

FROM = "From: care@shop.example"
TO = "To: anna@mail.example"


def exact_book(auto_close: AutoClose) -> ChannelBook:
    channel = replace(CARE_CHANNEL, auto_close=auto_close, when_in_doubt=WhenInDoubt.OPEN)
    return book(channel, ORDERS_CHANNEL, platform=Platform(networks("192.0.2.0/28")))


@pytest.mark.parametrize(
    ("fields", "client", "auto_close", "reason"),
    [
        ([], "192.0.2.5", AutoClose.NEVER, Reason.NO_AUTHOR),
        ([FROM, FROM, "List-Id: x"], "192.0.2.5", AutoClose.NEVER, Reason.AMBIGUOUS_AUTHOR),
        (
            ["From: anna@mail.example", "To: care@shop.example"],
            "192.0.2.5",
            AutoClose.NEVER,
            Reason.FOREIGN_AUTHOR,
        ),
        (
            [FROM, "List-Id: x", "X-Original-From: anna@mail.example", "To: care@shop.example"],
            "192.0.2.5",
            AutoClose.NEVER,
            Reason.REWRITTEN_AUTHOR,
        ),
        ([FROM, "To: care@shop.example"], "192.0.2.5", AutoClose.NEVER, Reason.CHANNEL_EXEMPT),
        ([FROM, "To: care@shop.example"], "192.0.2.5", AutoClose.OBSERVE, Reason.PLATFORM_SENT),
        ([FROM, "To: care@shop.example"], "198.51.100.7", AutoClose.OBSERVE, Reason.SELF_ADDRESSED),
        ([FROM, "To: orders@shop.example"], "198.51.100.7", AutoClose.OBSERVE, Reason.IN_DOUBT),
        ([FROM, TO], "198.51.100.7", AutoClose.OBSERVE, Reason.OBSERVED),
        ([FROM, TO], "198.51.100.7", AutoClose.ALWAYS, Reason.OUTBOUND_COPY),
    ],
)
def test_the_first_question_answered_no_gives_the_reason(
    fields: list[str], client: str, auto_close: AutoClose, reason: Reason
) -> None:
    verdict = judged(*fields, by=exact_book(auto_close), client=Client(ip_address(client)))
    assert verdict.reason is reason
    assert verdict.auto_closed is (reason is Reason.OUTBOUND_COPY)


def test_later_misses_are_kept_as_findings_too() -> None:
    fields = [FROM, "List-Id: x", "X-Original-From: anna@mail.example", "To: care@shop.example"]
    verdict = judged(*fields, by=exact_book(AutoClose.NEVER), client=Client(ip_address("192.0.2.5")))
    assert [found.reason for found in verdict.findings if found.holds is False] == [
        Reason.REWRITTEN_AUTHOR,
        Reason.CHANNEL_EXEMPT,
        Reason.PLATFORM_SENT,
        Reason.SELF_ADDRESSED,
        Reason.IN_DOUBT,
    ]


def test_a_verdict_keeps_author_channel_evidence_known_and_the_books_digest() -> None:
    verdict = judged(FROM, TO, rcpt_to=["in-1@desk.example"])
    assert (str(verdict.author), verdict.channel, verdict.book) == (
        "care@shop.example",
        CARE_CHANNEL,
        BOOK.digest,
    )
    assert [(str(r.mailbox), r.where) for r in verdict.recipients] == [
        ("anna@mail.example", "To"),
        ("in-1@desk.example", "envelope"),
    ]
    assert verdict.known == Known()


def test_the_channel_is_the_authors_and_not_the_one_addressed() -> None:
    verdict = judged("From: orders@shop.example", "To: care@shop.example", rcpt_to=["care@shop.example"])
    assert (verdict.channel, verdict.auto_closed) == (ORDERS_CHANNEL, True)


# --- properties ----------------------------------------------------------------------------------


@given(strategies.views(), strategies.books())
def test_mail_from_a_stranger_is_never_closed(view: MessageView, by: ChannelBook) -> None:
    assume(by.channel_of(view.author) is None)
    assert judge(view, by).disposition is Disposition.OPEN


@given(strategies.views(), strategies.books())
def test_every_verdict_has_all_nine_findings_in_order(view: MessageView, by: ChannelBook) -> None:
    verdict = judge(view, by)
    assert [finding.question for finding in verdict.findings] == list(Question)
    missed = [finding.reason for finding in verdict.findings if finding.holds is False]
    assert verdict.reason is (missed[0] if missed else Reason.OUTBOUND_COPY)
    assert all((finding.reason is None) is (finding.holds is not False) for finding in verdict.findings)


@given(strategies.views(), strategies.books())
def test_a_ticket_is_closed_exactly_if_every_question_holds(view: MessageView, by: ChannelBook) -> None:
    verdict = judge(view, by)
    assert verdict.auto_closed is all(finding.holds for finding in verdict.findings)
    assert verdict.auto_closed is (verdict.reason is Reason.OUTBOUND_COPY)


@given(strategies.copies(), strategies.books())
def test_a_closed_ticket_has_a_channel_as_author_that_is_not_among_the_recipients(
    view: MessageView, by: ChannelBook
) -> None:
    verdict = judge(view, by)
    assume(verdict.auto_closed)
    assert verdict.author is not None
    assert verdict.channel is not None
    assert verdict.author in verdict.channel.own
    assert not any(by.is_itself(verdict.channel, seen.mailbox) for seen in verdict.recipients)
    assert verdict.channel.auto_close is AutoClose.ALWAYS
    assert view.unreadable is None
    assert view.known.header is HeaderState.COMPLETE


@given(strategies.views(), strategies.books(), st.randoms(use_true_random=False))
def test_judging_does_not_depend_on_the_order_of_recipients(
    view: MessageView, by: ChannelBook, random: object
) -> None:
    shuffled = list(view.recipients)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = judge(view, by), judge(replace(view, recipients=tuple(shuffled)), by)
    assert (one.disposition, one.reason, one.doubts, one.depends) == (
        other.disposition,
        other.reason,
        other.doubts,
        other.depends,
    )
    assert [f.holds for f in one.findings] == [f.holds for f in other.findings]
    assert sorted(map(repr, one.recipients)) == sorted(map(repr, other.recipients))


@given(strategies.views(), strategies.books(), st.lists(strategies.recipients(), min_size=1, max_size=3))
def test_more_evidence_never_closes(view: MessageView, by: ChannelBook, more: list[Recipient]) -> None:
    by_letter = ChannelBook(
        [replace(channel, when_in_doubt=None) for channel in by.channels],
        rule=replace(by.rule, when_in_doubt=WhenInDoubt.CLOSE),
        platform=by.platform,
        trusted_trace=by.trusted_trace,
        domains=by.domains,
        inside=by.inside,
        header_size=by.header_size,
    )
    assume(not judge(view, by_letter).auto_closed)
    assert not judge(replace(view, recipients=(*view.recipients, *more)), by_letter).auto_closed


@given(strategies.views(), strategies.books())
def test_a_doubt_never_closes(view: MessageView, by: ChannelBook) -> None:
    assume(not judge(view, by).auto_closed)
    assert not judge(replace(view, delivery_report=True), by).auto_closed


@given(strategies.copies(), strategies.books())
def test_doubts_decide_nothing_where_when_in_doubt_is_close(view: MessageView, by: ChannelBook) -> None:
    channel = by.channel_of(view.author)
    assume(channel is not None and by.in_doubt(channel) is WhenInDoubt.CLOSE)
    assert judge(view, by).reason is not Reason.IN_DOUBT


@given(strategies.views(), strategies.books())
def test_doubts_are_told_exactly_if_the_author_is_a_channel(view: MessageView, by: ChannelBook) -> None:
    verdict = judge(view, by)
    assert verdict.doubts == (doubts_of(view, by) if verdict.channel else ())


@given(strategies.views(), strategies.books())
def test_an_exempt_or_observing_channel_never_closes(view: MessageView, by: ChannelBook) -> None:
    verdict = judge(view, by)
    if verdict.channel and verdict.channel.auto_close is not AutoClose.ALWAYS:
        assert not verdict.auto_closed


@given(strategies.views(), strategies.books())
def test_the_same_view_and_book_always_give_the_same_verdict(view: MessageView, by: ChannelBook) -> None:
    assert judge(view, by) == judge(view, by)


@given(
    strategies.copies(),
    strategies.books(),
    strategies.clients(),
    st.lists(strategies.mailboxes(), max_size=2),
)
def test_nothing_unknown_could_open_what_depends_on_nothing(
    view: MessageView, by: ChannelBook, client: Client, paths: Iterable[object]
) -> None:
    verdict = judge(view, by)
    assume(verdict.auto_closed)
    learned = view
    if Unknown.ENVELOPE not in verdict.depends and view.known.envelope is Source.UNKNOWN:
        more = tuple(Recipient(path, "envelope", Evidence.ENVELOPE) for path in paths)  # type: ignore[arg-type]
        learned = replace(learned, recipients=(*learned.recipients, *more))
    if view.known.client is Source.UNKNOWN and not {Unknown.CLIENT, Unknown.USER} & set(verdict.depends):
        learned = replace(learned, client=client)
    assert judge(learned, by).auto_closed


@given(strategies.views(), strategies.books(), strategies.unproved(), strategies.signers())
def test_a_signature_that_is_no_proof_changes_no_verdict(
    view: MessageView, by: ChannelBook, unproved: tuple[Unproved, ...], signers: frozenset[str] | None
) -> None:
    one, other = judge(view, by), judge(replace(view, unproved=unproved, signers=signers), by)
    assert (one.disposition, one.reason, one.doubts) == (other.disposition, other.reason, other.doubts)


@given(strategies.copies(), strategies.books())
def test_a_proof_is_wanted_exactly_where_it_changes_the_reason(view: MessageView, by: ChannelBook) -> None:
    verdict = judge(view, by)
    for domain in ("mail.desk.example", "evil.example"):
        proof = Proof(DKIM, domain)
        with_proof = judge(replace(view, proofs=(*view.proofs, proof)), by)
        changed = (with_proof.disposition, with_proof.reason) != (verdict.disposition, verdict.reason)
        if domain in wanted_signers(verdict, by):
            assert (with_proof.reason, changed) == (Reason.PLATFORM_SENT, True)
        else:
            assert not changed or verdict.reason in LATER


LATER = (Reason.SELF_ADDRESSED, Reason.IN_DOUBT)
"""Open all the same, with another reason; nobody is asked for that."""


@given(strategies.views(), strategies.books())
def test_an_open_ticket_depends_on_nothing(view: MessageView, by: ChannelBook) -> None:
    verdict = judge(view, by)
    assert not (verdict.depends and not verdict.auto_closed)


def test_a_question_that_could_not_be_asked_never_closes() -> None:
    nobody = replace(view(FROM, TO), author=None)
    verdict = judge(nobody, BOOK)
    assert not any(finding.holds is False for finding in verdict.findings)
    assert (verdict.auto_closed, verdict.reason) == (False, Reason.UNREADABLE)


@given(strategies.garbled(), strategies.books())
def test_a_garbled_message_is_judged_and_never_raises(content: bytes, by: ChannelBook) -> None:
    verdict = judge(make_view(content, [], Client(OUTSIDE)), by)
    assert len(verdict.findings) == len(Question)


@given(strategies.header_sections(), st.sampled_from((1, 20, 60, 200)), strategies.books())
def test_a_limit_means_the_same_to_the_view_and_to_the_book(
    section: bytes, limit: int, by: ChannelBook
) -> None:
    limited = ChannelBook(by.channels, rule=by.rule, platform=by.platform, header_size=limit)
    one = judge(make_view(section, [], Client(OUTSIDE), limit=limit), limited)
    other = judge(make_view(section, [], Client(OUTSIDE)), limited)
    assert one == other


# --- what is known -------------------------------------------------------------------------------

UNKNOWN = Known(Source.UNKNOWN, Source.UNKNOWN)


def depends(by: ChannelBook, *fields: str, known: Known = UNKNOWN) -> tuple[Unknown, ...]:
    return judged(FROM, TO, *fields, by=by, known=known, client=Client()).depends


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (["header"], ()),
        (["envelope"], (Unknown.ENVELOPE,)),
        (["header", "envelope"], (Unknown.ENVELOPE,)),
        ([], ()),
        (["trace"], ()),
    ],
)
def test_an_unknown_envelope_matters_where_it_is_evidence(
    evidence: list[str], expected: tuple[Unknown, ...]
) -> None:
    assert depends(book(rule=rule(bcc_evidence=frozenset(map(BccEvidence, evidence))))) == expected


@pytest.mark.parametrize("source", [Source.GIVEN, Source.TRACE])
def test_a_known_envelope_and_client_leave_nothing_open(source: Source) -> None:
    assert depends(BOOK, known=Known(source, source)) == ()


HEADER_ONLY = rule(bcc_evidence=frozenset({BccEvidence.HEADER}))
TRACE = rule(bcc_evidence=frozenset({BccEvidence.HEADER, BccEvidence.TRACE}))


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        (Platform(), ()),
        (Platform(networks("192.0.2.0/28")), (Unknown.CLIENT,)),
        (Platform(users=frozenset({"desk"})), (Unknown.USER,)),
        (Platform(networks("192.0.2.0/28"), frozenset({"desk"})), (Unknown.CLIENT, Unknown.USER)),
    ],
)
def test_an_unknown_client_matters_where_the_platform_is_known_by_it(
    platform: Platform, expected: tuple[Unknown, ...]
) -> None:
    assert depends(book(rule=HEADER_ONLY, platform=platform)) == expected


@pytest.mark.parametrize(
    ("trusted", "by_rule", "field", "expected"),
    [
        ("203.0.113.0/24", TRACE, "Delivered-To: care@shop.example", (Unknown.CLIENT,)),
        ("203.0.113.0/24", TRACE, "Delivered-To: care+t@shop.example", (Unknown.CLIENT,)),
        ("203.0.113.0/24", TRACE, "Delivered-To: anna@mail.example", ()),
        ("203.0.113.0/24", HEADER_ONLY, "Delivered-To: care@shop.example", ()),
        (None, TRACE, "Delivered-To: care@shop.example", ()),
    ],
)
def test_an_unknown_client_matters_where_its_trace_fields_would_be_believed(
    trusted: str | None, by_rule: object, field: str, expected: tuple[Unknown, ...]
) -> None:
    by = book(rule=by_rule, trusted_trace=networks(*([trusted] if trusted else [])))
    assert depends(by, field, "Received: x") == expected


@pytest.mark.parametrize(
    "fields",
    [["From: anna@mail.example", TO], [FROM, "To: care@shop.example"], [FROM, FROM], []],
)
def test_what_is_open_whatever_the_rest_may_be_depends_on_nothing(fields: list[str]) -> None:
    verdict: Verdict = judged(*fields, known=UNKNOWN, client=Client())
    assert (verdict.auto_closed, verdict.depends) == (False, ())


SIGNED = frozenset({"mail.desk.example"})
BY_SIGNATURE = book(rule=rule(bcc_evidence=frozenset()), platform=Platform(dkim_domains=SIGNED))


@pytest.mark.parametrize(
    ("signers", "unproved", "by", "expected"),
    [
        (None, (), BOOK, ()),
        (SIGNED, (), BOOK, ()),
        (None, (), BY_SIGNATURE, (Unknown.SIGNATURE,)),
        (frozenset(), (), BY_SIGNATURE, ()),
        (frozenset({"shop.example"}), (), BY_SIGNATURE, ()),
        (SIGNED, (), BY_SIGNATURE, (Unknown.SIGNATURE,)),
        (SIGNED, ("mail.desk.example",), BY_SIGNATURE, ()),
        (SIGNED, ("shop.example",), BY_SIGNATURE, (Unknown.SIGNATURE,)),
    ],
)
def test_a_signature_of_the_platform_matters_until_it_was_verified(
    signers: frozenset[str] | None,
    unproved: tuple[str, ...],
    by: ChannelBook,
    expected: tuple[Unknown, ...],
) -> None:
    faults = tuple(Unproved(domain, ProofFault.NO_KEY) for domain in unproved)
    seen = replace(view(FROM, TO), signers=signers, unproved=faults)
    assert judge(seen, by).depends == expected


def test_a_known_envelope_would_indeed_open_what_depends_on_it() -> None:
    closed = judged(FROM, TO, known=UNKNOWN, client=Client())
    opened = judged(
        FROM, TO, known=Known(Source.GIVEN, Source.UNKNOWN), client=Client(), rcpt_to=["care@shop.example"]
    )
    assert (closed.auto_closed, opened.reason) == (True, Reason.SELF_ADDRESSED)
    assert box("care@shop.example") in [seen.mailbox for seen in opened.recipients]

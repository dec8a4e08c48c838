"""What another book would change: which differences count, why, and how they are counted."""

from dataclasses import replace

import pytest
from hypothesis import given

from relay.channels import AutoClose, ChannelBook, WhenInDoubt
from relay.judge import Disposition, Question, Reason, judge
from relay.mail.view import MessageView
from relay.replay.whatif import Change, Ticket, Totals, change, why
from tests import strategies
from tests.samples import BOOK, CARE_CHANNEL, ORDERS_CHANNEL, book, box, judged, rule
from tests.samples import view as view_of

COPY = ("From: care@shop.example", "To: anna@mail.example")
SHOP = replace(ORDERS_CHANNEL, name="shop", address=box("care+shop@shop.example"))


def changed(*fields: str, by: ChannelBook, before: ChannelBook = BOOK) -> Change:
    seen = view_of(*fields)
    found = change(judge(seen, before), judge(seen, by))
    assert found is not None
    return found


@given(strategies.views(), strategies.books(), strategies.books())
def test_a_change_is_another_verdict_reason_or_channel_and_always_has_a_why(
    seen: MessageView, before: ChannelBook, after: ChannelBook
):
    was, would_be = judge(seen, before), judge(seen, after)
    found = change(was, would_be)
    same = (
        was.disposition is would_be.disposition
        and was.reason is would_be.reason
        and (was.channel and was.channel.name) == (would_be.channel and would_be.channel.name)
    )
    assert (found is None) is same
    if found is not None:
        because = why(found)
        assert because.question in list(Question)
        assert because.was != because.would_be


@given(strategies.views(), strategies.books())
def test_the_same_book_changes_nothing(seen: MessageView, before: ChannelBook):
    assert change(judge(seen, before), judge(seen, before)) is None


@pytest.mark.parametrize(
    ("fields", "by", "ticket", "question", "would_be"),
    [
        (("From: care+shop@shop.example", "To: anna@mail.example"), book(CARE_CHANNEL, SHOP), Ticket.CLOSED, Question.AUTHOR_IS_A_CHANNEL,
         "care+shop@shop.example is an address of channel shop"),
        (COPY, book(replace(CARE_CHANNEL, auto_close=AutoClose.NEVER)), Ticket.OPENED, Question.CHANNEL_CLOSES,
         "channel care has auto_close: never"),
        (COPY, book(replace(CARE_CHANNEL, name="help")), Ticket.AS_IT_WAS, Question.AUTHOR_IS_A_CHANNEL,
         "care@shop.example is an address of channel help"),
        (COPY, book(replace(CARE_CHANNEL, name="help", auto_close=AutoClose.OBSERVE)), Ticket.OPENED, Question.NOT_OBSERVING,
         "channel help has auto_close: observe; the ticket would have been closed"),
        (("From: care@shop.example", "To: orders@shop.example"), book(CARE_CHANNEL, ORDERS_CHANNEL, rule=rule(when_in_doubt=WhenInDoubt.OPEN)),
         Ticket.OPENED, Question.NO_DOUBT, "doubts open the ticket for this channel (when_in_doubt: open), found: no-outside-recipient"),
    ],
)  # fmt: skip
def test_the_why_is_the_first_question_with_another_answer(
    fields: tuple[str, ...], by: ChannelBook, ticket: Ticket, question: Question, would_be: str
):
    found = changed(*fields, by=by)
    assert found.ticket is ticket
    assert why(found).question is question
    assert why(found).would_be == would_be


def test_a_verdict_of_another_version_with_other_questions_can_be_compared():
    verdict = judged(*COPY)
    older = replace(
        verdict, findings=verdict.findings[2:], disposition=Disposition.OPEN, reason=Reason.OBSERVED
    )
    found = change(older, verdict)
    assert found is not None
    assert why(found).question in list(Question)


def test_totals_count_by_reason_and_by_channel():
    totals = Totals()
    never = book(replace(CARE_CHANNEL, auto_close=AutoClose.NEVER), SHOP)
    for fields in (COPY, COPY, ("From: care+shop@shop.example", "To: anna@mail.example")):
        totals.add(changed(*fields, by=never))
    closed = (Disposition.AUTO_CLOSED, Reason.OUTBOUND_COPY)
    assert totals.messages == 3
    assert dict(totals.kinds) == {
        (closed, (Disposition.OPEN, Reason.CHANNEL_EXEMPT)): 2,
        ((Disposition.OPEN, Reason.FOREIGN_AUTHOR), closed): 1,
    }
    assert dict(totals.channels) == {("care", Ticket.OPENED): 2, ("shop", Ticket.CLOSED): 1}
    assert [totals.tickets(ticket) for ticket in Ticket] == [1, 2, 0]
    assert totals.doubtful.total() == 0


def test_what_would_be_closed_in_doubt_is_counted():
    totals = Totals()
    careful = book(CARE_CHANNEL, ORDERS_CHANNEL, rule=rule(when_in_doubt=WhenInDoubt.OPEN))
    doubtful = ("From: care@shop.example", "To: orders@shop.example")
    totals.add(changed(*doubtful, by=BOOK, before=careful))
    totals.add(changed(*doubtful, by=careful, before=BOOK))
    assert dict(totals.doubtful) == {"care": 1}


def test_a_change_belongs_to_the_channel_that_the_author_was_where_he_is_none_any_more():
    totals = Totals()
    totals.add(changed(*COPY, by=book(ORDERS_CHANNEL)))
    assert dict(totals.channels) == {("care", Ticket.OPENED): 1}

"""Counts of verdicts."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from relay.channels import AutoClose
from relay.judge import Disposition, Reason, judge
from relay.mail.envelope import Known, Source
from relay.replay.tally import Tally, busiest, is_doubtful
from tests import strategies
from tests.samples import BOOK, CARE_CHANNEL, ORDERS_CHANNEL, book, judged

DOUBTFUL = ("From: care@shop.example", "To: orders@shop.example")


def test_verdicts_are_counted_by_reason_and_channel():
    tally = Tally()
    for fields in (
        DOUBTFUL,
        ("From: anna@mail.example",),
        ("From: care@shop.example", "To: anna@mail.example"),
    ):
        tally.add(judged(*fields))
    assert dict(tally.kinds) == {
        (Disposition.AUTO_CLOSED, Reason.OUTBOUND_COPY): 2,
        (Disposition.OPEN, Reason.FOREIGN_AUTHOR): 1,
    }
    assert dict(tally.channels) == {("care", Disposition.AUTO_CLOSED): 2, ("", Disposition.OPEN): 1}
    assert dict(tally.doubtful) == {"care": 1}
    assert tally.depending == 0


def test_a_closing_that_something_unknown_could_have_opened_is_counted():
    tally = Tally()
    for known in (Known(), Known(envelope=Source.UNKNOWN)):
        tally.add(judged("From: care@shop.example", "To: anna@mail.example", known=known))
    assert tally.depending == 1


def test_a_doubtful_closing_is_one_by_an_observing_channel_too_but_no_open_ticket():
    assert is_doubtful(judged(*DOUBTFUL))
    observing, exempt = (
        replace(CARE_CHANNEL, auto_close=each) for each in (AutoClose.OBSERVE, AutoClose.NEVER)
    )
    assert is_doubtful(judged(*DOUBTFUL, by=book(observing, ORDERS_CHANNEL)))
    assert not is_doubtful(judged(*DOUBTFUL, by=book(exempt, ORDERS_CHANNEL)))
    assert not is_doubtful(judged("From: care@shop.example", "To: anna@mail.example"))


@given(st.lists(strategies.views(), max_size=5))
def test_every_message_is_counted_once(views: list[object]):
    tally = Tally()
    for each in views:
        tally.add(judge(each, BOOK))  # type: ignore[arg-type]
    assert tally.messages == tally.channels.total() == len(views)


def test_the_channel_with_the_most_messages_comes_first():
    assert busiest({("care", 1): 2, ("orders", 1): 2, ("orders", 2): 1, ("", 1): 7}) == ["", "orders", "care"]

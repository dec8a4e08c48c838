"""When an item is tried again, and what becomes of it."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.outcome import Deferred, Delivered, Failed, Outcome, Unknown
from relay.mail.reply import Reply
from relay.spool.item import HELPDESK, REPORTS, Item, State
from relay.spool.schedule import (
    BY_THE_OPERATOR,
    JITTER,
    LATE_AFTER,
    SHORTEST_PAUSE,
    Schedule,
    decide,
    hold,
    poisonous,
    untried,
)
from tests.spool.mail import CLIENT, NOON, path, reverse

MINUTE = timedelta(minutes=1)
SCHEDULE = Schedule((MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE), timedelta(days=5), 30 * MINUTE)
OK = Delivered(Reply(250, "2.0.0", "OK"), "desk:25")
NO = Failed(Reply(550, "5.1.1", "No such user"), "desk:25")
LATER = Deferred(Reply(451, "4.2.0", "Later"), "desk:25")
DOUBT = Unknown("nothing came back", "desk:25")
OUTCOMES: tuple[Outcome, ...] = (OK, NO, LATER, DOUBT)


def item(**more: Any) -> Item:
    paths = tuple(path(f"p{n}@desk.example") for n in range(more.pop("paths", 1)))
    values: dict[str, Any] = {
        "id": 1,
        "queue_id": "Q-1",
        "destination": HELPDESK,
        "reverse_path": reverse(),
        "forward_paths": paths,
        "originals": (),
        "client": CLIENT,
        "body_from": 0,
        "channel": None,
        "reason": "",
        "accepted_at": NOON,
        "next_attempt_at": NOON,
        "attempts": 0,
        "unknowns": 0,
        "crashes": 0,
        "state": State.WAITING,
        "in_hand": True,
        "bounced": False,
        "warned": False,
        "last_reply": "",
        "size": 10,
    }
    return Item(**(values | more))


steps = (
    st.lists(st.timedeltas(timedelta(0), timedelta(days=2)), min_size=1, max_size=6).map(sorted).map(tuple)
)
chances = st.floats(0, 1, exclude_max=True)
outcomes = st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=5).map(tuple)


@given(steps, chances, st.integers(1, 50), st.integers(1, 50))
def test_pauses_grow_and_are_bounded(retry: tuple[timedelta, ...], chance: float, one: int, other: int):
    schedule = Schedule(retry, timedelta(days=5), MINUTE)
    assert schedule.pause(min(one, other), chance) <= schedule.pause(max(one, other), chance)
    shortest, longest = max(retry[0], SHORTEST_PAUSE), max(retry[-1], SHORTEST_PAUSE) * (1 + JITTER)
    assert shortest <= schedule.pause(one, chance) <= longest


@given(steps, st.integers(1, 50), chances, chances)
def test_a_greater_chance_is_a_longer_pause(
    retry: tuple[timedelta, ...], attempts: int, one: float, other: float
):
    schedule = Schedule(retry, timedelta(days=5), MINUTE)
    assert schedule.pause(attempts, min(one, other)) <= schedule.pause(attempts, max(one, other))


def test_the_last_pause_repeats():
    assert [SCHEDULE.pause(n, 0.0) / MINUTE for n in (1, 2, 3, 4, 5, 99)] == [1, 5, 15, 60, 60, 60]
    assert SCHEDULE.pause(2, 0.5) == 5.5 * MINUTE


@given(outcomes, st.integers(0, 20), st.timedeltas(timedelta(0), timedelta(days=9)), chances, st.booleans())
def test_every_forward_path_goes_or_stays_and_what_stays_waits_or_is_held(
    ends: tuple[Outcome, ...], attempts: int, age: timedelta, chance: float, keep_failed: bool
):
    subject = item(paths=len(ends), attempts=attempts)
    now = NOON + age
    decision = decide(subject, ends, now, SCHEDULE, chance, keep_failed=keep_failed)
    gone = decision.settlement.gone
    assert {place for place, one in enumerate(ends) if isinstance(one, Delivered)} <= gone
    assert not {place for place, one in enumerate(ends) if isinstance(one, Unknown)} & gone
    assert gone <= {place for place, _ in decision.told} or decision.told == ()
    if decision.held_because:
        assert decision.settlement.next_attempt_at is None
        assert len(gone) < len(ends)
    elif len(gone) < len(ends):
        next_at = decision.settlement.next_attempt_at
        assert next_at is not None
        assert next_at > now
        assert next_at <= max(SCHEDULE.ends_at(subject), now + 72 * MINUTE)


@given(outcomes, st.timedeltas(timedelta(0), timedelta(days=9)))
def test_a_report_is_never_reported_about(ends: tuple[Outcome, ...], age: timedelta):
    decision = decide(item(paths=len(ends), destination=REPORTS), ends, NOON + age, SCHEDULE, 0.0)
    assert not any(isinstance(one, Failed) for _, one in decision.told)


def test_what_is_delivered_is_gone_and_told():
    decision = decide(item(paths=2), (OK, OK), NOON, SCHEDULE, 0.0)
    assert decision.settlement.gone == {0, 1}
    assert decision.told == ((0, OK), (1, OK))
    assert (decision.held_because, decision.settlement.last_reply) == ("", "")


def test_what_failed_for_good_is_gone_and_told():
    decision = decide(item(paths=3), (OK, NO, LATER), NOON, SCHEDULE, 0.0)
    assert decision.settlement.gone == {0, 1}
    assert decision.told == ((0, OK), (1, NO))
    assert decision.settlement.next_attempt_at == NOON + MINUTE
    assert decision.settlement.last_reply == "desk:25: 550 5.1.1 No such user"


@pytest.mark.parametrize(("attempts", "minutes"), [(0, 1), (1, 5), (2, 15), (3, 60), (10, 60)])
def test_what_is_deferred_waits_longer_each_time(attempts: int, minutes: int):
    decision = decide(item(attempts=attempts), (LATER,), NOON, SCHEDULE, 0.0)
    assert decision.settlement.next_attempt_at == NOON + minutes * MINUTE
    assert decision.told == ()
    assert not decision.settlement.unknown


def test_the_last_attempt_is_at_the_end_and_not_after_it():
    late = NOON + SCHEDULE.give_up_after - 3 * MINUTE
    decision = decide(item(attempts=9, warned=True), (LATER,), late, SCHEDULE, 0.9)
    assert decision.settlement.next_attempt_at == NOON + SCHEDULE.give_up_after


def test_at_the_end_what_was_deferred_has_failed_with_the_hops_own_words():
    decision = decide(item(warned=True), (LATER,), NOON + SCHEDULE.give_up_after, SCHEDULE, 0.0)
    assert decision.settlement.gone == {0}
    ((_, failed),) = decision.told
    assert isinstance(failed, Failed)
    assert (failed.reply.code, failed.reply.enhanced) == (554, "5.4.7")
    assert "451 4.2.0 Later" in failed.reply.text


def test_one_doubt_waits_and_two_are_held():
    first = decide(item(), (DOUBT,), NOON, SCHEDULE, 0.9)
    assert first.settlement.unknown
    assert first.settlement.next_attempt_at == NOON + 30 * MINUTE
    second = decide(item(unknowns=1), (DOUBT,), NOON, SCHEDULE, 0.9)
    assert "twice" in second.held_because
    assert second.settlement.next_attempt_at is None


def test_a_doubt_at_the_end_is_held_and_not_reported_as_a_failure():
    decision = decide(item(paths=2), (DOUBT, LATER), NOON + SCHEDULE.give_up_after, SCHEDULE, 0.0)
    assert decision.settlement.gone == {1}
    assert "nobody knows" in decision.held_because


def test_a_doubt_about_one_path_makes_the_others_wait_as_long():
    decision = decide(item(paths=2), (LATER, DOUBT), NOON, SCHEDULE, 0.0)
    assert decision.settlement.next_attempt_at == NOON + 30 * MINUTE


def test_where_nobody_can_be_told_what_failed_is_held():
    decision = decide(item(paths=2), (OK, NO), NOON, SCHEDULE, 0.0, keep_failed=True)
    assert decision.settlement.gone == {0}
    assert decision.told == ((0, OK),)
    assert decision.held_because
    waiting = decide(item(paths=2), (NO, LATER), NOON, SCHEDULE, 0.0, keep_failed=True)
    assert waiting.settlement.gone == frozenset()
    assert waiting.settlement.next_attempt_at == NOON + MINUTE


def test_what_the_operator_gives_back_goes_even_if_nobody_can_be_told():
    for destination in (HELPDESK, REPORTS):
        bounced = item(bounced=True, destination=destination)
        decision = decide(bounced, (BY_THE_OPERATOR,), NOON, SCHEDULE, 0.0, keep_failed=True)
        assert decision.settlement.gone == {0}


def test_those_who_asked_are_told_of_a_delay_once():
    early = decide(item(), (LATER,), NOON + LATE_AFTER - MINUTE, SCHEDULE, 0.0)
    assert not early.late
    assert early.told == ()
    late = decide(item(paths=2), (OK, LATER), NOON + LATE_AFTER, SCHEDULE, 0.0)
    assert late.late
    assert late.settlement.warned
    assert late.told == ((0, OK), (1, LATER))
    again = decide(item(warned=True), (LATER,), NOON + LATE_AFTER, SCHEDULE, 0.0)
    assert again.told == ()
    delivered = decide(item(), (OK,), NOON + LATE_AFTER, SCHEDULE, 0.0)
    assert not delivered.late


def test_what_was_never_tried_fails_with_the_last_words_there_are():
    (failed, _) = untried(item(paths=2, last_reply="desk:25: 451 4.4.1 no route"))
    assert isinstance(failed, Failed)
    assert "desk:25: 451 4.4.1 no route" in failed.reply.text
    (never,) = untried(item())
    assert isinstance(never, Failed)
    assert "never a way" in never.reply.text


def test_three_crashes_make_a_poison_message():
    assert [poisonous(item(crashes=n)) for n in range(5)] == [False, False, False, True, True]


def test_to_hold_is_no_attempt():
    decision = hold("because")
    assert decision.settlement.next_attempt_at is None
    assert not decision.settlement.attempted
    assert decision.held_because == decision.settlement.last_reply == "because"


def test_words_name_the_hop_where_there_is_one():
    own = Deferred(Reply(451, "4.4.1", "no route"))
    for outcome, words in (
        (own, "451 4.4.1 no route"),
        (DOUBT, "desk:25: nothing came back"),
        (Unknown("x"), "x"),
    ):
        assert decide(item(paths=2), (OK, outcome), NOON, SCHEDULE, 0.0).settlement.last_reply == words

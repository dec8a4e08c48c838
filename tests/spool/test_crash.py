"""Killed at a named step, or at any moment: what was kept is there once, what was delivered is delivered at most
once more for each message in flight, and nothing is there by halves.  PostgreSQL's tests take these rules over."""

import pytest

from relay.spool.store import SpoolPlace
from tests.spool.crash_driver import PUTTERS
from tests.spool.crashes import KILLED, begin, emptied, end, filled, left_in

IN_HAND = 7


@pytest.mark.parametrize("step", ["before-commit", "after-commit"])
@pytest.mark.parametrize("number", [1, 5])
async def test_what_was_kept_before_a_crash_is_there_exactly_once(place: SpoolPlace, step: str, number: int):
    process = begin(place, "put", step, number)
    kept = end(process).about("kept")
    assert process.returncode == KILLED
    left = await left_in(place)
    assert kept <= left
    assert set(left.values()) <= {1}
    assert len(left) <= len(kept) + PUTTERS * (2 if step == "after-commit" else 1)
    if (
        step == "before-commit" and number == 1 and place.url is None
    ):  # a server may commit for another connection
        assert not left


@pytest.mark.parametrize(
    ("step", "number"),
    [("claimed", 1), ("claimed", 3), ("before-settle", 1), ("before-settle", 10), ("before-commit", 2), ("after-commit", 2), ("after-settle", 9)],
)  # fmt: skip
async def test_what_was_in_hand_at_a_crash_comes_back_and_nothing_else_does(
    place: SpoolPlace, step: str, number: int
):
    names = await filled(place, 40)
    process = begin(place, "deliver", step, number)
    said = end(process)
    assert process.returncode == KILLED
    delivered, settled = set(said.about("delivered")), set(said.about("settled"))
    left = set(await left_in(place))
    assert left | delivered == names, "nothing is lost"
    assert not left & settled, "what was settled stays away"
    assert len(left & delivered) <= IN_HAND
    assert sorted(await emptied(place)) == sorted(left)


async def test_crash_upon_crash_loses_nothing(place: SpoolPlace):
    kept: set[str] = set()
    delivered: set[str] = set()
    twice = 0
    for moment in (0.05, 0.13, 0.21):
        putting = begin(place, "put")
        kept |= set(end(putting, kill_after=moment).about("kept"))
        delivering = begin(place, "deliver")
        now = set(end(delivering, kill_after=moment).about("delivered"))
        twice += len(delivered & now)
        delivered |= now
    assert twice <= 3 * IN_HAND
    assert kept <= delivered | set(await emptied(place))

"""Few label values for any number of channels, and no counter that goes backwards."""

import random
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.metrics.busiest import EVER, MOST, REST, REVIEW_EVERY, WATCHED, Busiest


def labelled(busiest: Busiest, names: Iterable[str]) -> Counter[str]:
    return Counter(busiest.label(name) for name in names)


def mixed(seed: int, weights: dict[str, int]) -> list[str]:
    names = [name for name, times in weights.items() for _ in range(times)]
    random.Random(seed).shuffle(names)
    return names


def test_as_many_channels_as_there_are_places_all_have_their_names():
    names = [f"c{n}" for n in range(MOST)] * (3 * REVIEW_EVERY // MOST)
    assert set(labelled(Busiest(), names)) == set(names)


def test_a_thousand_channels_have_at_most_fifty_names_and_the_rest():
    busiest = Busiest()
    found = labelled(busiest, (f"c{n}" for _ in range(20) for n in range(1000)))
    assert REST in found
    assert len(busiest.labelled) == MOST


def test_the_busy_get_their_names_although_the_idle_came_first():
    busiest = Busiest()
    labelled(busiest, (f"idle{n}" for n in range(MOST)))
    busy = {f"busy{n}": 20 for n in range(MOST - 10)}
    for seed in range(3):
        labelled(busiest, mixed(seed, busy | {f"idle{n}": 1 for n in range(400)}))
    assert set(busy) <= busiest.labelled


def test_the_busiest_are_found_among_more_than_are_watched():
    busiest = Busiest()
    crowd = {f"c{n}": 1 for n in range(20 * WATCHED)}
    for seed in range(2):
        labelled(busiest, mixed(seed, crowd | {"whale": 800, "dolphin": 400}))
    assert {"whale", "dolphin"} <= busiest.labelled


def test_a_name_is_not_taken_by_one_that_is_hardly_busier():
    busiest = Busiest()
    first = {f"a{n}": 10 for n in range(MOST)}
    labelled(busiest, mixed(1, first))
    labelled(busiest, mixed(2, {f"b{n}": 15 for n in range(40)}))
    assert busiest.labelled == set(first)


def test_a_name_is_taken_by_one_that_is_far_busier():
    busiest = Busiest()
    labelled(busiest, mixed(1, {f"a{n}": 10 for n in range(MOST)}))
    labelled(busiest, mixed(2, {f"b{n}": 25 for n in range(20)}))
    assert {f"b{n}" for n in range(20)} <= busiest.labelled


@pytest.mark.parametrize("channels", [60, 400, 2000])
def test_channels_that_are_all_alike_take_no_names_from_each_other(channels: int):
    busiest = Busiest()
    labelled(busiest, (f"c{n}" for n in range(MOST)))
    first = set(busiest.labelled)
    labelled(busiest, (f"c{n}" for _ in range(10) for n in range(channels)))
    assert busiest.labelled == first


def test_what_was_busy_once_is_forgotten_as_others_come():
    busiest = Busiest()
    labelled(busiest, ["once"] * 3)
    labelled(busiest, (f"c{n}" for n in range(REVIEW_EVERY - 10)))
    assert busiest._seen.get("once", 0) < 3


def test_no_more_names_are_given_in_one_life_than_promised():
    busiest, given_names = Busiest(), set[str]()
    for era in range(30):
        for seed in range(4):
            for name in mixed(seed, {f"era{era}-{n}": 20 for n in range(MOST)}):
                if busiest.label(name) != REST:
                    given_names.add(name)
    assert len(given_names) == EVER


def test_who_had_a_name_may_have_it_again_when_no_new_one_is_given():
    busiest = Busiest()
    for era in range(6):
        for seed in range(4):
            labelled(busiest, mixed(seed, {f"era{era}-{n}": 20 for n in range(MOST)}))
    for seed in range(8):
        labelled(busiest, mixed(seed, {f"era0-{n}": 20 for n in range(MOST)}))
    assert busiest.labelled == {f"era0-{n}" for n in range(MOST)}


def test_a_channel_that_is_called_like_the_rest_is_counted_with_it():
    busiest = Busiest()
    assert busiest.label(REST) == REST
    assert busiest.labelled == set()


@given(st.lists(st.integers(0, 1200), max_size=3000), st.integers(0, 2**32))
def test_memory_and_names_stay_bounded_whatever_comes(numbers: list[int], seed: int):
    busiest = Busiest()
    skewed = random.Random(seed)
    for number in numbers:
        name = f"c{number if skewed.random() < 0.5 else number % 70}"
        assert busiest.label(name) in (name, REST)
        assert len(busiest.labelled) <= MOST
        assert len(busiest._seen) <= WATCHED
        assert len(busiest._ever) <= EVER

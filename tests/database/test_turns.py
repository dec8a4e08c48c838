"""Long work in a thread lets the event loop have the interpreter in between."""

from time import perf_counter

import pytest

from relay.database.turns import in_turns


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr("relay.database.turns.sleep", made.append)
    return made


def test_pauses_when_it_has_worked_for_a_while(pauses: list[float]):
    for _ in in_turns(range(3)):
        end = perf_counter() + 0.001
        while perf_counter() < end:
            pass
    assert len(pauses) == 3
    assert min(pauses) > 0


def test_yields_everything_and_pauses_no_more_often_than_it_needs(pauses: list[float]):
    assert list(in_turns(range(10_000))) == list(range(10_000))
    assert len(pauses) < 1000

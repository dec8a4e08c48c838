"""What is made beside the mail path."""

import gc
import sys
from collections.abc import Iterator

import pytest

from relay.service.aside import aside


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_made_aside_is_never_searched_for_garbage():
    before = gc.get_freeze_count()
    with aside():
        made = [[number] for number in range(10_000)]
    assert gc.get_freeze_count() - before >= len(made)


def test_no_garbage_is_searched_for_and_mail_gets_its_turn_while_something_is_made_aside():
    turn = sys.getswitchinterval()
    with aside():
        assert not gc.isenabled()
        assert sys.getswitchinterval() < turn
    assert gc.isenabled()
    assert sys.getswitchinterval() == turn


def test_all_is_as_before_when_what_was_to_be_made_cannot_be_had():
    turn = sys.getswitchinterval()
    with pytest.raises(ValueError, match="no book"), aside():
        raise ValueError("no book")
    assert gc.isenabled()
    assert sys.getswitchinterval() == turn

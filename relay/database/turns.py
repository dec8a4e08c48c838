"""Work in a thread beside the event loop, without keeping the interpreter from it.

The loop gives the interpreter up at each of its system calls, and waits up to 5 ms for a thread that has taken it, so
that a thread that works for long takes most of the time of whoever sends mail meanwhile.
"""

from collections.abc import Iterable, Iterator
from time import perf_counter, sleep
from typing import TypeVar

T = TypeVar("T")

_TURN = 0.0003
_PAUSE = 0.0006
"""Seconds."""


def in_turns(items: Iterable[T]) -> Iterator[T]:
    """Yield ``items``, with a pause after each 0.3 milliseconds that are worked on them."""
    began = perf_counter()
    for item in items:
        yield item
        if perf_counter() - began > _TURN:
            sleep(_PAUSE)
            began = perf_counter()

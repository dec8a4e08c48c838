"""How the time of a call grows with its input, told by a ratio: the machine's speed and coverage cancel out."""

import time
from collections.abc import Callable

_TIMES_LARGER = 4
_MOST = 9  # 4 is linear, 16 quadratic; what is a little over a page or a cache is neither
_TRIES = 4


def seconds(call: Callable[[], object]) -> float:
    """Return the CPU time of a call."""
    began = time.process_time()
    call()
    return time.process_time() - began


def linear(call: Callable[[int], object], size: int) -> bool:
    """Tell whether a call with `size` takes about four times what it takes with a quarter of that.

    One good try of a few is enough: a quadratic one has none.
    """
    call(size // 16)  # what only a first call does
    return any(
        seconds(lambda: call(size)) < _MOST * max(seconds(lambda: call(size // _TIMES_LARGER)), 0.0005)
        for _ in range(_TRIES)
    )

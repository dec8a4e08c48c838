"""Make something large in a thread while mail goes on: the mail path waits for neither the interpreter nor its garbage.

A book of 100,000 channels is millions of objects.  Each time the garbage collector looks at them all, nothing else runs
for as long as half a second, and a thread that makes them keeps the interpreter for 5 ms at a time.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_TURN_SECONDS = 0.0005
"""How long the thread may keep the interpreter when mail waits for it."""


@contextmanager
def aside() -> Iterator[None]:
    """Give mail its turn while the block runs in a thread; what the block made is never searched for garbage.

    It still goes when nobody refers to it any more; only cycles in it would stay, and a book has none.
    """
    turn = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_SECONDS)
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        sys.setswitchinterval(turn)

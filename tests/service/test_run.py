"""A relay as a process of its own."""

import subprocess
import sys

from tests.live import TOP

PROGRAM = """
import gc
from relay.service.run import spare_the_lasting

lasting = [[] for _ in range(1000)]
spare_the_lasting()
rounds = []
gc.callbacks.append(lambda phase, found: rounds.append(found))
waiting = [[] for _ in range(10_000)]
print(any(one is lasting for one in gc.get_objects()), len(rounds))
"""


def test_the_search_for_cycles_leaves_out_what_lasts_and_does_not_begin_for_what_waits_for_the_journal():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=TOP, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["False", "0"]

"""What holds for every run of the tests."""

import os

import pytest

_MOST_WORKERS = 16
_LONGEST = (
    "test_crash_live.py",
    "test_walks.py",
    "test_live_spool.py",
    "test_faulty_helpdesk.py",
    "test_postgresql.py",
    "test_journal_live.py",
    "test_bench.py",
    "test_milter_postfix.py",
)
"""The files of the tests against real peers that take longest."""


def pytest_xdist_auto_num_workers() -> int:
    """Return what ``-n auto`` means: two for each core, because half of the tests' time is waiting."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(2 * cores, _MOST_WORKERS)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: a file that one worker begins last is waited for by all others."""
    items.sort(
        key=lambda item: _LONGEST.index(item.path.name) if item.path.name in _LONGEST else len(_LONGEST)
    )

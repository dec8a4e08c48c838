"""What we are here for: each goal with what is at least wanted, and how the figures found say what is reached."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Found = dict[str, Any]
"""``cases``: case -> peer -> figures; ``figures``: name -> figure."""
Reached = Callable[[Found], float]


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure; a KeyError of ``reached`` says that it was not measured."""

    what: str
    at_least: float
    goal: float
    reached: Reached
    unit: str = ""
    more_is_better: bool = False

    def judged(self, figure: float) -> str:
        """Return ``goal``, ``at least`` or ``missed``."""
        sign = 1 if self.more_is_better else -1
        if sign * figure >= sign * self.goal:
            return "goal"
        return "at least" if sign * figure >= sign * self.at_least else "missed"


def _ratio(case: str, ours: str, theirs: str, key: str) -> Reached:
    def reached(found: Found) -> float:
        peers = found["cases"][case]
        return float(peers[ours][key] / peers[theirs][key])

    return reached


def _figure(name: str) -> Reached:
    return lambda found: float(found["figures"][name])


def _rate(what: str, case: str, ours: str, at_least: float, goal: float) -> Goal:
    how = _ratio(case, ours, "postfix", "rate")
    return Goal(f"{what}: rate against Postfix's", at_least, goal, how, " ×", more_is_better=True)


def _cpu(what: str, case: str, ours: str, at_least: float, goal: float) -> Goal:
    return Goal(f"{what}: CPU against Postfix's", at_least, goal, _ratio(case, ours, "postfix", "cpu_median"))


DIRECT, SPOOL, BOTH = "pass-through", "spool", "pass-through-or-spool"
GOALS = (
    Goal(
        "pass-through, 4 KB: share of the floor's rate", 0.35, 0.5,
        _ratio("4k-10-many", DIRECT, "floor", "rate"), more_is_better=True,
    ),
    _cpu("pass-through, 4 KB", "4k-10-many", DIRECT, 0.15, 0.10),
    _rate("pass-through, 4 KB, one message a connection", "4k-10-one", DIRECT, 2.5, 3.5),
    _cpu("pass-through, 4 KB, one message a connection", "4k-10-one", DIRECT, 0.25, 0.15),
    _cpu("pass-through, 1 MB", "1m-10-many", DIRECT, 0.25, 0.15),
    Goal(
        "pass-through-or-spool, 4 KB: CPU against pass-through's", 1.1, 1.0,
        _ratio("4k-10-many", BOTH, DIRECT, "cpu_median"),
    ),
    _rate("spool, 4 KB", "4k-10-many", SPOOL, 2, 4),
    _cpu("spool, 4 KB", "4k-10-many", SPOOL, 0.2, 0.13),
    _rate("spool, 64 KB", "64k-10-many", SPOOL, 2, 3),
    _cpu("spool, 64 KB", "64k-10-many", SPOOL, 0.4, 0.2),
    _rate("spool, 1 MB", "1m-10-many", SPOOL, 1.2, 1.5),
    _cpu("spool, 1 MB", "1m-10-many", SPOOL, 0.5, 0.4),
    Goal(
        "spool, 4 KB: p99 latency against Postfix's", 0.5, 0.3,
        _ratio("4k-10-many", SPOOL, "postfix", "p99"),
    ),
    *(
        Goal(
            f"verdict and stamp, 5 KB message, {channels}", 60, 30,
            _figure(f"view, verdict and stamp, {channels}, µs"), " µs",
        )
        for channels in ("1 channels", "1,000,000 channels")
    ),
    Goal("100,000 channels from YAML", 30, 10, _figure("100,000 channels loaded, s"), " s"),
    Goal("100,000 channels from YAML, memory", 1024, 500, _figure("100,000 channels loaded, at most, MiB"), " MiB"),
    Goal("idle relay with journal and page", 100, 70, _figure("idle relay with journal and page, MiB"), " MiB"),
    Goal("1,000 idle connections more", 60, 30, _figure("1,000 idle connections more, MiB"), " MiB"),
    Goal("50 sessions of 4 KB", 200, 120, _figure("50 sessions of 4 KB, at most, MiB"), " MiB"),
    Goal("`explain` on one message", 400, 200, _figure("`explain` on one message, whole process, ms"), " ms"),
)  # fmt: skip

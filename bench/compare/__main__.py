"""Measure slice by slice, remember what was found, and write it to docs/performance.md.

    python -m bench.compare                      # everything; half an hour
    python -m bench.compare --list               # the slices
    python -m bench.compare 4k-10-many memory    # these slices; the other figures stay as they were found last
    python -m bench.compare --short --page copy.md --found copy.json    # that it works; the figures mean nothing

A slice takes two minutes at most.  What was found is kept in .bench/found.json, and peers that have to be installed are
installed in .bench/.
"""

import argparse
import json
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import micro
from bench.compare import figures, report
from bench.compare.cases import CASES
from bench.compare.goals import Found
from bench.compare.load import compare
from bench.compare.peers import HOME, PEERS
from tests.live import TOP

PAGE = TOP / "docs" / "performance.md"

Measure = Callable[[], figures.Figures]


def micro_figures(number: int, books: tuple[int, ...]) -> figures.Figures:
    return {f"{name}, µs": found for name, found in micro.measure(number, books)}


def own_slices(*, short: bool) -> dict[str, Measure]:
    """Return what is measured of the relay alone, by the slice's name."""
    channels = 1000 if short else 100_000
    return {
        "micro": partial(micro_figures, *((20, (1,)) if short else (2000, (1, 1_000_000)))),
        "memory": partial(figures.memory_used, **({"connections": 20, "messages": 100} if short else {"connections": 1000, "messages": 5000})),
        "loading": partial(figures.loading, channels),
        "reloading": partial(figures.reloading, channels),
        "explain": partial(figures.explaining, 1 if short else 9),
    }  # fmt: skip


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description="Measure, side by side.")
    parser.add_argument("slices", nargs="*", help="what to measure; all of it if none is named")
    parser.add_argument("--list", action="store_true", help="name the slices")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5, help="how long a turn takes, about")
    parser.add_argument("--without", action="append", default=[], choices=PEERS, metavar="PEER")
    parser.add_argument("--short", action="store_true", help="prove that it works; the figures mean nothing")
    parser.add_argument("--found", type=Path, default=HOME / "found.json")
    parser.add_argument("--page", type=Path, default=PAGE)
    given = parser.parse_args()
    if unknown := set(given.slices) - {*CASES, *own_slices(short=False)}:
        parser.error(f"no such slice: {', '.join(sorted(unknown))}")
    if given.short:
        given.rounds, given.seconds = 1, 0.1
    return given


def remembered(file: Path) -> Found:
    return json.loads(file.read_text()) if file.exists() else {"cases": {}, "figures": {}}


def main() -> None:
    given = read_arguments()
    own = own_slices(short=given.short)
    if given.list:
        print("\n".join([*CASES, *own]))
        return
    for program in ("smtp-source", "smtp-sink", "postfix"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is missing: run sh tests/peers/install")
    peers = [name for name in PEERS if name not in given.without]
    for name in given.slices or [*CASES, *own]:
        began = time.monotonic()
        found = remembered(given.found)
        if name in CASES:
            found["cases"][name] = compare(CASES[name], peers, rounds=given.rounds, seconds=given.seconds)
        else:
            found["figures"] |= own[name]()
        given.found.parent.mkdir(parents=True, exist_ok=True)
        given.found.write_text(json.dumps(found, indent=1))
        report.write(found, given.page, given.page.parent / "images" / "performance.svg")
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    print(report.tables(remembered(given.found)))


if __name__ == "__main__":
    main()

"""From figures to the page: tables between two marks of docs/performance.md, and a chart."""

import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.compare.cases import CASES
from bench.compare.chart import Bar, chart
from bench.compare.goals import GOALS, Found, Goal

BEGIN, END = "<!-- made by make bench: begin -->", "<!-- made by make bench: end -->"
CHARTED = ("4k-10-many", "4k-10-one")
_OURS = ("pass-through", "spool")


def write(found: Found, page: Path, picture: Path) -> None:
    """Put figures into the page, whose other text stays, and draw the chart."""
    text = page.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{tables(found)}\n{END}{after}", "utf-8")
    if any(case in found["cases"] for case in CHARTED):
        picture.write_text(chart(list(_panels(found))), "utf-8")


def tables(found: Found) -> str:
    """Return everything that was found as Markdown."""
    parts = [f"Measured on {machine()}.", "", *_goals(found), *_cases(found), *_figures(found["figures"])]
    return "\n".join(parts)


def machine() -> str:
    """Name what figures depend on."""
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores ({platform.machine()}), Linux {platform.release().split('-')[0]}, Python {platform.python_version()}"


def _goals(found: Found) -> Iterator[str]:
    yield from ("### Goals", "", "| figure | at least | goal | reached | |", "|---|---|---|---|---|")
    for goal in GOALS:
        try:
            figure = goal.reached(found)
        except KeyError:
            yield f"| {goal.what} | {_say(goal, goal.at_least)} | {_say(goal, goal.goal)} | – | not measured |"
            continue
        yield (
            f"| {goal.what} | {_say(goal, goal.at_least)} | {_say(goal, goal.goal)} "
            f"| {_say(goal, figure)} | {goal.judged(figure)} |"
        )
    yield ""


def _say(goal: Goal, figure: float) -> str:
    digits = 0 if figure >= 20 else 1 if figure >= 10 else 2
    return f"{figure:.{digits}f}{goal.unit}"


def _cases(found: Found) -> Iterator[str]:
    for case in CASES.values():
        peers = found["cases"].get(case.name)
        if not peers:
            continue
        yield from (f"### {case.title}", "")
        yield "| | messages/s | spread | CPU s per 1,000 | spread | p50 ms | p99 ms |"
        yield "|---|--:|--:|--:|--:|--:|--:|"
        for name, each in peers.items():
            yield _row(name, each)
        yield ""


def _row(name: str, each: Mapping[str, Any]) -> str:
    cpu = "" if name == "floor" else f"{each['cpu_median']:.2f}"
    cpu_spread = "" if name == "floor" else f"{min(each['cpu']):.2f}–{max(each['cpu']):.2f}"
    rates = f"{min(each['rates']):,.0f}–{max(each['rates']):,.0f}"
    p50, p99 = (f"{each[key] * 1000:,.1f}" for key in ("p50", "p99"))
    return f"| {name} | {each['rate']:,.0f} | {rates} | {cpu} | {cpu_spread} | {p50} | {p99} |"


def _figures(figures: Mapping[str, float]) -> Iterator[str]:
    if figures:
        yield from ("### The relay alone", "", "| figure | |", "|---|--:|")
        yield from (f"| {name} | {figure:,.1f} |" for name, figure in figures.items())


def _panels(found: Found) -> Iterator[tuple[str, list[Bar]]]:
    for name in CHARTED:
        peers = found["cases"].get(name, {})
        title = CASES[name].title
        rates = [
            (who, each["rate"], f"{each['rate']:,.0f}", who.startswith(_OURS)) for who, each in peers.items()
        ]
        cpu = [
            (who, each["cpu_median"], f"{each['cpu_median']:.2f}", who.startswith(_OURS))
            for who, each in peers.items()
            if who != "floor"
        ]
        if peers:
            yield f"Messages a second: {title}", rates
            yield f"CPU seconds for 1,000 messages: {title}", cpu

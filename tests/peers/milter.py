"""A milter of our own as a process beside a real MTA, and the cases that are sent through both."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.live import TOP, Got, Helpdesk

CASES = TOP / "tests" / "cases"
Case = dict[str, Any]


def cases() -> list[Case]:
    """Every case that is judged by the first channels.yaml."""
    files = sorted(path for path in CASES.glob("*.yaml") if path.name != "channels.yaml")
    return [case for file in files for case in yaml.safe_load(file.read_text("utf-8"))]


def octets_of(case: Case) -> bytes:
    return (
        (case["header"] + "\nFrom: body@mail.example\n.\nhello\n")
        .replace("\n", "\r\n")
        .encode("utf-8", "surrogateescape")
    )


class MilterProcess:
    """``python -m tests.milter.wiring`` on a channels.yaml of its own; its log has one decision or event a line."""

    def __init__(
        self, folder: Path, listen: str, more: str = "", replace: tuple[str, str] = ("", "")
    ) -> None:
        self._config = folder / "milter.yaml"
        self._log = folder / "milter.log"
        text = (CASES / "channels.yaml").read_text("utf-8").replace(*replace, 1)
        self._config.write_text(f"{text}state: {folder}/state\nlisten: {{milter: ['{listen}']}}\n{more}")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        before = len(self.told("event"))
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.milter.wiring", str(self._config), *options],
                cwd=TOP,
                stdout=log,
                stderr=log,
            )
        for _ in range(400):
            if len(self.told("event")) > before:
                return
            time.sleep(0.025)
        raise AssertionError(self._log.read_text())

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(20) == 0

    @contextlib.contextmanager
    def running(self, *options: str) -> Iterator["MilterProcess"]:
        self.start(*options)
        try:
            yield self
        finally:
            self.stop()

    def told(self, about: str = "verdict") -> list[dict[str, Any]]:
        """What it said so far: decisions, or events."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [fact for line in lines if about in (fact := json.loads(line))]


def arrived(helpdesk: Helpdesk, count: int, seconds: float = 20) -> list[Got]:
    """Wait for that many messages at the helpdesk, take them out and return them."""
    for _ in range(int(seconds / 0.02)):
        if len(helpdesk.got) >= count:
            break
        time.sleep(0.02)
    assert len(helpdesk.got) == count, f"{len(helpdesk.got)} of {count} arrived"
    taken, helpdesk.got = helpdesk.got, []
    return taken

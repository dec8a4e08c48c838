"""Somebody who types what a page says, on a machine with nothing but loopback, in a folder and a home of his own."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.docs.pages import TOP, Block
from tests.peers.two_machines import Machine

STAYS = {
    "helpdesk-relay serve": '"serving"',
    "helpdesk-relay sandbox": '"serving"',
    "make run": "runs until you press Ctrl-C",
}
"""Commands that stay in the foreground, and what they say when they are ready."""
INSTALLED = Path(sys.executable).parent
PROGRAMS = "/usr/sbin:/usr/bin:/sbin:/bin"
EXITS = re.compile(r"# exits with (\d+)")
CHANGES = [
    (re.compile(r"\b[0-9A-F]{6,16}-[0-9A-F]+\b"), "ID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?"), "TIME"),
]
"""What is another each time."""


def lines_of(block: Block) -> list[str]:
    """The command lines of a block, those that go on below as one."""
    return [line for line in re.sub(r" *\\\n *", " ", block.text).splitlines() if line and line[0] != "#"]


def assert_printed(block: Block, printed: str) -> None:
    """Every line of the block was printed, in that order; others may stand between."""
    lines = iter([_constant(line) for line in printed.splitlines()])
    for wanted in block.text.splitlines():
        if wanted.strip() not in ("", "…"):
            assert _constant(wanted) in lines, (
                f"line {block.line}: {wanted!r} is not (or not there) in\n{printed}"
            )


def _constant(line: str) -> str:
    for changing, word in CHANGES:
        line = changing.sub(word, line)
    return line.rstrip()


class Walk:
    """``names`` says what to type for a name that a page uses; ``typed`` is what a command reads from stdin."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine, self.folder = machine, folder
        self.names: dict[str, Callable[[], str]] = {}
        self.typed = b""
        self.environ = {"HOME": str(folder / "home"), "LANG": "C.UTF-8"}
        self.environ["PATH"] = f"{INSTALLED}:{PROGRAMS}"
        self._exports: list[str] = []
        self._staying: tuple[str, subprocess.Popen[bytes], Path] | None = None
        self.environ["TMPDIR"] = str(folder / "tmp")
        (folder / "home").mkdir()
        (folder / "tmp").mkdir()

    def run(self, line: str) -> str:
        """Type a line, and return what is printed."""
        for name, value in self.names.items():
            if (word := re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])")).search(line):
                line = word.sub(value(), line)
        command = line.partition(" #")[0].strip()
        if command in STAYS:
            return self._start(command)
        expected = EXITS.search(line)
        if line.startswith("export "):
            self._exports.append(line)
        done = subprocess.run(
            self._inside(line), env=self.environ, input=self.typed, timeout=120, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        printed = done.stdout.decode()
        assert done.returncode == (int(expected[1]) if expected else 0), f"{line}\n{printed}\n{self.log()}"
        return printed

    def log(self) -> str:
        """What the command that stays has said."""
        return self._staying[2].read_text() if self._staying else ""

    def stop(self) -> None:
        """Press Ctrl-C, if a command stays."""
        if self._staying is None:
            return
        command, process, _ = self._staying
        os.killpg(process.pid, signal.SIGINT)
        code = process.wait(timeout=40)
        assert code == 0 or command.startswith("make"), self.log()
        self._staying = None

    @contextlib.contextmanager
    def beside(self, *command: str | Path) -> Iterator[None]:
        """Run another program on the machine."""
        with (self.folder / "beside.log").open("ab") as log:
            process = subprocess.Popen(
                self.machine.inside(*command), stdout=log, stderr=log, env=self.environ
            )
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=40)

    def waits_for(self, what: Callable[[], bool]) -> None:
        for _ in range(400):
            if what():
                return
            time.sleep(0.05)
        raise AssertionError(self.log())

    def listens(self, port: int) -> bool:
        """Tell whether somebody listens on a port of the machine."""
        probe = self.machine.inside("bash", "-c", f"</dev/tcp/127.0.0.1/{port}")
        return subprocess.run(probe, capture_output=True, check=False, timeout=20).returncode == 0

    def _start(self, command: str) -> str:
        self.stop()
        log = self.folder / "staying.log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                self._inside(f"exec {command}"), env=self.environ, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                start_new_session=True,
            )  # fmt: skip
        self._staying = command, process, log
        self.waits_for(lambda: STAYS[command] in self.log() or process.poll() is not None)
        assert process.poll() is None, self.log()
        return self.log()

    def _inside(self, line: str) -> list[str]:
        return self.machine.inside("env", "-C", self.folder, "bash", "-c", "\n".join([*self._exports, line]))


@contextlib.contextmanager
def walk(folder: Path) -> Iterator[Walk]:
    """A machine on which ``desk.internal`` is the machine itself, and only ``folder`` can be written to."""
    machine = Machine()
    try:
        machine.run("ip", "link", "set", "lo", "up")
        (folder / "hosts").write_text("127.0.0.1 localhost desk.internal\n")
        machine.run("mount", "--bind", folder / "hosts", "/etc/hosts")
        machine.run("mount", "--bind", folder, folder)
        machine.run("mount", "-o", "remount,bind,ro", "/")
        walking = Walk(machine, folder)
        try:
            yield walking
        finally:
            walking.stop()
    finally:
        machine.end()


def clone(folder: Path) -> None:
    """What a clone of the repository holds, as it is now, with its environment already made."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=True).stdout
    for name in filter(None, tracked.decode().split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TOP / name, folder / name)
    (folder / ".venv").symlink_to(TOP / ".venv")

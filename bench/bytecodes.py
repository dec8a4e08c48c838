"""What the interpreter does for one message: bytecodes and calls, by module and by function.

    python -m bench.bytecodes [pass-through|pass-through-or-spool|spool] [--once] [--messages 1000] [--top 40]

The same code gives the same count whatever else the machine does, but for how many messages share a batch; so this tells
whether a change of one per cent is one.  What a bytecode costs differs: a call into C counts as one.  Postfix's
smtp-source sends messages of 4 KiB in ten sessions through a relay that traces itself, all threads of it, to smtp-sink.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from bench.compare.peers import CHANNELS, Sink
from bench.compare.processes import running, wait_for
from tests.live import TOP, free_port

BEGIN, END = signal.SIGRTMIN, signal.SIGRTMIN + 1
SETTLE_SECONDS = 3.0


def trace(output: Path) -> None:
    """Count between two signals, then write to ``output``."""
    bytecodes: Counter[CodeType] = Counter()
    calls: Counter[CodeType] = Counter()
    on = threading.Event()

    def count(frame: FrameType, event: str, _: object) -> Any:
        if event == "call":
            calls[frame.f_code] += 1
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            bytecodes[frame.f_code] += 1
        return count

    def begin(*_: object) -> None:
        on.set()
        sys.settrace(count)

    def end(*_: object) -> None:
        on.clear()
        sys.settrace(None)
        rows = [(code.co_filename, code.co_qualname, bytecodes[code], calls[code]) for code in calls]
        unfinished = output.with_suffix(".new")
        unfinished.write_text(json.dumps(rows))
        unfinished.replace(output)

    threading.settrace(lambda frame, event, arg: count(frame, event, arg) if on.is_set() else None)
    signal.signal(BEGIN, begin)
    signal.signal(END, end)


def measure(mode: str, *, once: bool, messages: int) -> list[tuple[str, str, float, float]]:
    """Return file, function, bytecodes and calls for one message."""
    with tempfile.TemporaryDirectory(prefix="helpdesk-relay-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        port, output, config = free_port(), folder / "counted", folder / "channels.yaml"
        with Sink(folder).running() as sink:
            words = {"web": free_port(), "next_hop": sink.port, "mode": mode, "shared": "false"}
            config.write_text(CHANNELS.format(folder=folder, port=port, **words))
            program = (sys.executable, "-m", "bench.bytecodes", "serve", config, output)
            with running(program, folder=TOP, output=folder / "log") as relay:
                wait_for(port, relay)
                send(port, messages // 2, once=once)
                relay.send_signal(BEGIN)
                send(port, messages, once=once)
                relay.send_signal(END)
                until = time.monotonic() + 60
                while not output.exists():
                    if time.monotonic() > until:
                        raise SystemExit("the relay has not written what it counted")
                    time.sleep(0.1)
                return [
                    (file, word, b / messages, c / messages)
                    for file, word, b, c in json.loads(output.read_text())
                ]


def send(port: int, messages: int, *, once: bool) -> None:
    """Send, and wait until what comes after the replies is over too."""
    path = ("-f", "support@company.com", "-t", "in@relay.company.net")
    kept = () if once else ("-d",)
    command = (
        "smtp-source",
        *kept,
        "-s",
        "10",
        "-l",
        "4096",
        *path,
        "-m",
        str(messages),
        f"127.0.0.1:{port}",
    )
    subprocess.run(command, check=True)
    time.sleep(SETTLE_SECONDS)


def short(file: str) -> str:
    """Return a file's name without what stands before the package."""
    for mark in ("/site-packages/", f"{TOP}/", "/lib/python3."):
        if mark in file:
            return file.rpartition(mark)[2]
    return file


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        from relay.cli import run

        trace(Path(sys.argv[3]))
        sys.exit(run(["serve", "--config", sys.argv[2]]))
    parser = argparse.ArgumentParser(
        prog="python -m bench.bytecodes", description="Count, message by message."
    )
    parser.add_argument("mode", nargs="?", default="pass-through")
    parser.add_argument("--once", action="store_true", help="a connection for each message")
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--top", type=int, default=40, help="how many functions are shown")
    given = parser.parse_args()
    rows = measure(given.mode, once=given.once, messages=given.messages)
    files: Counter[str] = Counter()
    for file, _, bytecodes, _ in rows:
        files[short(file)] += bytecodes  # type: ignore[assignment]
    print(
        f"{sum(row[2] for row in rows):.0f} bytecodes and {sum(row[3] for row in rows):.0f} calls for a message\n"
    )
    for file, bytecodes in files.most_common(given.top):
        print(f"{bytecodes:8.0f}  {file}")
    print()
    for file, word, bytecodes, calls in sorted(rows, key=lambda row: -row[2])[: given.top]:
        print(f"{bytecodes:8.0f} in {calls:5.1f} calls  {word} ({short(file)})")


if __name__ == "__main__":
    main()

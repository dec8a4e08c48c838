"""Figures of the relay alone: memory, reloading and loading a large book, how long ``explain`` takes."""

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.compare.cases import Case
from bench.compare.load import press
from bench.compare.peers import CHANNELS, Peer, Sink, relay
from bench.compare.prober import Client, Prober
from bench.compare.processes import memory
from tests.live import TOP, free_port

SETTLE_SECONDS = 2.0
DEFAULT_MODE = "pass-through-or-spool"
_LOAD = """\
import os, re, sys, time
from pathlib import Path
began = time.perf_counter()
from relay.settings.parse import read_settings
book = read_settings(Path(sys.argv[1]), os.environ, serving=True).book()
seconds = time.perf_counter() - began
most = re.search("VmHWM:\\\\s*(\\\\d+)", Path("/proc/self/status").read_text())
print(len(book.channels), seconds, int(most[1]) / 1024)
"""
SAMPLE = (
    b"From: support@company.com\r\nTo: anna@mail.example\r\nSubject: Your order\r\n\r\nIt is on its way.\r\n"
)

Figures = dict[str, float]
"""A name with its unit -> the figure."""


@contextlib.contextmanager
def _one_relay(mode: str = DEFAULT_MODE) -> Iterator[tuple[Peer, Path]]:
    with tempfile.TemporaryDirectory(prefix="helpdesk-relay-bench-") as name, ExitStack() as stack:
        folder, port = Path(name), free_port()
        folder.chmod(0o755)
        sink = stack.enter_context(Sink(folder).running())
        pid = stack.enter_context(relay(folder, sink.port, mode, port))
        yield Peer(mode, port, sink, (pid,)), folder


def memory_used(*, connections: int, messages: int) -> Figures:
    """Return MiB of a relay with its journal and its page."""
    found: Figures = {}
    with _one_relay() as (peer, _):
        time.sleep(SETTLE_SECONDS)
        idle = memory(peer.pids[0])
        found["idle relay with journal and page, MiB"] = idle
        clients = [Client(peer.port) for _ in range(connections)]
        time.sleep(SETTLE_SECONDS)
        found[f"{connections:,} idle connections more, MiB"] = memory(peer.pids[0]) - idle
        for client in clients:
            client.close()
    with _one_relay() as (peer, _):
        press(peer, Case("4k", 50, once=False), messages)
        found["50 sessions of 4 KB, at most, MiB"] = memory(peer.pids[0], "VmHWM")
    return found


def large_channels(channels: int, text: str = "") -> str:
    """Return a channels.yaml with so many channels more."""
    more = "".join(
        f"  c{number}: {{address: c{number}@shop.example, inbound: [in-{number}@desk.example]}}\n"
        for number in range(channels)
    )
    text = text or CHANNELS.format(
        folder="state", port=2525, web=8025, next_hop=2526, mode=DEFAULT_MODE, shared="false"
    )
    return text.replace("listen:\n", f"{more}listen:\n", 1)


def loading(channels: int) -> Figures:
    """Return what it takes to make a book of a large channels.yaml, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "channels.yaml"
        config.write_text(large_channels(channels))
        said = _output([sys.executable, "-c", _LOAD, str(config)])
    count, seconds, most = said.split()
    return {
        f"{int(count) - 1:,} channels loaded, s": float(seconds),
        f"{int(count) - 1:,} channels loaded, at most, MiB": float(most),
    }


def reloading(channels: int) -> Figures:
    """Return latencies of a prober before and while a large channels.yaml is reloaded."""
    with _one_relay("pass-through") as (peer, folder):
        config, log = folder / "channels.yaml", folder / "log"
        with Prober(peer.port, 4096, once=False, pause=0.005) as before:
            time.sleep(SETTLE_SECONDS)
        config.write_text(large_channels(channels, config.read_text()))
        with Prober(peer.port, 4096, once=False, pause=0.005) as during:
            began = time.monotonic()
            os.kill(peer.pids[0], signal.SIGHUP)
            while "reloaded" not in log.read_text():
                time.sleep(0.05)
                if time.monotonic() > began + 120:
                    raise SystemExit("the relay does not reload: " + log.read_text())
            seconds = time.monotonic() - began
    return {
        "p99 of one client before, ms": _share(before.seconds, 0.99),
        f"p99 while {channels:,} channels are reloaded, ms": _share(during.seconds, 0.99),
        f"longest wait while {channels:,} channels are reloaded, ms": max(during.seconds) * 1000,
        f"{channels:,} channels reloaded, s": seconds,
    }


def explaining(rounds: int) -> Figures:
    """Return how long ``explain`` takes for one message, as a command."""
    with tempfile.TemporaryDirectory() as folder:
        config, sample = Path(folder) / "channels.yaml", Path(folder) / "copy.eml"
        config.write_text("version: 1\nchannels:\n  support: {address: support@company.com}\n")
        sample.write_bytes(SAMPLE)
        command = [sys.executable, "-m", "relay", "--config", str(config), "explain", str(sample)]
        _output(command)
        return {"`explain` on one message, whole process, ms": _timed(lambda: _output(command), rounds)}


def _timed(act: Callable[[], object], rounds: int) -> float:
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        found.append((time.perf_counter() - began) * 1000)
    return statistics.median(found)


def _output(command: list[str]) -> str:
    return subprocess.run(
        command,
        cwd=TOP,
        env={**os.environ, "PYTHONPATH": str(TOP)},
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    ).stdout


def _share(seconds: list[float], share: float) -> float:
    return sorted(seconds)[int(len(seconds) * share)] * 1000

"""Who is measured: each with a next hop of its own (smtp-sink), everything private, on free ports of 127.0.0.1."""

import contextlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.compare import haraka
from bench.compare.processes import running, wait_for
from tests.live import TOP, free_port
from tests.peers.postfix import Postfix

HOME = TOP / ".bench"
"""What is installed and found out stays here."""
CHANNELS = """\
version: 1
hostname: relay.company.com
state: {folder}/state
channels:
  support: {{address: support@company.com, inbound: [in@relay.company.net]}}
listen:
  smtp: [{{address: "127.0.0.1:{port}", reuse_port: {shared}}}]
  web: 127.0.0.1:{web}
deliver: {{helpdesk: "smtp://127.0.0.1:{next_hop}", mode: {mode}}}
"""
HEADER_CHECKS = "header_checks = regexp:{folder}/checks\n"
CHECKS = "/^X-Ticket-Status:/ IGNORE\n/^From:.*support@company\\.com/ PREPEND X-Ticket-Status: auto-closed\n"
_COUNTED = re.compile(rb"mesg=(\d+)")


class Sink:
    """Postfix's smtp-sink, which counts what it got."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._output = folder / "sink"

    @contextlib.contextmanager
    def running(self) -> Iterator["Sink"]:
        command = ["smtp-sink", "-c", "-u", "nobody", f"inet:127.0.0.1:{self.port}", "1000"]
        with running(command, output=self._output) as process:
            wait_for(self.port, process)
            yield self

    def got(self) -> int:
        """Return how many messages it has taken."""
        with self._output.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 200))
            counts = _COUNTED.findall(file.read())
        return int(counts[-1]) if counts else 0


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody who runs."""

    name: str
    port: int
    sink: Sink
    pids: tuple[int, ...]
    """The roots of its process trees; none: it is the sink itself."""


Start = Callable[[ExitStack, Path, Sink], tuple[int, Sequence[int]]]
"""Starts somebody in a folder, before a sink; returns the port and the processes."""


def _floor(_: ExitStack, __: Path, sink: Sink) -> tuple[int, Sequence[int]]:
    return sink.port, ()


def _relay(mode: str, instances: int = 1) -> Start:
    def start(stack: ExitStack, folder: Path, sink: Sink) -> tuple[int, Sequence[int]]:
        port, pids = free_port(), []
        for number in range(instances):
            home = folder / str(number)
            home.mkdir()
            pids.append(stack.enter_context(relay(home, sink.port, mode, port, shared=instances > 1)))
        return port, pids

    return start


@contextlib.contextmanager
def relay(folder: Path, next_hop: int, mode: str, port: int, *, shared: bool = False) -> Iterator[int]:
    """A relay with every default but where it listens and delivers, and its mode; gives its process id."""
    config = folder / "channels.yaml"
    web = free_port()
    text = CHANNELS.format(
        folder=folder, port=port, web=web, next_hop=next_hop, mode=mode, shared=str(shared).lower()
    )
    config.write_text(text)
    command = [sys.executable, "-m", "relay", "--config", config, "serve"]
    with running(command, output=folder / "log", env={"PYTHONPATH": str(TOP)}) as process:
        wait_for(port, process)
        yield process.pid


def _postfix(stack: ExitStack, folder: Path, sink: Sink) -> tuple[int, Sequence[int]]:
    folder.chmod(0o755)
    (folder / "checks").write_text(CHECKS)
    postfix = Postfix(folder, sink.port, HEADER_CHECKS.format(folder=folder))
    stack.enter_context(postfix.running())
    return postfix.port, [int((folder / "spool" / "pid" / "master.pid").read_text())]


def _haraka(stack: ExitStack, folder: Path, sink: Sink) -> tuple[int, Sequence[int]]:
    home, port = HOME / "haraka", free_port()
    program = haraka.program(home)
    haraka.configure(home, folder, port, sink.port)
    process = stack.enter_context(running([program, "-c", folder], output=folder / "log"))
    wait_for(port, process)
    return port, [process.pid]


def _script(name: str) -> Start:
    def start(stack: ExitStack, folder: Path, sink: Sink) -> tuple[int, Sequence[int]]:
        port = free_port()
        command = [sys.executable, Path(__file__).with_name(name), port, sink.port]
        process = stack.enter_context(running(command, output=folder / "log"))
        wait_for(port, process)
        return port, [process.pid]

    return start


PEERS: dict[str, Start] = {
    "floor": _floor,
    "pass-through": _relay("pass-through"),
    "pass-through-or-spool": _relay("pass-through-or-spool"),
    "spool": _relay("spool"),
    "pass-through, two instances": _relay("pass-through", 2),
    "spool, two instances": _relay("spool", 2),
    "postfix": _postfix,
    "haraka": _haraka,
    "toy": _script("toy.py"),
    "octets only": _script("octets.py"),
}


@contextlib.contextmanager
def all_running(names: Sequence[str], folder: Path) -> Iterator[list[Peer]]:
    """All of them at once; who is not asked anything costs next to nothing."""
    with ExitStack() as stack:
        peers = []
        for name in names:
            home = folder / name.replace(",", "").replace(" ", "-")
            home.mkdir()
            sink = stack.enter_context(Sink(home).running())
            port, pids = PEERS[name](stack, home, sink)
            peers.append(Peer(name, port, sink, tuple(pids)))
        yield peers

"""One turn of one peer under load, and a case: turns of all peers, interleaved, round by round."""

import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.compare.cases import Case
from bench.compare.peers import Peer, all_running
from bench.compare.prober import FROM, TO, Prober
from bench.compare.processes import cpu_seconds

ARRIVAL_SECONDS = 120


@dataclass(slots=True)
class Figures:
    """What the turns of one peer gave, one figure a round; latencies of all rounds together."""

    rates: list[float] = field(default_factory=list)
    """Messages a second, until the last one has reached the next hop."""
    cpu: list[float] = field(default_factory=list)
    """CPU seconds of the process tree for 1,000 messages."""
    latencies: list[float] = field(default_factory=list)

    def summed_up(self) -> dict[str, Any]:
        found = sorted(self.latencies) or [0.0]
        return {
            **{name: each for name, each in asdict(self).items() if name != "latencies"},
            "rate": statistics.median(self.rates),
            "cpu_median": statistics.median(self.cpu),
            "p50": found[len(found) // 2],
            "p99": found[int(len(found) * 0.99)],
            "probes": len(self.latencies),
        }


def press(peer: Peer, case: Case, messages: int) -> tuple[float, float, list[float]]:
    """Send messages; return messages a second, CPU seconds for 1,000 messages, and what the prober found."""
    command = ["smtp-source", "-s", case.sessions, "-l", case.octets, "-m", messages, "-f", FROM, "-t", TO]
    command += [] if case.once else ["-d"]
    before, cpu, began = peer.sink.got(), cpu_seconds(peer.pids), time.monotonic()
    with Prober(peer.port, case.octets, once=case.once) as prober:
        subprocess.run([*map(str, command), f"inet:127.0.0.1:{peer.port}"], check=True)
    sent = messages + len(prober.seconds)
    while peer.sink.got() < before + sent:
        time.sleep(0.002)
        if time.monotonic() > began + ARRIVAL_SECONDS:
            raise SystemExit(f"{peer.name}: {sent - peer.sink.got() + before} messages never arrived")
    seconds = time.monotonic() - began
    return sent / seconds, (cpu_seconds(peer.pids) - cpu) / sent * 1000, prober.seconds


def fitting(peer: Peer, case: Case, seconds: float) -> int:
    """Warm a peer up; return how many messages keep it busy for about so many seconds."""
    few = max(case.sessions, 20, min(200, 4_000_000 // case.octets))  # or no tick of CPU time is seen
    rate = press(peer, case, few)[0]
    rate = press(peer, case, max(few, int(rate * seconds / 4)))[0]
    return max(few, int(rate * seconds))


def compare(case: Case, names: Sequence[str], *, rounds: int, seconds: float) -> dict[str, dict[str, Any]]:
    """Measure a case: the figures of each peer, by its name."""
    figures = {name: Figures() for name in names}
    with tempfile.TemporaryDirectory(prefix="helpdesk-relay-bench-") as folder:
        Path(folder).chmod(0o755)
        with all_running(names, Path(folder)) as peers:
            counts = {peer.name: fitting(peer, case, seconds) for peer in peers}
            for number in range(rounds):
                for peer in peers[:: 1 if number % 2 else -1]:
                    rate, cpu, latencies = press(peer, case, counts[peer.name])
                    found = figures[peer.name]
                    found.rates.append(rate)
                    found.cpu.append(cpu)
                    found.latencies += latencies
    return {name: found.summed_up() for name, found in figures.items()}

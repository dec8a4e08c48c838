"""Processes: started and ended, their CPU time and memory as the kernel counts them."""

import contextlib
import os
import resource
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
OPEN_FILES = 8192


@contextlib.contextmanager
def running(
    command: Sequence[object],
    *,
    folder: Path | None = None,
    output: Path | None = None,
    env: dict[str, str] | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program from here to the end of the block; what it prints goes to ``output``."""
    with open(output or os.devnull, "ab") as sink:  # noqa: PTH123 - devnull is no Path of ours
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env={**os.environ, **(env or {})},
            preexec_fn=_allow_many_files,  # noqa: PLW1509 - no thread runs while programs are started
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _allow_many_files() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def wait_for(port: int, process: "subprocess.Popen[bytes] | None" = None, seconds: float = 60) -> None:
    """Return when somebody greets on ``port`` of 127.0.0.1."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process is not None and process.poll() is not None:
            raise SystemExit(f"{process.args} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as trial:
            if trial.recv(3) == b"220":
                return
        time.sleep(0.05)
    raise SystemExit(f"nobody answers on port {port}")


def cpu_seconds(pids: Sequence[int]) -> float:
    """Time on a CPU of these processes, what they started, and what has ended of it."""
    stats = _stats()
    children: dict[int, list[int]] = {}
    for pid, fields in stats.items():
        children.setdefault(int(fields[1]), []).append(pid)
    left, ticks = list(pids), 0
    while left:
        pid = left.pop()
        if pid in stats:
            ticks += sum(int(field) for field in stats[pid][11:15])
            left += children.get(pid, [])
    return ticks / _TICKS


def _stats() -> dict[int, list[str]]:
    """Return what /proc/PID/stat says of every process, from the state on (proc(5), field 3)."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                found[int(entry.name)] = (entry / "stat").read_text().rpartition(")")[2].split()
    return found


def memory(pid: int, name: str = "VmRSS") -> float:
    """MiB in memory now (``VmRSS``), or the most there ever was (``VmHWM``)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)

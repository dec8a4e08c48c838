"""What the journal costs the mail path: CPU seconds of the relay for 1,000 messages, with the journal and without.

    python bench/journal.py [rounds] [messages]

Postfix's smtp-source sends through a relay to smtp-sink, turn by turn with and without; each mode and each kind of
connection by itself.  The figure counts until everything is written down, not only until the last message left.
"""

import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
CHANNELS = """\
version: 1
hostname: relay.company.com
state: {state}
channels:
  support: {{address: support@company.com, inbound: [in@relay.company.net]}}
listen: {{smtp: [{{address: "127.0.0.1:{port}"}}]}}
deliver: {{helpdesk: "smtp://127.0.0.1:{sink}", mode: {mode}}}
log: {{format: json}}
"""
SETTLE_SECONDS = 2.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit(f"nobody answers on port {port}")


@contextlib.contextmanager
def running(*command: str) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def cpu_seconds(process: "subprocess.Popen[bytes]") -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def turn(mode: str, *, journal: bool, once: bool, messages: int) -> float:
    """Return CPU seconds for 1,000 messages."""
    with tempfile.TemporaryDirectory(prefix="helpdesk-relay-bench-") as folder:
        port, sink = free_port(), free_port()
        config = Path(folder) / "channels.yaml"
        config.write_text(CHANNELS.format(state=f"{folder}/state", port=port, sink=sink, mode=mode))
        program = (sys.executable, __file__, "serve", str(config), "on" if journal else "off")
        with running("smtp-sink", "-u", "nobody", f"127.0.0.1:{sink}", "1000"), running(*program) as relay:
            wait_for(sink)
            wait_for(port)
            source = [
                "smtp-source",
                "-s",
                "10",
                "-l",
                "4096",
                "-f",
                "support@company.com",
                "-t",
                "in@relay.company.net",
            ]
            if not once:
                source.append("-d")
            subprocess.run([*source, "-m", "500", f"127.0.0.1:{port}"], check=True)
            time.sleep(SETTLE_SECONDS)
            before = cpu_seconds(relay)
            subprocess.run([*source, "-m", str(messages), f"127.0.0.1:{port}"], check=True)
            time.sleep(SETTLE_SECONDS)
            return (cpu_seconds(relay) - before) / messages * 1000


def serve(config: Path, *, journal: bool) -> None:
    """Run a relay; without a journal, one that does not open it."""
    from relay.service import relay
    from relay.service.run import run
    from relay.settings.parse import read_settings

    if not journal:

        async def nothing(_: object) -> None:
            return None

        relay.Relay._open_journal = nothing  # type: ignore[method-assign]
    run(read_settings(config, os.environ, serving=True), lambda: read_settings(config, os.environ), config)


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]), journal=sys.argv[3] == "on")
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    messages = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    if shutil.which("smtp-source") is None:
        raise SystemExit("smtp-source is missing: run sh tests/peers/install")
    print(f"CPU seconds of the relay for 1,000 messages of 4 KiB, medians of {rounds} rounds of {messages}")
    print(f"{'':<24}{'':<12}{'without':>10}{'with':>10}{'more':>8}")
    for mode in ("pass-through", "spool"):
        for once in (False, True):
            found: dict[bool, list[float]] = {False: [], True: []}
            for _ in range(rounds):
                for journal in (False, True):
                    found[journal].append(turn(mode, journal=journal, once=once, messages=messages))
            without, with_it = (statistics.median(found[journal]) for journal in (False, True))
            kind = "one each" if once else "many"
            print(
                f"{mode:<24}{kind:<12}{without:>10.3f}{with_it:>10.3f}{with_it / without - 1:>8.1%}",
                flush=True,
            )


if __name__ == "__main__":
    main()

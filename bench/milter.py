"""What the milter costs Postfix: messages a second without and with it, turn by turn in one run, and its own CPU.

    python bench/milter.py [rounds] [messages]

Needs root and Postfix.  One private Postfix relays messages of 4 KiB from ten sessions of smtp-source to smtp-sink; it has
a port without a milter, one with ours on a unix socket, and one with a milter that asks for nothing and changes nothing:
what Postfix itself pays for having any.  Where cc and libmilter-dev are there, a fourth has milter_in_c.c, which is told
what ours is told, inserts what ours inserts, and judges nothing: what Postfix pays for having one with our task.  A figure is messages divided by the time until the last one is delivered.
"""

import asyncio
import contextlib
import os
import shutil
import statistics
import struct
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import uvloop

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from tests.live import free_port  # noqa: E402
from tests.peers.milter import MilterProcess  # noqa: E402
from tests.peers.postfix import Postfix, open_folder  # noqa: E402

SESSIONS = 10
EVERY_STEP_LEFT_OUT = 0x1FFFFF


class Nothing(asyncio.Protocol):
    """A milter that agrees to see nothing, and accepts."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while len(self.buffer) >= 4 and len(self.buffer) >= 4 + (
            length := int.from_bytes(self.buffer[:4], "big")
        ):
            command, self.buffer = self.buffer[4], self.buffer[4 + length :]
            if command == ord("O"):
                self.transport.write(struct.pack("!IcIII", 13, b"O", 6, 0x11, EVERY_STEP_LEFT_OUT))
            elif command == ord("E"):
                self.transport.write(b"\0\0\0\1a")


async def serve_nothing(path: str) -> None:
    server = await asyncio.get_running_loop().create_unix_server(Nothing, path)
    os.chmod(path, 0o666)  # noqa: PTH101
    await server.serve_forever()


@contextlib.contextmanager
def in_c(folder: Path) -> Iterator[str | None]:
    """Run the milter in C and give its socket; None where it cannot be built."""
    program, socket = folder / "milter_in_c", f"unix:{folder}/in_c.sock"
    source = TOP / "bench" / "milter_in_c.c"
    if (
        not shutil.which("cc")
        or subprocess.run(
            ["cc", "-O2", "-o", program, source, "-lmilter", "-lpthread"], capture_output=True, check=False
        ).returncode
    ):
        yield None
        return
    process = subprocess.Popen([program, socket])
    try:
        yield socket
    finally:
        process.terminate()
        process.wait()


def cpu_seconds(pid: int) -> float:
    """Time on a CPU of the first thread, to the nanosecond; our milter has no other that does anything."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def delivered(postfix: Postfix) -> bool:
    queues = (postfix.folder / "spool" / name for name in ("incoming", "active", "deferred"))
    return not any(files for queue in queues for _, _, files in os.walk(queue))


def rate(postfix: Postfix, port: int, messages: int, *options: str) -> float:
    load = ["smtp-source", "-s", str(SESSIONS), "-m", str(messages), "-l", "4096", *options]
    envelope = ["-f", "care@shop.example", "-t", "in-1@desk.example", f"inet:127.0.0.1:{port}"]
    began = time.monotonic()
    subprocess.run([*load, *envelope], check=True)
    while not delivered(postfix):
        time.sleep(0.01)
    return messages / (time.monotonic() - began)


def measure(
    postfix: Postfix, ports: dict[str, int], pid: int, rounds: int, messages: int, *options: str
) -> None:
    rates: dict[str, list[float]] = defaultdict(list)
    cpu = 0.0
    for number in range(rounds):
        turns = list(ports)[:: 1 if number % 2 else -1]
        for name in turns:
            before = cpu_seconds(pid)
            rates[name].append(rate(postfix, ports[name], messages, *options))
            cpu += cpu_seconds(pid) - before
    for name, found in rates.items():
        ratio = statistics.median(one / plain for one, plain in zip(found, rates["without"], strict=True))
        print(
            f"  {name:8} {statistics.median(found):6.0f} msg/s  {ratio:.3f}  ({' '.join(f'{one:.0f}' for one in found)})"
        )
    print(f"  the milter took {cpu / rounds / messages * 1000:.3f} CPU seconds per 1,000 messages")


def main(rounds: int = 8, messages: int = 1500) -> None:
    with open_folder() as folder:
        hop = free_port()
        postfix = Postfix(folder, hop, "default_process_limit = 200\n")
        ports = {"without": postfix.port, "ours": free_port(), "nothing": free_port()}
        postfix.also_listen(ports["ours"], f"smtpd_milters=unix:{folder}/milter.sock")
        postfix.also_listen(ports["nothing"], f"smtpd_milters=unix:{folder}/nothing.sock")
        if shutil.which("cc"):
            ports["in C"] = free_port()
            postfix.also_listen(ports["in C"], f"smtpd_milters=unix:{folder}/in_c.sock")
        milter = MilterProcess(folder, f"unix:{folder}/milter.sock", "milter: {socket_group: postfix}\n")
        helpers = [
            subprocess.Popen(["smtp-sink", "-u", "nobody", f"inet:127.0.0.1:{hop}", "1000"]),
            subprocess.Popen([sys.executable, __file__, "nothing", f"{folder}/nothing.sock"]),
        ]
        try:
            with milter.running("--quiet"), in_c(folder) as floor, postfix.running():
                assert milter.process is not None
                if floor is None:
                    ports.pop("in C", None)
                for port in ports.values():
                    rate(postfix, port, 200)
                print(
                    f"one message a connection; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs"
                )
                measure(postfix, ports, milter.process.pid, rounds, messages)
                print("many messages a connection")
                measure(postfix, ports, milter.process.pid, rounds, messages, "-d")
        finally:
            for helper in helpers:
                helper.terminate()
                helper.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["nothing"]:
        uvloop.run(serve_nothing(sys.argv[2]))
    main(*map(int, sys.argv[1:]))

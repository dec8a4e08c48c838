"""How many messages a second ``replay`` judges, as a command on one core, from an mbox that is made first.

    python bench/replay.py [messages]

Messages differ in author, recipients and size; each has the header section of ``bench/micro.py``, with trace fields.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from micro import HEAD

CHANNELS = """\
version: 1
channels:
  care: {address: care@shop.example, inbound: [in-1@desk.example]}
  orders: {address: orders@shop.example}
platform: {networks: [10.9.0.0/24]}
deliver: {helpdesk: "smtp://127.0.0.1:2526"}
"""
AUTHORS = (b"care@shop.example", b"orders@shop.example", b"anna@mail.example", b"news@other.example")
LINE = b"Guten Tag, Ihre Bestellung ist unterwegs.\n"
HEAD_LF = HEAD.replace(b"\r\n", b"\n")
ARRIVED = b"Delivered-To: in-1@desk.example\n"


def write_mbox(path: Path, messages: int) -> None:
    random = Random(1)
    with path.open("wb") as box:
        for number in range(messages):
            head = HEAD_LF.replace(b"care@shop.example", random.choice(AUTHORS))
            head = head.replace(b"carl@", b"carl%d@" % number).replace(b"0100018d1b2c3d4e", b"%016x" % number)
            box.write(b"From bounce@crm.example Mon Jan  5 10:00:00 2026\n" + ARRIVED * (number % 2) + head)
            box.write(LINE * random.randrange(10, 90) + b"\n")


def measured(folder: Path, messages: int, *options: str) -> None:
    """Run the command on one core and print what it took."""
    core = min(os.sched_getaffinity(0))
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "relay", "replay", *options, "box"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        check=False,
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in (0, 1)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{' '.join(['replay', *options]):<40}{messages / wall:8,.0f} a second{messages / cpu:10,.0f} by CPU time"
        f"{after.ru_maxrss // 1024:8} MiB at most",
        flush=True,
    )


def main() -> None:
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "channels.yaml").write_text(CHANNELS)
        (folder / "other.yaml").write_text(CHANNELS.replace("orders@", "news@"))
        write_mbox(folder / "box", messages)
        print(f"{messages:,} messages, {(folder / 'box').stat().st_size >> 20} MiB")
        measured(folder, messages)
        measured(folder, messages, "--json")
        measured(folder, messages, "--against", "other.yaml")


if __name__ == "__main__":
    main()

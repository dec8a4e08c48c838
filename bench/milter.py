"""What the milter costs Postfix: messages a second with and without it, turn by turn in one run, and its own CPU.

Needs root, Postfix, and ``python bench/milter.py [rounds] [messages]``.  One private Postfix with two ports, one with
our milter on a unix socket; what it accepts is discarded.  Messages of 4 KiB, ten sessions, one message a session
(the dearest way for a milter: a connection each) and then many.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from tests.live import free_port  # noqa: E402
from tests.peers.milter import MilterProcess  # noqa: E402
from tests.peers.postfix import Postfix, open_folder  # noqa: E402

SESSIONS = 10
MAIN_CF = """\
default_transport = discard:
relay_transport = discard:
smtpd_client_message_rate_limit = 0
default_process_limit = 200
"""


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rate(port: int, messages: int, *options: str) -> float:
    command = ["smtp-source", "-s", str(SESSIONS), "-m", str(messages), "-l", "4096", *options]
    began = time.monotonic()
    subprocess.run(
        [*command, "-f", "care@shop.example", "-t", "in-1@desk.example", f"inet:127.0.0.1:{port}"], check=True
    )
    return messages / (time.monotonic() - began)


def settled(postfix: Postfix) -> None:
    while "empty" not in postfix.queued():
        time.sleep(0.2)


def measure(postfix: Postfix, with_milter: int, pid: int, rounds: int, messages: int, *options: str) -> None:
    ratios, plain_rates, rates, cpu = [], [], [], 0.0
    for number in range(rounds):
        turns = [postfix.port, with_milter] if number % 2 else [with_milter, postfix.port]
        found: dict[int, float] = {}
        for port in turns:
            settled(postfix)
            before = cpu_seconds(pid)
            found[port] = rate(port, messages, *options)
            cpu += cpu_seconds(pid) - before
        plain, filtered = found[postfix.port], found[with_milter]
        plain_rates.append(plain)
        rates.append(filtered)
        ratios.append(filtered / plain)
        print(f"  {plain:6.0f} without  {filtered:6.0f} with  {filtered / plain:.3f}")
    print(
        f"  median {statistics.median(plain_rates):.0f} msg/s without, {statistics.median(rates):.0f} with; "
        f"ratio {statistics.median(ratios):.3f} (of sums {sum(rates) / sum(plain_rates):.3f}); "
        f"milter {cpu / rounds / messages * 1000:.3f} CPU s per 1,000 messages"
    )


def main(rounds: int = 6, messages: int = 2000) -> None:
    with open_folder() as folder:
        with_milter = free_port()
        milter = MilterProcess(folder, f"unix:{folder}/milter.sock", "milter: {socket_group: postfix}\n")
        postfix = Postfix(folder, 9, MAIN_CF)
        postfix.also_listen(with_milter, f"smtpd_milters=unix:{folder}/milter.sock")
        with milter.running("--quiet"), postfix.running():
            assert milter.process is not None
            for port in (postfix.port, with_milter):
                rate(port, 200)
            print("one message a connection, messages/s:")
            measure(postfix, with_milter, milter.process.pid, rounds, messages)
            print("many messages a connection, messages/s:")
            measure(postfix, with_milter, milter.process.pid, rounds, messages, "-d")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

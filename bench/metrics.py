"""What the metrics cost: a message counted, by plain dictionaries; an exposition written.

    python bench/metrics.py [repetitions]

Each figure is the best of several runs, on one core.
"""

import sys
from datetime import UTC, datetime
from ipaddress import ip_address
from time import process_time
from timeit import repeat

from relay.channels import Channel, ChannelBook
from relay.events import Judged, PathOutcome, TransactionEnded
from relay.judge import judge
from relay.mail.address import mailbox
from relay.mail.envelope import Client, ForwardPath, Known, ReversePath
from relay.mail.outcome import Delivered
from relay.mail.reply import Reply
from relay.mail.view import make_view
from relay.metrics import Metrics

CLIENT = Client(ip_address("198.51.100.7"), "out1.crm.example")
REPLY = Reply(250, "2.0.0", "Ok")


def events(channels: int) -> list[TransactionEnded]:
    """Return a closed message of each of so many channels, the first of them the busiest by far."""
    book = ChannelBook([Channel(f"c{n}", mailbox(f"c{n}", "shop.example")) for n in range(channels)])
    made = []
    for number in range(channels):
        head = f"From: c{number}@shop.example\r\nTo: anna@mail.example\r\n\r\n".encode()
        view = make_view(head, (), CLIENT, Known())
        verdict = judge(view, book)
        path = ForwardPath("in@desk.example", mailbox("in", "desk.example"))
        made.append(
            TransactionEnded(
                queue_id="1",
                client=CLIENT,
                reverse_path=ReversePath("bounce@crm.example"),
                forward_paths=1,
                size=4096,
                judged=Judged(view, verdict, "1"),
                next_hop="smtp://127.0.0.1:2526",
                reply=REPLY,
                seconds=0.02,
                at=datetime.now(UTC),
                outcomes=(PathOutcome(path, Delivered(REPLY, "127.0.0.1")),),
                waited=0.01,
            )
        )
    return made


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    for channels in (1, 1_000, 10_000):
        metrics = Metrics("bench", lambda: datetime.now(UTC))
        made = events(channels)

        def count(metrics: Metrics = metrics, made: list[TransactionEnded] = made) -> None:
            observe = metrics.observe
            for event in made:
                observe(event)

        times = max(1, number // channels)
        best = min(repeat(count, number=times, repeat=9, timer=process_time)) / times / channels
        exposed = min(repeat(metrics.exposed, number=10, repeat=5, timer=process_time)) / 10
        print(
            f"{channels:>7,} channels: {best * 1e9:6.0f} ns a message, {exposed * 1e3:5.1f} ms an exposition "
            f"of {len(metrics.exposed().splitlines())} lines"
        )


if __name__ == "__main__":
    main()

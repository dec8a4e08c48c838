"""Events to be counted, and the text for Prometheus read again."""

from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from relay.channels import Channel, ChannelBook
from relay.events import ForwardPathRefused, Judged, PathOutcome, TransactionEnded
from relay.judge import judge
from relay.mail.address import mailbox
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.outcome import Delivered, Outcome
from relay.mail.reply import Reply
from relay.metrics import Metrics
from tests.samples import OUTSIDE, box, view

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OK = Reply(250, "2.0.0", "Ok")
TAKEN = Delivered(OK, "desk.example")
CLIENT = Client(OUTSIDE, "crm.example")
PREFIX = "helpdesk_relay_"


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time

    def go(self, **by: float) -> None:
        self.time += timedelta(**by)


def metrics() -> Metrics:
    return Metrics("1.2.3", Clock())


def numbers(found: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample of the exposition."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(found.exposed().decode())
        for sample in family.samples
    }


def number(found: Metrics, name: str, **labels: str) -> float | None:
    """One sample; None if there is none."""
    return numbers(found).get((PREFIX + name, frozenset(labels.items())))


def path(text: str = "in@desk.example") -> ForwardPath:
    return ForwardPath(text, box(text))


def ended(
    judged: Judged | None = None,
    *outcomes: Outcome | None,
    next_hop: str = "smtp://desk.example:25",
    reply: Reply = OK,
    accepted: int | None = None,
    waited: float | None = 0.02,
    size: int = 100,
) -> TransactionEnded:
    """A mail transaction, by default one forward-path that the next hop took."""
    what = outcomes or (TAKEN,)
    return TransactionEnded(
        queue_id="1",
        client=CLIENT,
        reverse_path=ReversePath("bounce@crm.example"),
        forward_paths=len(what) if accepted is None else accepted,
        size=size,
        judged=judged,
        next_hop=next_hop,
        reply=reply,
        seconds=1.0,
        at=NOW,
        outcomes=tuple(PathOutcome(path(), outcome) for outcome in what),
        waited=waited,
    )


def judged(*fields: str, by: ChannelBook) -> Judged:
    seen = view(*fields)
    return Judged(seen, judge(seen, by), "1")


def refused(enhanced: str, code: int = 550) -> ForwardPathRefused:
    return ForwardPathRefused("1", CLIENT, ReversePath(""), "a@b.example", Reply(code, enhanced, "no"))


def channels(count: int) -> ChannelBook:
    """A book of channels c0, c1, ..."""
    return ChannelBook([Channel(f"c{n}", mailbox(f"c{n}", "shop.example")) for n in range(count)])


def copies_of(count: int) -> list[TransactionEnded]:
    """An outbound copy of each of so many channels."""
    book = channels(count)
    return [ended(judged(f"From: c{n}@shop.example", "To: anna@x.example", by=book)) for n in range(count)]

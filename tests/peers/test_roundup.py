"""Through the relay and Postfix into a real Roundup tracker, which is then looked into."""

import itertools
import smtplib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.live import Process, channels, free_port
from tests.peers.postfix import Postfix, open_folder
from tests.peers.roundup import Roundup

pytestmark = pytest.mark.peers

TO_ROUNDUP = "transport_maps = inline:{ support@company.com=roundup:, in@relay.company.net=roundup: }"
STAMPED = "X-Ticket-Status: auto-closed"

_numbers = itertools.count(1)


@dataclass
class Stand:
    """A tracker behind Postfix, and the relay in front of it."""

    tracker: Roundup
    postfix: Postfix
    relay: int
    delivered: int = field(default=0)

    def status_of(self, port: int, author: str, *fields: str) -> str:
        """Send a message to ``port``, see it through to the tracker, and return the status of its issue."""
        title = f"message {next(_numbers)}"
        rows = [*fields, f"From: {author}", "To: anna@customer.example", f"Subject: {title}", "", "Hello", ""]
        with smtplib.SMTP("127.0.0.1", port, "client.example", timeout=60) as client:
            client.sendmail("bounce@client.example", ["in@relay.company.net"], "\n".join(rows))
        self.delivered += 1
        self.postfix.waits_to_have_sent(self.delivered)
        return self.tracker.status_of(title)


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with open_folder() as folder, open_folder() as etc:
        tracker, relay = Roundup(folder), free_port()
        tracker.set_up()
        postfix = Postfix(etc, free_port(), TO_ROUNDUP)
        postfix.also_deliver("roundup", tracker.mailgate)
        (etc / "relay").mkdir()
        with (
            postfix.running(),
            Process(etc / "relay", channels(relay, postfix.port)).running(relay),
        ):
            yield Stand(tracker, postfix, relay)


def test_a_customers_message_becomes_an_unread_issue(stand: Stand):
    assert stand.status_of(stand.relay, "anna@customer.example") == "unread"


def test_an_outbound_copy_becomes_a_resolved_issue(stand: Stand):
    assert stand.status_of(stand.relay, "support@company.com") == "resolved"


def test_a_forged_status_would_resolve_an_issue_and_does_nothing_behind_the_relay(stand: Stand):
    assert stand.status_of(stand.postfix.port, "mallory@bad.example", STAMPED) == "resolved"
    assert stand.status_of(stand.relay, "mallory@bad.example", STAMPED) == "unread"

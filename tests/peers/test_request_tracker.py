"""From a customer, a CRM or a stranger through the relay and Postfix into a real Request Tracker, which is then looked into."""

import itertools
import smtplib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.live import Process, free_port
from tests.peers.postfix import Postfix, open_folder
from tests.peers.request_tracker import RequestTracker, Ticket

pytestmark = pytest.mark.peers

CHANNELS = """\
version: 1
hostname: relay.company.com
state: {state}
channels:
  support: {{address: support@company.com, inbound: [in@relay.company.net]}}
log: {{format: json}}
"""
BY_SMTP = """\
listen: {{smtp: [{{address: "127.0.0.1:{port}"}}]}}
deliver: {{helpdesk: "smtp://127.0.0.1:{helpdesk}"}}
stamp: {{preset: rt}}
"""
BY_MILTER = """\
listen: {{milter: ["unix:{socket}"]}}
milter: {{socket_group: postfix}}
stamp: {{preset: rt, auto-closed: {{X-Ticket-Status: read-the-command}}}}
"""
"""A value that the scrip does not know, so that X-RT-Command alone can have resolved a ticket."""
TO_RT = "transport_maps = inline:{ support@company.com=rt:, in@relay.company.net=rt: }"
CUSTOMER = "Anna Berg <anna@customer.example>"
CHANNEL = "Company Support <support@company.com>"
FORGED = ["X-Ticket-Status: auto-closed", "X-RT-Command: Status: resolved", "x-ticket-status :\n auto-closed"]

_numbers = itertools.count(1)


@dataclass
class Stand:
    """Request Tracker behind Postfix; the relay in front of it, beside it, or neither."""

    rt: RequestTracker
    postfix: Postfix
    relay: int
    with_milter: int
    delivered: int = field(default=0)

    def send(self, port: int, author: str, *fields: str, subject: str = "", body: str = "Hello") -> str:
        """Send a message to ``port``, see it through to RT, and return its subject."""
        subject = subject or f"message {next(_numbers)}"
        to = "support@company.com" if author == CUSTOMER else "anna@customer.example"
        rows = [*fields, f"From: {author}", f"To: {to}", f"Subject: {subject}", "", body, ""]
        path = "support@company.com" if author == CUSTOMER else "in@relay.company.net"
        with smtplib.SMTP("127.0.0.1", port, "client.example", timeout=60) as client:
            client.sendmail("bounce@client.example", [path], "\n".join(rows))
        self.delivered += 1
        self.postfix.waits_to_have_sent(self.delivered)
        return subject

    def ticket_of(self, port: int, author: str, *fields: str, body: str = "Hello") -> Ticket:
        return self.rt.ticket(self.send(port, author, *fields, body=body))

    def sent_to(self, address: str) -> int:
        """How many messages RT sent to somebody."""
        return sum(f"\nTo: {address}\n" in f"\n{message}" for message in self.rt.sent())


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with open_folder() as folder, open_folder() as etc:
        rt, relay, with_milter = RequestTracker(folder), free_port(), free_port()
        rt.set_up()
        postfix = Postfix(etc, free_port(), TO_RT)
        postfix.also_deliver("rt", rt.mailgate)
        postfix.also_listen(
            with_milter, f"smtpd_milters=unix:{etc}/milter.sock", "milter_default_action=tempfail"
        )
        by_smtp = BY_SMTP.format(port=relay, helpdesk=postfix.port)
        in_front = process(etc / "in-front", by_smtp)
        beside = process(etc / "beside", BY_MILTER.format(socket=etc / "milter.sock"))
        with rt.running(), postfix.running(), in_front.running(relay):
            beside.start()
            try:
                beside.waits_to_say('"event": "serving"')
                yield Stand(rt, postfix, relay, with_milter)
            finally:
                beside.stop()


def process(folder: Path, more: str) -> Process:
    folder.mkdir()
    return Process(folder, CHANNELS.format(state=folder / "state") + more)


def test_a_customers_message_becomes_a_new_ticket_and_is_answered(stand: Stand):
    before = stand.sent_to("anna@customer.example")
    ticket = stand.ticket_of(stand.relay, CUSTOMER)
    assert (ticket.status, ticket.closed_because, ticket.comments) == ("new", "", [])
    assert stand.sent_to("anna@customer.example") == before + 1


def test_an_outbound_copy_becomes_a_resolved_ticket_that_says_why(stand: Stand):
    ticket = stand.ticket_of(stand.relay, CHANNEL)
    assert ticket.status == "resolved"
    assert ticket.closed_because.startswith("outbound-copy; channel=support; id=")
    assert ticket.comments == [f"Auto-closed: {ticket.closed_because}"]
    assert f"X-Ticket-Reason: {ticket.closed_because}" in stand.rt.header_of(ticket.number)


def test_the_channel_is_not_answered_when_its_copy_is_resolved(stand: Stand):
    before = stand.sent_to("support@company.com")
    stand.send(stand.relay, CHANNEL)
    assert stand.sent_to("support@company.com") == before


def test_without_the_stamp_the_author_would_be_answered_even_if_it_is_a_channel(stand: Stand):
    stand.send(stand.postfix.port, "orders@company.com")
    assert stand.sent_to("orders@company.com") == 1


def test_what_stays_open_is_not_answered_where_rt_address_regexp_knows_the_channel(stand: Stand):
    subject = stand.send(stand.postfix.port, "sales@company.com")
    assert stand.rt.ticket(subject).status == "new"
    assert stand.sent_to("sales@company.com") == 0


@pytest.mark.parametrize("forged", FORGED)
def test_what_a_stranger_forges_would_resolve_his_ticket_and_does_nothing_behind_the_relay(
    stand: Stand, forged: str
):
    if " :" not in forged:  # RT's own reader takes no blank before the colon
        assert stand.ticket_of(stand.postfix.port, CUSTOMER, forged).status == "resolved"
    for port in (stand.relay, stand.with_milter):
        ticket = stand.ticket_of(port, CUSTOMER, forged)
        assert (ticket.status, ticket.comments) == ("new", [])


def test_beside_postfix_a_customer_opens_a_ticket_and_a_copy_is_resolved_by_the_command_of_the_preset(
    stand: Stand,
):
    assert stand.ticket_of(stand.with_milter, CUSTOMER).status == "new"
    ticket = stand.ticket_of(stand.with_milter, CHANNEL)
    assert (ticket.status, ticket.comments) == ("resolved", [])
    assert "X-Ticket-Reason: outbound-copy" in stand.rt.header_of(ticket.number)


def test_a_copy_leaves_a_resolved_ticket_resolved_and_a_customers_answer_opens_it_again(stand: Stand):
    first = stand.send(stand.relay, CHANNEL)
    number = stand.rt.ticket(first).number
    stand.send(stand.relay, CHANNEL, subject=f"[rt.test #{number}] once more")
    assert stand.rt.ticket(first).status == "resolved"
    stand.send(stand.relay, CUSTOMER, subject=f"[rt.test #{number}] an answer")
    assert stand.rt.ticket(first).status == "open"


def test_a_copy_that_belongs_to_an_open_ticket_leaves_it_open(stand: Stand):
    first = stand.send(stand.relay, CUSTOMER)
    stand.send(stand.relay, CHANNEL, subject=f"[rt.test #{stand.rt.ticket(first).number}] told by the CRM")
    assert stand.rt.ticket(first).status == "new"


def test_words_of_a_customer_that_look_like_a_command_do_nothing(stand: Stand):
    assert stand.ticket_of(stand.relay, CUSTOMER, body="Status: resolved\n\nDone!").status == "new"

"""What each channel can close with the book as it is (docs/rule.md)."""

from dataclasses import replace

import pytest

from relay.channels import AutoClose, BccEvidence, Channel, ChannelBook
from relay.judge.closable import can_close_what_arrives, closable
from tests.samples import CARE_CHANNEL, ORDERS_CHANNEL, book, box, judged, networks, rule

SUPPORT = Channel("support", box("support@company.com"))
HEADER = rule(bcc_evidence=frozenset({BccEvidence.HEADER}))
TRACE = rule(bcc_evidence=frozenset({BccEvidence.HEADER, BccEvidence.TRACE}))


@pytest.mark.parametrize(
    ("channel", "by", "sentence", "can"),
    [
        (
            SUPPORT,
            book(SUPPORT, ORDERS_CHANNEL),
            (
                "support has no inbound address: only copies that reach another channel can be closed; "
                "name the address your copies arrive at, or set bcc_evidence: [header]"
            ),
            False,
        ),
        (
            SUPPORT,
            book(SUPPORT),
            (
                "support has no inbound address: nothing can be closed; "
                "name the address your copies arrive at, or set bcc_evidence: [header]"
            ),
            False,
        ),
        (
            SUPPORT,
            book(SUPPORT, domains=["desk.example"]),
            (
                "support has no inbound address: only copies that reach another address of domains can be closed; "
                "name the address your copies arrive at, or set bcc_evidence: [header]"
            ),
            False,
        ),
        (
            CARE_CHANNEL,
            book(),
            "care: outbound copies that arrive at in-1@desk.example or reach another channel can be closed",
            True,
        ),
        (
            SUPPORT,
            book(SUPPORT, rule=HEADER),
            "support: outbound copies are closed wherever they arrive, blind copies to the channel itself included",
            True,
        ),
        (
            SUPPORT,
            book(SUPPORT, rule=TRACE),
            "support: outbound copies are closed wherever they arrive, blind copies to the channel itself included",
            True,
        ),
        (
            SUPPORT,
            book(SUPPORT, rule=TRACE, trusted_trace=networks("192.0.2.0/28")),
            "support: outbound copies are closed wherever they arrive, unless a trusted client's trace field names the channel",
            True,
        ),
        (
            replace(SUPPORT, auto_close=AutoClose.NEVER),
            book(replace(SUPPORT, auto_close=AutoClose.NEVER)),
            "support closes nothing (auto_close: never)",
            True,
        ),
        (
            replace(CARE_CHANNEL, auto_close=AutoClose.OBSERVE),
            book(replace(CARE_CHANNEL, auto_close=AutoClose.OBSERVE)),
            (
                "care only observes (auto_close: observe); switched on: "
                "outbound copies that arrive at in-1@desk.example or reach another channel can be closed"
            ),
            True,
        ),
    ],
)
def test_each_channel_says_what_it_can_close(
    channel: Channel, by: ChannelBook, sentence: str, can: bool
) -> None:
    assert (closable(channel, by), can_close_what_arrives(channel, by)) == (sentence, can)


@pytest.mark.parametrize(
    ("by", "rcpt_to", "closed"),
    [
        (book(SUPPORT, ORDERS_CHANNEL), "support@company.com", False),
        (book(SUPPORT, ORDERS_CHANNEL), "orders@shop.example", True),
        (book(SUPPORT, domains=["desk.example"]), "any@desk.example", True),
        (book(SUPPORT, rule=HEADER), "support@company.com", True),
        (book(replace(SUPPORT, inbound=(box("in@desk.example"),))), "in@desk.example", True),
        (book(replace(SUPPORT, inbound=(box("in@desk.example"),))), "support@company.com", False),
    ],
)
def test_what_is_said_is_what_is_judged(by: ChannelBook, rcpt_to: str, closed: bool) -> None:
    verdict = judged("From: support@company.com", "To: anna@mail.example", by=by, rcpt_to=[rcpt_to])
    assert verdict.auto_closed is closed

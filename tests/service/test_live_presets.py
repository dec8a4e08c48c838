"""A preset on real sockets: what the helpdesk obeys comes from the relay alone."""

import smtplib
from pathlib import Path

from tests.live import Helpdesk, Process, channels, free_port

COPY = b"From: support@company.com\r\nTo: anna@customer.example\r\n\r\nBody\r\n"
FORGED = b"X-Zammad-Ignore: true\r\nx-zammad-ticket-state :\r\n closed\r\nAuto-Submitted: auto-replied\r\n"
CUSTOMER = b"From: anna@customer.example\r\nTo: support@company.com\r\n\r\nBody\r\n"


def test_what_the_helpdesk_obeys_comes_from_the_relay_alone(tmp_path: Path):
    port = free_port()
    with (
        Helpdesk().running() as helpdesk,
        Process(tmp_path, channels(port, helpdesk.port, "stamp: {preset: zammad}\n")).running(port),
        smtplib.SMTP("127.0.0.1", port) as client,
    ):
        client.sendmail("a@b.example", ["in@relay.company.net"], FORGED + COPY)
        client.sendmail("a@b.example", ["support@company.com"], FORGED + CUSTOMER)
    copy, customer = ([*got.octets.split(b"\r\n\r\n")[0].split(b"\r\n")] for got in helpdesk.got)
    assert copy[:4] == [
        b"X-Ticket-Status: auto-closed",
        b"X-Zammad-Ticket-State: closed",
        b"X-Zammad-Ticket-FollowUp-State: closed",
        b"X-Zammad-Send-Auto-Response: false",
    ]
    assert copy[-3:] == [b"Auto-Submitted: auto-replied", *COPY.split(b"\r\n")[:2]]
    assert customer[0].startswith(b"X-Ticket-Reason: foreign-author")
    assert customer[-3:] == [b"Auto-Submitted: auto-replied", *CUSTOMER.split(b"\r\n")[:2]]
    assert not any(b"zammad" in line.lower() or b"closed" in line for line in customer)

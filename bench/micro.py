"""What a verdict costs: header reader, view, verdict, stamp, content reader and milter on an ordinary message.

    python bench/micro.py [repetitions]

Each figure is the best of several runs, in microseconds for one message, on one core.
"""

import re
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from timeit import repeat

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from relay.channels import Channel, ChannelBook, Networks, Platform
from relay.intake.content import ContentReader
from relay.judge import judge
from relay.mail.address import mailbox
from relay.mail.envelope import Client
from relay.mail.fields import edited, read_header
from relay.mail.view import make_view
from relay.milter.judging import judge_message
from relay.milter.packets import Command
from relay.milter.session import Session
from relay.milter.terms import Decision, Message, Terms
from relay.settings.words import Mixed
from relay.stamp import stamp, stamp_rules
from tests.milter import mta

HOP = (
    "Received: from out{0}.crm.example (out{0}.crm.example [198.51.100.{0}])\r\n"
    "\tby mx{0}.example with ESMTPS id 4a{0}b7c (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384);\r\n"
    "\tMon, 5 Jan 2026 10:00:0{0} +0000\r\n"
)
HEAD = (
    "Return-Path: <bounce-1234567@crm.example>\r\n"
    + "".join(HOP.format(number) for number in (3, 2, 1))
    + "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=shop.example; s=crm1;\r\n"
    "\th=from:to:subject:date:message-id:mime-version:content-type:list-unsubscribe;\r\n"
    "\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n"
    + "".join(f"\tb{'=' * (number == 0)}{'Zm9vYmFyYmF6' * 5}\r\n" for number in range(5))
    + "Date: Mon, 5 Jan 2026 10:00:00 +0000\r\n"
    "From: =?utf-8?q?Shop_K=C3=A4rnten?= <care@shop.example>\r\n"
    'To: Anna Berg <anna.berg@mail.example>,\r\n "Carl, D." <carl@mail.example>,\r\n eva@other.example\r\n'
    "Cc: Fred <fred@mail.example>\r\n"
    "Reply-To: care@shop.example\r\n"
    "Message-ID: <0100018d1b2c3d4e@crm.example>\r\n"
    "Subject: =?utf-8?q?Ihre_Bestellung_4711?=\r\n"
    "MIME-Version: 1.0\r\n"
    'Content-Type: multipart/alternative; boundary="----=_Part_1_2.3"\r\n'
    "List-Unsubscribe: <https://crm.example/u/1234567890abcdef>, <mailto:u@crm.example>\r\n"
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    "Feedback-ID: 1:2:3:crm\r\n"
    "X-Mailer: CRM 9.4\r\n"
    "X-Campaign: 4711\r\n"
    "X-Priority: 3\r\n"
    "Auto-Submitted: auto-generated\r\n"
    "Precedence: bulk\r\n"
    "Organization: Shop\r\n"
    "X-Entity-Ref: 4a1b7c\r\n"
    "\r\n"
).encode()
MESSAGE = HEAD + b"Guten Tag, Ihre Bestellung ist unterwegs.\r\n" * ((5 * 1024 - len(HEAD)) // 43)
CLIENT = Client(ip_address("198.51.100.7"), "out1.crm.example")
PATHS = (mailbox("in-1", "desk.example"),)
RULES = stamp_rules()
CHUNK = 64 * 1024
END = b".\r\n"


def book(channels: int) -> ChannelBook:
    """Return a book of so many channels, care the last of them."""
    others = [Channel(f"c{n}", mailbox(f"c{n}", "shop.example")) for n in range(channels - 1)]
    care = Channel("care", mailbox("care", "shop.example"), inbound=PATHS)
    platform = Platform(Networks([ip_network("10.9.0.0/24")]), frozenset({"platform"}))
    return ChannelBook([*others, care], platform=platform)


def microseconds(act: Callable[[], object], number: int) -> float:
    return min(repeat(act, number=number, repeat=7)) / number * 1e6


def read_content(octets: bytes) -> bytes:
    """Read data as it comes from a socket."""
    reader = ContentReader(normalise=False)
    return b"".join([reader.feed(octets[at : at + CHUNK]) for at in range(0, len(octets), CHUNK)])


def milter_message(by: ChannelBook) -> Callable[[], object]:
    """Return an act: one message on a connection with an MTA, as octets, judged and stamped."""

    def decide(message: Message) -> Decision:
        return judge_message(message, by, RULES, Mixed.STATUS_ONLY).decision

    terms = Terms(decide, RULES.for_the_helpdesk)
    session = Session(lambda: terms)
    mta.say(session, mta.BEGINNING)
    rows = re.findall(rb"^([^:\r\n]+):((?:[^\r]|\r\n[ \t])*)\r\n", HEAD, re.MULTILINE)
    octets = b"".join(
        [
            mta.macros(Command.MAIL, i="", auth_authen=""),
            mta.texts(Command.MAIL, "<bounce-1234567@crm.example>", "SIZE=5120"),
            mta.macros(Command.RCPT, i="4a1b7c", rcpt_mailer="relay"),
            mta.texts(Command.RCPT, "<in-1@desk.example>"),
            mta.fields((name, value.replace(b"\r\n", b"\n")) for name, value in rows),
            mta.macros(Command.BODYEOB, i="4a1b7c"),
            mta.said_as(Command.BODYEOB),
        ]
    )
    assert b"auto-closed" in mta.say(session, octets)
    return lambda: mta.say(session, octets)


def measure(number: int, books: tuple[int, ...]) -> Iterator[tuple[str, float]]:
    """Yield names and microseconds."""
    view = make_view(MESSAGE, PATHS, CLIENT, limit=1024 * 1024)
    big = MESSAGE * 200
    yield "header reader", microseconds(lambda: read_header(HEAD), number)
    yield "view", microseconds(lambda: make_view(HEAD, PATHS, CLIENT, limit=1 << 20), number)
    yield (
        f"content reader, {len(MESSAGE) >> 10} KB",
        microseconds(lambda: read_content(MESSAGE + END), number),
    )
    yield "content reader, 1 MB", microseconds(lambda: read_content(big + END), max(1, number // 200))
    for channels in books:
        by = book(channels)
        verdict = judge(view, by)
        assert verdict.auto_closed
        edit = stamp(verdict, RULES, "4a1b7c")
        acts: dict[str, Callable[[], object]] = {
            "verdict": lambda: judge(view, by),  # noqa: B023 - called at once
            "view and verdict": lambda: judge(make_view(HEAD, PATHS, CLIENT, limit=1 << 20), by),  # noqa: B023
            "stamp": lambda: stamp(verdict, RULES, "4a1b7c"),  # noqa: B023
            "view, verdict and stamp": lambda: stamp(
                judge(make_view(HEAD, PATHS, CLIENT, limit=1 << 20), by),  # noqa: B023
                RULES,
                "4a1b7c",
            ),
            "edits applied": lambda: edited(HEAD, edit),  # noqa: B023
            "milter message": milter_message(by),
        }
        for name, act in acts.items():
            yield f"{name}, {channels:,} channels", microseconds(act, number)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    fields = len(read_header(MESSAGE).rows)
    print(f"a message of {len(MESSAGE)} octets, {fields} fields in {len(HEAD)} octets of header section")
    for name, found in measure(number, (1, 1_000, 100_000)):
        print(f"{name:<44}{found:8.1f} µs", flush=True)


if __name__ == "__main__":
    main()

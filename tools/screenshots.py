"""Make the pictures in docs/images from the real pages: two relays, a journal of two weeks, a headless Chromium.

Needs Debian's package chromium, as ``make test-peers`` installs it.  ``python tools/screenshots.py [FOLDER]``
"""

import asyncio
import contextlib
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

from relay.channels import ChannelBook
from relay.events import Judged, PathOutcome, TransactionEnded
from relay.journal.entry import Entry, entry_of
from relay.journal.store import Journal
from relay.judge import judge
from relay.mail.address import parse_mailbox
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.outcome import Delivered
from relay.mail.reply import Reply
from relay.mail.view import make_view
from relay.passwords import hash_password
from relay.service.journal import journal_place
from relay.settings.parse import read_settings

TOP = Path(__file__).resolve().parent.parent
WIDE: ViewportSize = {"width": 900, "height": 640}
PASSWORD = "only for these pictures"
CHANNELS = """\
version: 1
channels:
  support: {{address: support@company.com, also: [help@company.com], inbound: [in-7f3@relay.company.net]}}
  orders: {{address: orders@company.com, inbound: [in-92c@relay.company.net]}}
  sales: {{address: sales@company.com, inbound: [in-11a@relay.company.net], auto_close: observe}}
inside: [company.com]
listen: {{smtp: [{{address: "127.0.0.1:{smtp}"}}], web: "127.0.0.1:{web}"}}
users: {{ops: {{password: "{password}", may: [read, operate]}}}}
deliver: {{helpdesk: {helpdesk}}}
journal: {{keep_subject: true}}
"""
COPY = """\
From: Company Support <{author}>
To: {to}
Subject: Your order {number} is on its way
Message-ID: <{number}@crm.example>
X-Mailer: Example CRM 9.2

"""
FORM = """\
From: Web form <{author}>
To: support@company.com
Reply-To: {to}
Subject: Web form: where is order {number}?
Message-ID: <form-{number}@www.company.com>

"""
CUSTOMER = """\
From: {to}
To: {author}
Subject: Question about order {number}
Message-ID: <{number}@mail.example>

"""


class Made:
    """Entries as two weeks of mail leave them."""

    def __init__(self, book: ChannelBook) -> None:
        self._book = book
        self._number = 40170

    def entry(
        self, kind: str, author: str, inbound: str, at: datetime, client: str = "198.51.100.7"
    ) -> Entry:
        """Return the entry of one message that arrived for ``inbound``."""
        self._number += 1
        customer = f"customer{self._number % 37}@mail.example"
        text = kind.format(author=author, to=customer, number=self._number)
        path = parse_mailbox(inbound)
        assert path is not None
        asked = Client(ip_address(client), "crm.example")
        view = make_view(text.encode(), [path], asked)
        reply = Reply(250, "2.0.0", f"Ok: queued as {self._number:X}")
        outcome = PathOutcome(ForwardPath(inbound, path), Delivered(reply, "smtp://desk.internal:25"))
        event = TransactionEnded(
            queue_id=f"69A4{self._number:X}-{self._number % 7 + 1}",
            client=asked,
            reverse_path=ReversePath("bounce@crm.example", parse_mailbox("bounce@crm.example")),
            forward_paths=1,
            size=2345 + self._number % 5000,
            judged=Judged(view, judge(view, self._book), f"69A4{self._number:X}-{self._number % 7 + 1}"),
            next_hop="smtp://desk.internal:25",
            reply=reply,
            seconds=0.043,
            at=at,
            outcomes=(outcome,),
        )
        made = entry_of(event, keep_subject=True)
        assert made is not None
        return made

    def fortnight(self, now: datetime) -> Iterator[Entry]:
        """Yield the entries of two weeks: many copies, more customers, a few doubtful ones."""
        for back in range(14, 0, -1):
            day = now - timedelta(days=back, hours=1)
            busy = 1 if day.weekday() < 5 else 4
            for number in range(0, 37 + back % 5, busy):
                at = day + timedelta(minutes=7 * number)
                if number % 2:
                    yield self.entry(CUSTOMER, "support@company.com", "support@company.com", at)
                if number % 3 == 0:
                    yield self.entry(COPY, "support@company.com", "in-7f3@relay.company.net", at)
                if number % 4 == 0:
                    yield self.entry(COPY, "orders@company.com", "in-92c@relay.company.net", at)
                if number % 9 == 0:
                    yield self.entry(COPY, "sales@company.com", "in-11a@relay.company.net", at)
            yield self.entry(FORM, "orders@company.com", "in-7f3@relay.company.net", day)
        yield self.entry(FORM, "sales@company.com", "in-7f3@relay.company.net", now - timedelta(hours=3))


@contextlib.contextmanager
def relay(folder: Path, helpdesk: str, *, with_journal: bool) -> Iterator[tuple[int, int]]:
    """Run a relay; give the ports of SMTP and of the page."""
    smtp, web = free_port(), free_port()
    file = folder / "channels.yaml"
    file.write_text(CHANNELS.format(smtp=smtp, web=web, helpdesk=helpdesk, password=hash_password(PASSWORD)))
    if with_journal:
        with ThreadPoolExecutor(1) as beside:  # the browser's driver has the loop of this thread
            beside.submit(lambda: asyncio.run(fill(file))).result()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "relay", "--config", file, "serve"], cwd=TOP, stderr=log
        )
    try:
        wait_for(web)
        wait_for(smtp)
        yield smtp, web
    finally:
        process.terminate()
        process.wait()


async def fill(file: Path) -> None:
    """Put two weeks into the journal that a relay with this channels.yaml keeps."""
    settings = read_settings(file, {})
    book = settings.book()
    journal = await Journal.open(journal_place(settings))
    entries = list(Made(book).fortnight(datetime.now().astimezone()))
    await journal.add([(entry, book) for entry in entries])
    await journal.close()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Return once somebody listens."""
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise SystemExit("the relay does not start")


def send(port: int, *samples: tuple[str, str, str]) -> None:
    """Send samples: file, reverse-path, forward-path."""
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        for name, reverse_path, forward_path in samples:
            octets = (TOP / "samples" / f"{name}.eml").read_bytes()
            client.sendmail(reverse_path, [forward_path], octets)


def pictures(page: Page, web: int, folder: Path) -> None:
    """Take the pictures of a relay with a journal."""
    start = f"http://127.0.0.1:{web}"

    def take(name: str, height: int | None = None) -> None:
        part = {"x": 0, "y": 0, "width": 900, "height": height} if height is not None else None
        page.screenshot(path=folder / f"{name}.png", full_page=height is not None, clip=part)

    page.goto(f"{start}/overview")
    take("overview", 1900)
    page.goto(f"{start}/search?q=8812@crm.example")
    while not page.locator(".entries a").count():  # the journal is written a moment later
        page.wait_for_timeout(200)
        page.reload()
    take("search")
    page.click(".entries a")
    take("decision-en", 1120)
    page.goto(f"{page.url}?lang=de")
    take("decision-de", 1120)
    page.set_viewport_size({"width": 360, "height": 800})
    take("decision-narrow")
    page.set_viewport_size(WIDE)
    page.goto(f"{start}/try?lang=en")
    page.fill("[name=message]", (TOP / "samples" / "crm-copy.eml").read_text())
    page.fill("[name=rcpt_to]", "in-7f3@relay.company.net")
    page.click("form.try button")
    take("try", 1000)
    page.goto(f"{start}/login?next=/queue")
    page.fill("[name=name]", "ops")
    page.fill("[name=password]", PASSWORD)
    page.click("form.login button")
    take("queue")


def main(folder: Path) -> int:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, contextlib.ExitStack() as stack:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport=WIDE, locale="en")
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        smtp, web = stack.enter_context(relay(place, f"smtp://127.0.0.1:{free_port()}", with_journal=True))
        send(
            smtp,
            ("customer", "anna@customer.example", "support@company.com"),
            ("crm-copy", "support@company.com", "in-7f3@relay.company.net"),
        )
        pictures(page, web, folder)
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        smtp, web = stack.enter_context(relay(place, "sandbox", with_journal=False))
        send(
            smtp,
            ("customer", "anna@customer.example", "support@company.com"),
            ("crm-copy", "support@company.com", "in-7f3@relay.company.net"),
            ("sent-to-itself", "support@company.com", "in-7f3@relay.company.net"),
        )
        page.goto(f"http://127.0.0.1:{web}/")
        page.screenshot(path=folder / "sandbox.png")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else TOP / "docs" / "images"))

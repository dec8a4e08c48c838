"""Sources for the web as a relay would hand them in, with what a test wants changed; and a browser in process."""

import base64
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from relay.journal.entry import Entry, entry_of
from relay.journal.store import Journal
from relay.judge import judge
from relay.mail.envelope import Client, Known, Source
from relay.mail.view import make_view
from relay.passwords import hash_password
from relay.sandbox.inbox import SandboxInbox
from relay.service.stamping import stamp_rules_of
from relay.settings.model import Settings
from relay.settings.parse import parse_settings
from relay.stamp import stamp
from relay.web.sources import Reopened, Sources, Trial, Tried
from tests.journal.entries import event

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
KEY = b"k" * 32
PASSWORDS = {
    "reader": "reads a lot",
    "operator": "turns wheels",
    "both": "does it all",
    "tool": "only sends",
}
MAY = {"reader": "[read]", "operator": "[operate]", "both": "[read, operate]", "tool": "[send]"}
HERE, ELSEWHERE = "127.0.0.1:8025", "192.0.2.7:8025"
CHANNELS = """\
version: 1
channels:
  support: {address: support@company.com, inbound: [in-7f3@relay.company.net]}
  orders: {address: orders@company.com, inbound: [in-92c@relay.company.net], when_in_doubt: open, auto_close: observe}
  sales: {address: sales@company.com, inbound: [in-11a@relay.company.net], auto_close: observe}
inside: [company.com]
deliver: {helpdesk: "smtp://desk.internal:25"}
"""


@cache
def hashed(name: str) -> str:
    """A password's hash, made once: it takes its time on purpose."""
    return hash_password(PASSWORDS[name])


def settings(more: str = "", web: str = HERE) -> Settings:
    """Settings with all four users, the web page on ``web``, and ``more`` lines of channels.yaml."""
    users = "".join(f"  {name}: {{password: '{hashed(name)}', may: {MAY[name]}}}\n" for name in PASSWORDS)
    text = f'{CHANNELS}listen: {{smtp: [], web: "{web}"}}\nusers:\n{users}{more}'
    return parse_settings(text, "channels.yaml", Path("/nowhere"), {})


def try_it(settings: Callable[[], Settings]) -> Callable[[Trial], Awaitable[Tried]]:
    """Judge as a relay does, everything that was not said being unknown."""

    async def judged(trial: Trial) -> Tried:
        known = Known(
            Source.GIVEN if trial.forward_paths else Source.UNKNOWN,
            Source.GIVEN if trial.address else Source.UNKNOWN,
        )
        client = Client(trial.address, user=trial.user)
        view = make_view(trial.octets, trial.forward_paths, client, known)
        verdict = judge(view, settings().book())
        return Tried(verdict, tuple(stamp(verdict, stamp_rules_of(settings())).lines))

    return judged


def sources(force: Settings | None = None, **changes: Any) -> Sources:
    """Sources of a relay with these settings; ``changes`` replace attributes, values being handed out as they are."""
    in_force = force if force is not None else settings()

    async def reopen(ref: str, who: str) -> Reopened:
        return Reopened.NO_ENTRY

    made = Sources(
        settings=lambda: in_force,
        book=in_force.book,
        journal=lambda: None,
        spool=lambda: None,
        inbox=lambda: None,
        judge=try_it(lambda: in_force),
        stamp=lambda: stamp_rules_of(in_force, KEY),
        reopen=reopen,
        metrics=lambda: b"# HELP relay_up Whether it runs.\n",
        ready=lambda: True,
        key=KEY,
    )
    wrapped = {"journal": Journal, "inbox": SandboxInbox}
    for name, kind in wrapped.items():
        if isinstance(changes.get(name), kind):
            changes[name] = lambda value=changes[name]: value
    return replace(made, **changes)


def browser(app: ASGIApp, host: str = HERE, peer: str = "127.0.0.1", **options: Any) -> httpx.AsyncClient:
    """A client that keeps cookies and does not follow redirections; ``host`` is where it finds us."""
    transport = httpx.ASGITransport(app, client=(peer, 50_000))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}", **options)


def basic(name: str, password: str | None = None) -> dict[str, str]:
    """The header field of HTTP Basic."""
    token = f"{name}:{PASSWORDS.get(name, '') if password is None else password}".encode()
    return {"authorization": f"Basic {base64.b64encode(token).decode()}"}


def entry(*fields: str | bytes, force: Settings | None = None, **more: Any) -> Entry:
    """An entry as the relay makes it of a message with ``fields``, judged by the book of ``settings()``."""
    book = (force or settings()).book()
    kept = entry_of(event(*fields, book=book, **more), keep_subject=True)
    assert kept is not None
    return kept


def copy(number: int = 1, **more: Any) -> Entry:
    """A message that was closed."""
    fields = (
        "From: Company Support <support@company.com>",
        f"To: anna{number}@mail.example",
        f"Message-ID: <copy-{number}@crm.example>",
        f"Subject: Order {number}",
        "X-Mailer: CRM 9",
    )
    return entry(*fields, **{"rcpt_to": ("in-7f3@relay.company.net",), **more})


def customer(number: int = 1, **more: Any) -> Entry:
    """A message that stayed open: somebody else wrote it."""
    fields = (
        f"From: Bob <bob{number}@mail.example>",
        "To: support@company.com",
        f"Message-ID: <ask-{number}@mail.example>",
    )
    return entry(*fields, **{"rcpt_to": ("support@company.com",), **more})


def form(**more: Any) -> Entry:
    """A message that an observing channel would have closed, although a customer may be speaking."""
    fields = (
        "From: sales@company.com",
        "To: support@company.com",
        "Reply-To: cleo@mail.example",
        "Message-ID: <form@www.company.com>",
    )
    return entry(*fields, **{"rcpt_to": ("in-7f3@relay.company.net",), **more})


async def keep(journal: Journal, *entries: Entry) -> None:
    """Write entries into a journal."""
    book = settings().book()
    await journal.add([(each, book) for each in entries])

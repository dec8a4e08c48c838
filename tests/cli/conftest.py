"""A channels.yaml and messages to run commands on, in a folder of their own."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from relay.cli import run
from relay.journal.entry import Entry
from relay.journal.store import Journal
from relay.service.journal import journal_place
from relay.settings.parse import read_settings
from tests.journal.entries import entry

CHANNELS = """\
version: 1
hostname: relay.company.com
channels:
  support:
    address: support@company.com
    also: [help@company.com]
    inbound: [in@relay.company.net]
platform: {networks: [192.0.2.0/28], users: [desk]}
users: {desk: {password: "$scrypt$ln=14,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", may: [send]}}
deliver: {helpdesk: "smtp://127.0.0.1:2526", mode: pass-through}
"""
COPY = b"From: Support <support@company.com>\nTo: anna@customer.example\nSubject: Hello\n\nBody\n"
CUSTOMER = b"From: anna@customer.example\nTo: support@company.com\n\nHi\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HELPDESK_RELAY_CONFIG", raising=False)
    (tmp_path / "channels.yaml").write_text(CHANNELS)
    (tmp_path / "copy.eml").write_bytes(COPY)
    (tmp_path / "customer.eml").write_bytes(CUSTOMER)
    return tmp_path


Run = Callable[..., tuple[int, str, str]]
Keep = Callable[..., None]
NOW = datetime.now(UTC)


@pytest.fixture
def relay(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in ``folder``; return exit code, stdout, stderr."""

    def go(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return go


@pytest.fixture
def keep(folder: Path) -> Keep:
    """Put entries into the journal that channels.yaml in ``folder`` names."""

    def put(*entries: Entry) -> None:
        settings = read_settings(folder / "channels.yaml", {})

        async def go() -> None:
            journal = await Journal.open(journal_place(settings))
            await journal.add([(one, settings.book()) for one in entries])
            await journal.close()

        asyncio.run(go())

    return put


def made(number: int, *fields: str, minutes: int = 0, **more: object) -> Entry:
    book = read_settings(Path("channels.yaml"), {}).book()
    return entry(
        *fields,
        f"Message-ID: <m{number}@x.example>",
        book=book,
        queue_id=f"Q{number}",
        rcpt_to=("in@relay.company.net",),
        at=NOW - timedelta(minutes=minutes),
        **more,
    )

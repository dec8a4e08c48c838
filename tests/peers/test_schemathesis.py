"""Schemathesis holds a real relay against its OpenAPI document, with requests that are right and that are not."""

import os
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from relay.passwords import hash_password
from tests.live import Process, free_port

pytestmark = pytest.mark.peers

PASSWORD = "for this test alone"
CHANNELS = """\
version: 1
channels:
  support: {{address: support@company.com, inbound: [in-7f3@relay.company.net]}}
  orders: {{address: orders@company.com, inbound: [in-92c@relay.company.net], helpdesk: "smtp://127.0.0.1:{away}"}}
inside: [company.com]
listen: {{smtp: [{{address: "127.0.0.1:{smtp}"}}], web: "127.0.0.1:{web}"}}
users: {{ops: {{password: "{password}", may: [read, operate]}}}}
deliver: {{helpdesk: sandbox}}
journal: {{keep_subject: true, keep_closed: 1d}}
log: {{format: json}}
"""


def send(port: int, to: str, *fields: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.sendmail("crm@shop.example", [to], "\r\n".join((*fields, "", "Hello")).encode())


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the API of a relay is that has decisions, a queue and an inbox."""
    smtp, web = free_port(), free_port()
    text = CHANNELS.format(smtp=smtp, web=web, away=free_port(), password=hash_password(PASSWORD))
    with Process(tmp_path_factory.mktemp("relay"), text).running(smtp):
        for number in range(5):
            send(
                smtp,
                "in-7f3@relay.company.net",
                "From: support@company.com",
                f"To: anna{number}@mail.example",
                f"Message-ID: <copy-{number}@crm.example>",
                'Subject: "><script>\x01é',
            )
            send(
                smtp,
                "orders@company.com",
                "From: bob@mail.example",
                f"Message-ID: <ask-{number}@mail.example>",
            )
        api = f"http://127.0.0.1:{web}/api/v1"
        for _ in range(400):
            if len(httpx.get(f"{api}/decisions").json()["decisions"]) == 10:
                break
            time.sleep(0.025)
        yield api


def test_schemathesis_finds_nothing_that_the_document_does_not_say(start: str, tmp_path: Path) -> None:
    """A quarter of a minute; the seed is fixed, so that a failure is a change of ours."""
    assert len(httpx.get(f"{start}/decisions").json()["decisions"]) == 10
    (tmp_path / "schemathesis.toml").write_text('[parameters]\n"query.wait" = 0\n')
    told = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{start}/openapi.json"),
            *("--auth", f"ops:{PASSWORD}", "--max-examples", "60", "--seed", "1", "--no-color"),
            *("--max-response-time", "5", "--request-timeout", "20", "--suppress-health-check", "all"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "SCHEMATHESIS_REPORT": "false"},
    )
    assert told.returncode == 0, told.stdout[-12_000:] + told.stderr[-2000:]
    assert httpx.get(f"{start}/version").status_code == 200

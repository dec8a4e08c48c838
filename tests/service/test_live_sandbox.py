"""The command ``sandbox``: takes everything, forwards nothing, shows each message with its verdict."""

import json
import smtplib
import urllib.request
from pathlib import Path

import pytest

from tests.live import Helpdesk, Process, free_port

CHANNELS = """\
version: 1
channels:
  support: {{address: support@company.com, inbound: [in@relay.company.net], helpdesk: "smtp://127.0.0.1:{desk}"}}
postmaster: it@elsewhere.example
deliver: {{helpdesk: "smtp://127.0.0.1:{desk}", reports: "smtp://127.0.0.1:{desk}", mode: spool}}
"""


def test_every_address_is_taken_nothing_is_forwarded_and_every_verdict_is_shown(tmp_path: Path):
    smtp, web = free_port(), free_port()
    with Helpdesk().running() as desk:
        arguments = ("sandbox", "--smtp", f"127.0.0.1:{smtp}", "--web", f"127.0.0.1:{web}")
        with Process(tmp_path, CHANNELS.format(desk=desk.port), *arguments).running(smtp):
            with smtplib.SMTP("127.0.0.1", smtp) as client:
                for path in (
                    "in@relay.company.net",
                    "support@company.com",
                    "anybody@anywhere.example",
                    "postmaster",
                ):
                    client.sendmail(
                        "a@b.example",
                        [path],
                        b"From: support@company.com\r\nTo: anna@x.example\r\n\r\nHi\r\n",
                    )
            with urllib.request.urlopen(
                f"http://127.0.0.1:{web}/api/v1/sandbox/messages", timeout=10
            ) as answer:
                told = json.load(answer)
    assert desk.connections == 0
    assert [(message["forward_paths"], message["verdict"]) for message in reversed(told)] == [
        (["in@relay.company.net"], "auto-closed"),
        (["support@company.com"], "open"),
        (["anybody@anywhere.example"], "auto-closed"),
        (["postmaster"], "auto-closed"),
    ]


@pytest.mark.parametrize("option", ["--smtp", "--web"])
def test_the_sandbox_is_for_this_machine_alone(tmp_path: Path, option: str):
    process = Process(tmp_path, CHANNELS.format(desk=25), "sandbox", option, "0.0.0.0:0")
    assert process.start().wait(20) == 64
    assert "loopback" in process.said()

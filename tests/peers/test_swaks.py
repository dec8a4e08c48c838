"""swaks, the tool that administrators try a server with, as a client."""

import subprocess
from pathlib import Path

import pytest

from tests.live import Helpdesk, Process, channels, free_port

pytestmark = pytest.mark.peers


def test_a_message_by_swaks_arrives_octet_for_octet_below_what_we_prepend(tmp_path: Path):
    message = b"From: support@company.com\nTo: anna@customer.example\nSubject: by swaks\n\n.dot\nlast\n"
    (tmp_path / "message").write_bytes(message)
    port = free_port()
    envelope = ["--from", "support@company.com", "--to", "in@relay.company.net"]
    with Helpdesk().running() as helpdesk, Process(tmp_path, channels(port, helpdesk.port)).running(port):
        sent = subprocess.run(
            ["swaks", "--server", f"127.0.0.1:{port}", "--data", f"@{tmp_path / 'message'}", *envelope],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert sent.returncode == 0, sent.stdout + sent.stderr
    (got,) = helpdesk.got
    assert got.octets.startswith(b"X-Ticket-Status: auto-closed\r\n")
    assert got.octets.rstrip(b"\r\n").endswith(message.replace(b"\n", b"\r\n").rstrip(b"\r\n"))

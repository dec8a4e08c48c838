"""``make run``: start the relay on the shipped channels.yaml, send it samples over SMTP, show what became of them.

Uses the relay only from outside: its command, its SMTP port, its web page.  Stays up until Ctrl-C.
"""

import json
import signal
import smtplib
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import FrameType

TOP = Path(__file__).resolve().parent.parent
LOG = TOP / "var" / "relay.log"
SMTP = ("127.0.0.1", 2525)
WEB = "http://127.0.0.1:8025"
INBOUND = "in-7f3@relay.company.net"
SAMPLES = (
    ("customer", "anna@customer.example", "support@company.com"),
    ("crm-copy", "support@company.com", INBOUND),
    ("sent-to-itself", "support@company.com", INBOUND),
    ("another-alias", "support+shop@company.com", INBOUND),
    ("web-form", "www@company.com", "support@company.com"),
    ("forged", "mallory@bad.example", "support@company.com"),
)
"""File in samples/, reverse-path, forward-path."""

NEXT = f"""
What to try next
  read what the stand-in helpdesk got    {WEB}/
  send a copy of your own                swaks --server {SMTP[0]}:{SMTP[1]} --from support@company.com \\
                                           --to {INBOUND} --h-To alice@customer.example
  point a CRM or a shop at it            SMTP server {SMTP[0]}, port {SMTP[1]}, no encryption, no login
  ask why                                .venv/bin/helpdesk-relay explain samples/crm-copy.eml --rcpt-to {INBOUND}
  see what it logs                       tail -f {LOG.relative_to(TOP)}
  make it yours                          edit channels.yaml (it is read again as you save it), then
                                         .venv/bin/helpdesk-relay check
"""


def main() -> int:
    """Run the tour and return the relay's exit code."""
    signal.signal(signal.SIGTERM, _stop)
    LOG.parent.mkdir(mode=0o700, exist_ok=True)
    command = [sys.executable, "-m", "relay", "--config", TOP / "channels.yaml", "serve"]
    with LOG.open("wb") as log:
        relay = subprocess.Popen(command, cwd=TOP, stderr=log)
    try:
        if _waits_for_mail(relay):
            _send()
            _show()
            print(NEXT)
            print("The relay runs until you press Ctrl-C.", flush=True)
        code = relay.wait()
        print(LOG.read_text(), file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopping.")
        code = 0
    finally:
        relay.terminate()
        relay.wait()
    return code


def _stop(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _waits_for_mail(relay: subprocess.Popen[bytes]) -> bool:
    for _ in range(200):
        if relay.poll() is not None:
            return False
        try:
            with socket.create_connection(SMTP, timeout=1) as trial:
                trial.recv(1)
                return True
        except OSError:
            time.sleep(0.05)
    return False


def _send() -> None:
    with smtplib.SMTP(*SMTP, timeout=10) as client:
        for name, reverse_path, forward_path in SAMPLES:
            client.sendmail(reverse_path, [forward_path], (TOP / "samples" / f"{name}.eml").read_bytes())


def _show() -> None:
    with urllib.request.urlopen(f"{WEB}/api/v1/sandbox/messages", timeout=10) as answer:
        told = json.load(answer)
    got = list(reversed(told["messages"] if isinstance(told, dict) else told))[-len(SAMPLES) :]
    rows = [("sample", "From", "arrived for", "verdict", "reason")]
    for (name, _, _), message in zip(SAMPLES, got, strict=True):
        rows.append(
            (
                name,
                message["from"],
                ", ".join(message["forward_paths"]),
                message["verdict"],
                message["reason"],
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    print("\nSent over SMTP, and what the stand-in helpdesk got:\n")
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())

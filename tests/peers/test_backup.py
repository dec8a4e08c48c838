"""What docs/upgrade.md says of a backup: SQLite's own while the relay runs, and back again."""

import json
import shutil
import smtplib
import subprocess
import sys
from pathlib import Path

from tests.live import TOP, Helpdesk, Process, channels, free_port


def send(port: int, name: str) -> None:
    copy = f"From: support@company.com\r\nTo: alice@customer.example\r\nMessage-ID: <{name}@crm.example>\r\n\r\nHi\r\n"
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("crm@tool.example", ["in@relay.company.net"], copy)


def decided(relay: Process) -> list[str]:
    command = [sys.executable, "-m", "relay", "--config", relay.config, "journal", "list", "--json"]
    said = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True).stdout
    return [json.loads(line)["message_id"] for line in said.splitlines()]


def test_a_backup_of_the_journal_made_while_it_runs_can_be_put_back(tmp_path: Path):
    port = free_port()
    copy, journal = tmp_path / "backup.sqlite", tmp_path / "var" / "journal" / "journal.sqlite"
    with Helpdesk().running() as desk:
        relay = Process(tmp_path, channels(port, desk.port))
        with relay.running(port):
            send(port, "before")
        with relay.running(port):
            subprocess.run(["sqlite3", journal, f".backup '{copy}'"], check=True)
            send(port, "after")
        assert decided(relay) == ["after@crm.example", "before@crm.example"]
        shutil.copyfile(copy, journal)
        for name in ("-wal", "-shm"):
            journal.with_name(journal.name + name).unlink(missing_ok=True)
        assert decided(relay) == ["before@crm.example"]
        with relay.running(port):
            send(port, "again")
        assert decided(relay) == ["again@crm.example", "before@crm.example"]

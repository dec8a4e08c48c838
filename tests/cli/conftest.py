"""A channels.yaml and messages to run commands on, in a folder of their own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from relay.cli import run

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


@pytest.fixture
def relay(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in ``folder``; return exit code, stdout, stderr."""

    def go(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return go

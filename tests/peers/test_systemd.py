"""The service for systemd: how little it may, whether it is well formed, and that installing it gives a relay that runs.

What docs/systemd.md says of a running systemd was seen with tools/try-systemd, which needs a container engine.
"""

import contextlib
import os
import re
import smtplib
import subprocess
import time
from pathlib import Path

import pytest

from tests.live import TOP, free_port

UNITS = TOP / "packaging" / "systemd"
MORE = (), ("port-25.conf",), ("milter.conf",), ("port-25.conf", "milter.conf")
COPY = "From: support@company.com\r\nTo: alice@customer.example\r\n\r\nHi\r\n"


def unit(folder: Path, more: tuple[str, ...] = (), program: str | None = None) -> Path:
    """Return the unit with its drop-ins, under a name that systemd takes for one."""
    text = "".join((UNITS / name).read_text() for name in ("helpdesk-relay.service", *more))
    if program is not None:
        text = re.sub(r"^ExecStart=\S+", f"ExecStart={program}", text, flags=re.MULTILINE)
    file = folder / "helpdesk-relay.service"
    file.write_text(text)
    return file


def run(*command: str | Path, **more: str) -> str:
    ran = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, env={**os.environ, **more}
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def wait_for(port: int) -> None:
    for _ in range(400):
        with contextlib.suppress(OSError), smtplib.SMTP("127.0.0.1", port, timeout=2) as client:
            client.noop()
            return
        time.sleep(0.025)
    raise AssertionError(port)


@pytest.mark.parametrize("more", MORE, ids="+".join)
def test_the_service_is_exposed_to_next_to_nothing(tmp_path: Path, more: tuple[str, ...]):
    said = run("systemd-analyze", "security", "--offline=yes", "--threshold=20", unit(tmp_path, more))
    score = re.search(r"exposure level for helpdesk-relay.service: ([\d.]+)", said)
    assert score is not None
    names = [f"`{name}`" for name in more]
    page = (TOP / "docs" / "systemd.md").read_text()
    if len(names) < 2:
        assert re.search(rf"{''.join(names) or 'says'}[^\n]*\b{re.escape(score[1])}\b", page), said


@pytest.mark.parametrize("more", MORE, ids="+".join)
def test_systemd_knows_every_line_of_it(tmp_path: Path, more: tuple[str, ...]):
    run("systemd-analyze", "verify", "--recursive-errors=no", "--man=no", unit(tmp_path, more, "/bin/true"))


def test_installing_gives_a_program_that_runs_and_keeps_what_was_there(tmp_path: Path):
    root, smtp = tmp_path / "root", free_port()
    ours = root / "etc" / "helpdesk-relay" / "channels.yaml"
    ours.parent.mkdir(parents=True)
    ours.write_text(
        "version: 1\nchannels: {support: {address: support@company.com, inbound: [in@relay.company.net]}}\n"
    )
    (root / "opt" / "helpdesk-relay").mkdir(parents=True)
    (root / "opt" / "helpdesk-relay" / "before").touch()
    run("sh", UNITS / "install", DESTDIR=str(root), PIP_NO_COMPILE="1")
    assert ours.read_text().startswith("version: 1\nchannels: {support:")
    assert (root / "opt" / "helpdesk-relay.old" / "before").exists()
    assert (root / "usr" / "bin" / "helpdesk-relay").readlink() == Path(
        "/opt/helpdesk-relay/bin/helpdesk-relay"
    )
    assert (root / "etc/systemd/system/helpdesk-relay.service").exists()
    program = root / "opt" / "helpdesk-relay" / "bin" / "helpdesk-relay"
    first = tmp_path / "first.yaml"
    text = (UNITS / "channels.yaml").read_text().replace("/var/lib/helpdesk-relay", str(tmp_path / "state"))
    first.write_text(text.replace(":2525", f":{smtp}").replace(":8025", f":{free_port()}"))
    assert "valid" in run(program, "--config", first, "check")
    with (tmp_path / "log").open("wb") as log:
        relay = subprocess.Popen([program, "--config", first, "serve"], stderr=log)
    try:
        wait_for(smtp)
        with smtplib.SMTP("127.0.0.1", smtp) as client:
            client.sendmail("crm@tool.example", ["in-7f3@relay.company.net"], COPY)
    finally:
        relay.terminate()
        assert relay.wait(timeout=40) == 0
    assert '"verdict": "auto-closed"' in (tmp_path / "log").read_text()

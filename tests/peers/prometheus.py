"""Debian's promtool, unpacked into a folder of its own: the package would start a server that nobody needs here."""

import subprocess
import tempfile
from pathlib import Path

UNPACKED = Path(tempfile.gettempdir()) / "relay-peers-prometheus"


def unpacked() -> Path:
    """The program; fetched by apt once, no further than its archive is unpacked."""
    program = UNPACKED / "usr/bin/promtool"
    if not program.exists():
        with tempfile.TemporaryDirectory() as folder:
            fetch = ["apt-get", "-o", "APT::Sandbox::User=root", "download", "-q", "prometheus"]
            subprocess.run(fetch, cwd=folder, check=True, capture_output=True, timeout=300)
            for archive in Path(folder).glob("*.deb"):
                subprocess.run(["dpkg", "-x", archive, UNPACKED], check=True)
    return program


def promtool(*arguments: object, given: bytes = b"") -> str:
    """Run a command that must succeed; returns all that it said."""
    done = subprocess.run(
        [unpacked(), *map(str, arguments)],
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    said = done.stdout.decode()
    assert done.returncode == 0, said
    return said

"""Debian's packages that cannot be installed beside others: fetched by apt once, no further than their archive is unpacked."""

import subprocess
import tempfile
from pathlib import Path


def unpacked(name: str, *packages: str) -> Path:
    """The folder that holds what is in the packages."""
    root = Path(tempfile.gettempdir()) / f"relay-peers-{name}"
    done = root / ".unpacked"
    if not done.exists():
        with tempfile.TemporaryDirectory() as folder:
            fetch = ["apt-get", "-o", "APT::Sandbox::User=root", "download", "-q", *packages]
            subprocess.run(fetch, cwd=folder, check=True, capture_output=True, timeout=300)
            for archive in Path(folder).glob("*.deb"):
                subprocess.run(["dpkg", "-x", archive, root], check=True)
        done.touch()
    return root

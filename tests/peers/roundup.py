"""A private Roundup tracker with the class of docs/roundup, run as nobody by Debian's Python."""

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.live import TOP

INTERFACES = TOP / "docs/roundup/interfaces.py"
"""The file that docs/helpdesks.md gives to users."""
PINNED = TOP / "tests/peers/roundup.txt"
INSTALLED = Path(tempfile.gettempdir()) / "relay-peers-roundup"
PYTHON = "/usr/bin/python3"
"""Roundup has no dependencies, and nobody may not enter the folder of our own."""
AS_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
ANYBODY_MAY_WRITE = "db.security.addPermissionToRole('Anonymous', 'Email Access')"


def installed() -> Path:
    """The folder with Roundup in it, installed by pip once."""
    done = INSTALLED / ".installed"
    if not done.exists():
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes"]
        subprocess.run(
            [*pip, "--target", INSTALLED, "-r", PINNED], check=True, capture_output=True, timeout=300
        )
        done.touch()
    return INSTALLED


class Roundup:
    """One tracker of the template classic, on SQLite."""

    def __init__(self, folder: Path) -> None:
        self._home = folder / "tracker"
        shutil.chown(folder, "nobody", "nogroup")
        self._environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(installed())}

    @property
    def mailgate(self) -> str:
        """The command that takes a message from stdin."""
        return f"/usr/bin/env PYTHONPATH={INSTALLED} {PYTHON} -m roundup.scripts.roundup_mailgw {self._home}"

    def set_up(self) -> None:
        """Make the tracker, and put into it what users put into theirs."""
        self._admin("install", "classic", "sqlite")
        self._edit(
            "config.ini",
            (r"^#web = .*", "web = http://127.0.0.1/"),
            (r"^#domain = .*", "domain = roundup.test"),
            (r"^#host = .*", "host = localhost"),
            (r"^email = .*", "email = tracker"),
            (r"^debug = $", f"debug = {self._home}/outgoing"),  # instead of sending its mail
        )
        self._edit("schema.py", (r"^#" + re.escape(ANYBODY_MAY_WRITE), ANYBODY_MAY_WRITE))
        shutil.copy(INTERFACES, self._home)
        self._admin("initialise", "some-long-password")

    def status_of(self, title: str) -> str:
        """The status of the one issue of that title."""
        database = sqlite3.connect(f"file:{self._home}/db/db?mode=ro", uri=True, timeout=20)
        with contextlib.closing(database):
            ((status,),) = database.execute(
                "select s._name from _issue i join _status s on s.id = i._status where i._title = ?", (title,)
            ).fetchall()
        return str(status)

    def _edit(self, name: str, *changes: tuple[str, str]) -> None:
        path = self._home / name
        text = path.read_text()
        for pattern, instead in changes:
            text, count = re.subn(pattern, instead, text, flags=re.MULTILINE)
            assert count == 1, pattern
        path.write_text(text)

    def _admin(self, *arguments: str) -> None:
        done = subprocess.run(
            [*AS_NOBODY, PYTHON, "-m", "roundup.scripts.roundup_admin", "-i", self._home, *arguments],
            env=self._environ, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

"""A private PostgreSQL server: own data, own port, started and stopped by who asks for it."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from tests.live import free_port

CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 60
shared_buffers = 32MB
"""


class PostgreSQL:
    """One server; it runs as user postgres where we are root, because it refuses to be root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)

    def make(self) -> None:
        """Make the data folder."""
        self._run(
            "initdb", "-D", self._data, "-U", "relay", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"
        )
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write(f"{CONFIGURATION}port = {self.port}\n")

    def start(self) -> None:
        """Start, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            command = _as_postgres(_program("postgres"), "-D", self._data)
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        for _ in range(200):
            asked = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "relay", "-d", "postgres", "-q"]
            if subprocess.run([_program("pg_isready"), *asked], check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop, by default as an operator does: connections are closed, nothing is lost."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(30)
        self._process = None

    def database(self) -> str:
        """Make an empty schema, which is as good as a database of its own and cheaper; return its URL."""
        name = f"spool_{next(self._numbers)}"
        self.tell(f"CREATE SCHEMA {name}")
        return f"postgresql://relay@127.0.0.1:{self.port}/postgres?options=-csearch_path%3D{name}"

    def tell(self, sql: str) -> str:
        """Run a statement and return what it answers."""
        asked = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "relay", "-d", "postgres", "-qAtc", sql]
        return self._run("psql", *asked)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            _as_postgres(_program(program), *arguments),
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextlib.contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Run a server."""
    folder = Path(tempfile.mkdtemp(prefix="relay-peer-"))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    server = PostgreSQL(folder)
    try:
        server.make()
        server.start()
        try:
            yield server
        finally:
            if server._process is not None:
                server.stop(signal.SIGQUIT)  # at once: nobody needs the data any more
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    """Return where Debian keeps a program of the newest server."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else name


def _as_postgres(*command: str) -> list[str]:
    if os.getuid() != 0:
        return list(command)
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", *command]

"""Two machines on one wire, each with a network of its own: ours at 192.0.2.7, and the world with DNS and mail servers."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.live import TOP
from tests.peers.postfix import Postfix

US, DNS, MX, OTHER = "192.0.2.7", "192.0.2.53", "192.0.2.25", "192.0.2.26"


class Machine:
    """A network and a view of the file system that nobody else has, for as long as its first process lives."""

    def __init__(self) -> None:
        self._first = subprocess.Popen(
            ["unshare", "--net", "--mount", "sh", "-c", "echo there; exec sleep infinity"],
            stdout=subprocess.PIPE,
        )
        assert self._first.stdout is not None
        self._first.stdout.readline()
        self.pid = self._first.pid

    def inside(self, *command: str | Path) -> list[str]:
        """Return the command line that runs ``command`` there."""
        return ["nsenter", "--target", str(self.pid), "--net", "--mount", *map(str, command)]

    def run(self, *command: str | Path) -> None:
        done = subprocess.run(self.inside(*command), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    def end(self) -> None:
        self._first.kill()
        self._first.wait()
        assert self._first.stdout is not None
        self._first.stdout.close()


@contextlib.contextmanager
def two_machines(folder: Path) -> Iterator[tuple[Machine, Machine]]:
    """Ours, which asks the world's name server, and the world."""
    (folder / "resolv.conf").write_text(f"nameserver {DNS}\noptions timeout:1 attempts:1\n")
    with contextlib.ExitStack() as both:
        ours, world = Machine(), Machine()
        both.callback(ours.end)
        both.callback(world.end)
        wire = ["link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", str(world.pid)]
        ours.run("ip", *wire)
        for machine, addresses in ((ours, [US]), (world, [DNS, MX, OTHER])):
            machine.run("ip", "link", "set", "lo", "up")
            for address in addresses:
                machine.run("ip", "address", "add", f"{address}/24", "dev", "wire")
            machine.run("ip", "link", "set", "wire", "up")
        ours.run("mount", "--bind", folder / "resolv.conf", "/etc/resolv.conf")
        yield ours, world


@contextlib.contextmanager
def relay(machine: Machine, folder: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """``serve`` with the channels.yaml of ``folder``, until it says that it serves."""
    log = folder / "relay.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            machine.inside(sys.executable, "-m", "relay", "--config", folder / "channels.yaml", "serve"),
            stdin=subprocess.DEVNULL, stderr=said, env={**os.environ, "PYTHONPATH": str(TOP), **environ},
        )  # fmt: skip
    try:
        for _ in range(400):
            assert process.poll() is None, log.read_text()
            if "serving" in log.read_text():
                break
            time.sleep(0.025)
        yield
    finally:
        process.terminate()
        process.wait(timeout=40)


class Names:
    """The world's name server (dnsmasq), which knows what was published and nothing else."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self._machine, self._file = machine, folder / "dnsmasq.conf"
        self._lines = ["no-resolv", "no-hosts", "no-daemon", "bind-interfaces", "user=root"]
        self._lines += [f"local=/{top}/" for top in ("example", "com", "arpa")]
        self._lines += [f"listen-address={DNS}", f"pid-file={folder / 'dnsmasq.pid'}", "log-facility=-"]
        self._records: dict[tuple[str, ...], str] = {}
        self._running: subprocess.Popen[bytes] | None = None

    def publish(self, *records: str) -> None:
        """Take records as they stand in a zone, each in place of those of its name and kind, and start anew."""
        self._records |= {tuple(record.split(" ")[:2]): _for_dnsmasq(record) for record in records}
        self.stop()
        self._file.write_text("\n".join([*self._lines, *self._records.values(), ""]))
        self._running = subprocess.Popen(
            self._machine.inside("/usr/sbin/dnsmasq", "-C", self._file), stderr=subprocess.PIPE
        )
        assert self._running.stderr is not None
        line = self._running.stderr.readline()
        assert b"started" in line, line

    def stop(self) -> None:
        if self._running is not None:
            self._running.terminate()
            self._running.communicate()
            self._running = None


def _for_dnsmasq(record: str) -> str:
    name, kind, value = record.split(" ", 2)
    name, value = name.removesuffix("."), value.removesuffix(".")
    match kind:
        case "A":
            return f"host-record={name},{value}"
        case "MX":
            preference, host = value.split()
            return f"mx-host={name},{host},{preference}"
        case "PTR":
            return f"ptr-record={name},{value}"
        case "TXT":
            return f"txt-record={name},{value}"
    raise AssertionError(record)


@dataclass(frozen=True)
class Kept:
    """One message as a server of the world got it."""

    reverse_path: str
    forward_path: str
    content: str


class MailServers(Postfix):
    """The world's mail servers (one Postfix): the helpdesk's on ``MX``, which wants TLS, and all others' on ``OTHER``."""

    def __init__(self, machine: Machine, folder: Path, certificate: Path) -> None:
        super().__init__(folder, 1, _MAIL_SERVERS.format(certificate=certificate))
        self._machine, self._kept = machine, folder / "kept"
        self._kept.mkdir()
        self._kept.chmod(0o777)
        keep = folder / "keep"
        keep.write_text(_KEEP.format(folder=self._kept))
        keep.chmod(0o755)
        self.also_deliver("kept", f"{keep} ${{sender}} ${{recipient}}")
        with (self._etc / "master.cf").open("a") as file:
            file.write(f"{MX}:25 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt\n")
            file.write(f"{OTHER}:25 inet n - n - - smtpd\n")

    def kept(self, forward_path: str) -> list[Kept]:
        """Return what came for ``forward_path``."""
        found = [
            Kept(*path.read_text().split("\n", 2))
            for path in sorted(self._kept.iterdir())
            if path.suffix == ".eml"
        ]
        return [each for each in found if each.forward_path == forward_path]

    def waits_for(self, forward_path: str) -> Kept:
        """Return the one message for ``forward_path``, when it has come."""
        for _ in range(400):
            if found := self.kept(forward_path):
                (one,) = found
                return one
            time.sleep(0.05)
        raise AssertionError(self.said())

    def _postfix(self, verb: str) -> None:
        self._machine.run("postfix", "-c", self._etc, verb)

    def _wait(self, *, listening: bool) -> None:
        probe = f"import socket; socket.create_connection(({MX!r}, 25), timeout=2).close()"
        for _ in range(100):
            done = subprocess.run(
                self._machine.inside(sys.executable, "-c", probe),
                capture_output=True,
                check=False,
                timeout=20,
            )
            if (done.returncode == 0) is listening:
                return
            time.sleep(0.1)
        raise AssertionError(self.said())


_MAIL_SERVERS = """\
inet_interfaces = all
mynetworks = 192.0.2.0/24
relay_transport = kept
default_transport = kept
kept_destination_recipient_limit = 1
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {certificate}
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
"""
_KEEP = """\
#!/bin/sh
{{ echo "$1"; echo "$2"; cat; }} > {folder}/$$.part
mv {folder}/$$.part {folder}/$$.eml
"""


def run_there(
    machine: Machine, command: Sequence[str], folder: Path, environ: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command of ours, or another program, in ``folder`` there."""
    words = [sys.executable, "-m", "relay", *command[1:]] if command[0] == "helpdesk-relay" else list(command)
    enter = machine.inside("env", "-C", str(folder), *words)
    env = {**os.environ, "PYTHONPATH": str(TOP), **environ}
    return subprocess.run(enter, capture_output=True, text=True, timeout=120, check=False, env=env)

"""A private Postfix: own configuration, queue and ports, started and stopped by who asks for it."""

import contextlib
import os
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.live import free_port

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mx.shop.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = all
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_authorized_xclient_hosts = 127.0.0.1
relay_domains = shop.example, desk.example, mail.example, company.com, other.example
relay_recipient_maps =
disable_dns_lookups = yes
relayhost = [127.0.0.1]:{next_hop}
alias_maps =
alias_database =
smtp_destination_recipient_limit = 1000
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
{more}
"""


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that daemons of other users can enter."""
    folder = Path(tempfile.mkdtemp(prefix="relay-peer-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Postfix:
    """One instance; everything it accepts goes to ``next_hop`` on 127.0.0.1."""

    def __init__(self, folder: Path, next_hop: int, more: str = "", *, chroot: bool = False) -> None:
        self.folder = folder
        self.port = free_port()
        self._etc = folder / "etc"
        for name in ("etc", "spool", "data"):
            (folder / name).mkdir()
        shutil.chown(folder / "data", "postfix")
        (self._etc / "main.cf").write_text(MAIN.format(folder=folder, next_hop=next_hop, more=more))
        (self._etc / "master.cf").write_text(_master(self.port, chroot=chroot))

    @contextlib.contextmanager
    def running(self) -> Iterator["Postfix"]:
        self._postfix("start")
        try:
            self._wait(listening=True)
            yield self
        finally:
            self._postfix("stop")
            self._wait(listening=False)

    def also_listen(self, port: int, *settings: str) -> None:
        """Listen on one more port, with settings of its own; to be said before it runs."""
        options = " ".join(f"-o {setting}" for setting in settings)
        with (self._etc / "master.cf").open("a") as file:
            file.write(f"127.0.0.1:{port} inet n - n - - smtpd {options}\n")

    def also_deliver(self, transport: str, command: str) -> None:
        """Have one more transport, a program that takes messages from stdin; to be said before it runs."""
        with (self._etc / "master.cf").open("a") as file:
            file.write(f"{transport} unix - n n - 4 pipe user=nobody argv={command}\n")

    def set(self, name: str, value: str) -> None:
        subprocess.run(["postconf", "-c", self._etc, f"{name}={value}"], check=True)
        self._postfix("reload")
        time.sleep(0.3)

    def flush(self) -> None:
        subprocess.run(["postqueue", "-c", self._etc, "-f"], check=True)

    def queued(self) -> str:
        done = subprocess.run(
            ["postqueue", "-c", self._etc, "-p"], check=True, capture_output=True, text=True
        )
        return done.stdout

    def said(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def waits_to_have_sent(self, count: int) -> None:
        """Wait until so many deliveries in all have ended well."""
        for _ in range(1200):
            if self.said().count("status=sent") >= count:
                return
            time.sleep(0.05)
        raise AssertionError(self.said() + self.queued())

    def client(self, address: str = "", user: str = "") -> smtplib.SMTP:
        """A connection that Postfix takes for one of a client at ``address`` logged in as ``user``."""
        client = smtplib.SMTP("127.0.0.1", self.port, "client.example", timeout=60)
        client.ehlo()
        said = [
            f"ADDR={'IPV6:' if ':' in address else ''}{address}" if address else "",
            f"LOGIN={user}" if user else "",
        ]
        if any(said):
            code, words = client.docmd("XCLIENT", " ".join(filter(None, said)))
            assert code == 220, words
            client.ehlo()
        return client

    def _postfix(self, verb: str) -> None:
        done = subprocess.run(
            ["postfix", "-c", str(self._etc), verb], capture_output=True, text=True, timeout=60, check=False,
            env={"PATH": os.environ["PATH"], "LANG": "C"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + self.said()

    def _wait(self, *, listening: bool) -> None:
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=2).close()
                found = True
            except OSError:
                found = False
            if found is listening:
                return
            time.sleep(0.025)
        raise AssertionError(self.said())


def _master(port: int, *, chroot: bool) -> str:
    """Debian's own services; with ``chroot``, those that take mail see the queue's folder as the root."""
    kept = []
    for line in Path("/usr/share/postfix/master.cf.dist").read_text().splitlines():
        words = line.split()
        if line.startswith("#") or len(words) < 8 or line[0].isspace() or words[:2] == ["smtp", "inet"]:
            continue
        words[4] = "y" if chroot and words[0] == "cleanup" else "n"
        kept.append(" ".join(words))
    return "\n".join([f"127.0.0.1:{port} inet n - {'y' if chroot else 'n'} - - smtpd", *kept]) + "\n"


def transmit(client: smtplib.SMTP, mail_from: str, rcpt_to: list[str], content: bytes) -> tuple[int, bytes]:
    """Send octets as they are, refused forward-paths and all; return the final reply."""
    code, words = client.docmd("MAIL", f"FROM:<{mail_from}>{'' if mail_from.isascii() else ' SMTPUTF8'}")
    if code != 250:
        return code, words
    return hand_over(client, rcpt_to, content)


def hand_over(client: smtplib.SMTP, rcpt_to: list[str], content: bytes) -> tuple[int, bytes]:
    """Go on after MAIL; return the final reply."""
    for path in rcpt_to:
        client.docmd("RCPT", f"TO:<{path}>")
    code, words = client.docmd("DATA")
    if code != 354:
        return code, words
    lines = content.splitlines(keepends=True)
    client.send(b"".join(b"." + line if line.startswith(b".") else line for line in lines) + b".\r\n")
    return client.getreply()

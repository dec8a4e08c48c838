"""Debian's Sendmail, unpacked into a folder of its own and run from there: it cannot be installed beside Postfix."""

import contextlib
import os
import signal
import smtplib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import named
from tests.live import free_port
from tests.peers.unpacking import unpacked

FILTER = next(
    block.text for block in named("docs/postfix-milter.md").blocks if block.text.startswith("INPUT_MAIL")
)
"""The line that the page has for sendmail.mc."""
SOCKET = "unix:/run/helpdesk-relay/milter.sock"
CONFIGURATION = """\
define(`_CF_DIR_', `{cf}/')dnl
include(`{cf}/m4/cf.m4')dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `mx.shop.example')dnl
define(`QUEUE_DIR', `{folder}/queue')dnl
define(`confPID_FILE', `{folder}/pid')dnl
define(`STATUS_FILE', `{folder}/statistics')dnl
define(`ALIAS_FILE', `')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confTO_IDENT', `0')dnl
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {next_hop}')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`promiscuous_relay')dnl
DAEMON_OPTIONS(`Family=inet, Name=MTA, Port={port}, Addr=0.0.0.0')dnl
{filter}MAILER(`smtp')dnl
"""


class Sendmail:
    """One instance; everything it accepts goes to ``next_hop`` on 127.0.0.1."""

    def __init__(self, folder: Path, next_hop: int, milter: int) -> None:
        self.folder = folder
        self.port = free_port()
        root = unpacked("sendmail", "sendmail-bin", "sendmail-cf")
        self._program = root / "usr/libexec/sendmail/sendmail"
        self._program.chmod(0o755)
        (folder / "queue").mkdir(mode=0o700)
        text = CONFIGURATION.format(
            folder=folder,
            cf=root / "usr/share/sendmail/cf",
            next_hop=next_hop,
            port=self.port,
            filter=FILTER.replace(SOCKET, f"inet:{milter}@127.0.0.1"),
        )
        done = subprocess.run(["m4", "-"], input=text.encode(), capture_output=True, check=True)
        (folder / "sendmail.cf").write_bytes(done.stdout)

    @contextlib.contextmanager
    def running(self) -> Iterator["Sendmail"]:
        """Run it in the foreground, with a host name of its own: it waits a minute for one with a dot."""
        command = f"hostname mx.shop.example && exec {self._program} -C {self.folder}/sendmail.cf -bD -X {self.folder}/log"
        process = subprocess.Popen(
            ["unshare", "--uts", "sh", "-c", command], stdin=subprocess.DEVNULL, env=os.environ
        )
        try:
            self._wait()
            yield self
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)

    def client(self, address: str) -> smtplib.SMTP:
        """A connection from ``address``, one of 127.0.0.0/8."""
        client = smtplib.SMTP(
            "127.0.0.1", self.port, "client.example", timeout=60, source_address=(address, 0)
        )
        client.ehlo()
        return client

    def said(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def _wait(self) -> None:
        for _ in range(400):
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self.client("127.0.0.1").close()
                return
            time.sleep(0.025)
        raise AssertionError(self.said())

"""A private Request Tracker 5 from Debian's packages: its own database, configuration and HTTP server, run as nobody."""

import contextlib
import os
import shlex
import shutil
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import named
from tests.live import TOP, free_port
from tests.peers.unpacking import unpacked

SCRIP = TOP / "docs/rt/close-stamped.initialdata"
"""The file that docs/helpdesks.md gives to users."""
BLOCKS = [block for block in named("docs/helpdesks.md").blocks if "request_tracker.py" in block.comment]
"""What the page says to write into RT_SiteConfig.pm, and to type."""
ADDRESSES, PLUGIN = (block.text for block in BLOCKS if block.language == "perl")
LOAD = next(block.text for block in BLOCKS if block.language == "sh")
OURS = {r"support@company\.com": r"sales@company\.com", r"(rt@company\.com": r"(rt@rt\.test|comment@rt\.test"}
SITE = """\
Set($rtname, 'rt.test'); Set($Organization, 'rt.test');
Set($WebDomain, '127.0.0.1'); Set($WebPort, {port}); Set($WebBaseURL, 'http://127.0.0.1:{port}'); Set($WebPath, '');
Set($DatabaseType, 'SQLite'); Set($DatabaseName, '{folder}/var/rt.sqlite');
Set($DatabaseHost, ''); Set($DatabasePort, ''); Set($DatabaseUser, ''); Set($DatabasePassword, '');
Set($CorrespondAddress, 'rt@rt.test'); Set($CommentAddress, 'comment@rt.test'); Set($OwnerEmail, 'owner@rt.test');
{addresses}Set($MailCommand, 'sendmailpipe'); Set($SendmailPath, '{folder}/keep');
Set($LogToSyslog, undef); Set($LogToSTDERR, 'info'); Set($Timezone, 'UTC');
Set($WebSessionClass, 'Apache::Session::File');
$RT::LocalPluginPath = '{extension}/usr/share/request-tracker4/plugins';
{plugin}$RT::MasonDataDir = '{folder}/mason'; $RT::MasonSessionDir = '{folder}/session'; $RT::VarPath = '{folder}/var';
1;
"""
EVERYBODY_MAY_WRITE = """\
@ACL = map +{ GroupDomain => 'SystemInternal', GroupType => 'Everyone', Queue => 'General', Right => $_ },
    qw(CreateTicket ReplyToTicket CommentOnTicket SeeQueue);
1;
"""
KEEP = '#!/bin/sh\ncat > "{folder}/sent/$(date +%s%N)"\n'
"""What RT takes for sendmail: its mail becomes evidence."""
AS_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")


@dataclass(frozen=True)
class Ticket:
    number: int
    status: str
    closed_because: str
    comments: list[str]


class RequestTracker:
    """One instance; its only queue is General."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        for name in ("etc/RT_SiteConfig.d", "var", "mason", "session", "sent"):
            (folder / name).mkdir(parents=True)
        extension = unpacked("commandbymail", "librt-extension-commandbymail-perl")
        addresses = ADDRESSES
        for theirs, ours in OURS.items():
            assert theirs in addresses
            addresses = addresses.replace(theirs, ours)
        site = SITE.format(
            folder=folder, port=self.port, extension=extension, addresses=addresses, plugin=PLUGIN
        )
        (folder / "etc/RT_SiteConfig.pm").write_text(site)
        (folder / "password").write_text("some-long-password\n")
        (folder / "keep").write_text(KEEP.format(folder=folder))
        (folder / "keep").chmod(0o755)
        (folder / "rights").write_text(EVERYBODY_MAY_WRITE)
        shutil.copy(SCRIP, folder)
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, "nobody", "nogroup")

    @property
    def mailgate(self) -> str:
        """The command that takes a message from stdin."""
        return (
            f"/usr/bin/rt-mailgate-5 --queue General --action correspond --url http://127.0.0.1:{self.port}"
        )

    def set_up(self) -> None:
        """Make the database, and load what users load."""
        password = str(self._folder / "password")
        self._database("--action", "init", "--root-password-file", password)
        self._database("--action", "insert", "--skip-create", "--datafile", str(self._folder / "rights"))
        self._database(*shlex.split(LOAD)[1:])

    @contextlib.contextmanager
    def running(self) -> Iterator["RequestTracker"]:
        command = ["/usr/share/request-tracker5/libexec/standalone_httpd", "--host", "127.0.0.1"]
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [*AS_NOBODY, *command, "--port", str(self.port)],
                env=self._environ(), cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            self._wait(process)
            yield self
        finally:
            process.terminate()  # at SIGINT it would change owners in the packaged folders
            process.wait(20)

    def said(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    def ticket(self, subject: str) -> Ticket:
        """The one ticket of that subject."""
        with contextlib.closing(self._read()) as database:
            ((number, status),) = database.execute(
                "select id, Status from Tickets where Subject = ?", (subject,)
            ).fetchall()
            values = database.execute(
                "select Content from ObjectCustomFieldValues where ObjectType = 'RT::Ticket' and ObjectId = ?",
                (number,),
            ).fetchall()
            comments = database.execute(
                "select a.Content from Transactions t join Attachments a on a.TransactionId = t.id"
                " where t.ObjectType = 'RT::Ticket' and t.ObjectId = ? and t.Type = 'Comment'",
                (number,),
            ).fetchall()
        return Ticket(
            number, status, "".join(value for (value,) in values), [content for (content,) in comments]
        )

    def header_of(self, number: int) -> str:
        """The header section of the message that made a ticket, as RT keeps and shows it."""
        with contextlib.closing(self._read()) as database:
            ((headers,),) = database.execute(
                "select a.Headers from Transactions t join Attachments a on a.TransactionId = t.id"
                " where t.ObjectType = 'RT::Ticket' and t.ObjectId = ? and t.Type = 'Create' and a.Parent = 0",
                (number,),
            ).fetchall()
        return str(headers)

    def sent(self) -> list[str]:
        """Every message that RT sent so far."""
        return [path.read_text(errors="replace") for path in sorted((self._folder / "sent").iterdir())]

    def _read(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self._folder}/var/rt.sqlite?mode=ro", uri=True, timeout=20)

    def _environ(self) -> dict[str, str]:
        etc = self._folder / "etc"
        site = {
            "RT_SITE_CONFIG": f"{etc}/RT_SiteConfig.pm",
            "RT_SITE_CONFIG_DIR": f"{etc}/RT_SiteConfig.d",
        }
        return {"PATH": os.environ["PATH"], "HOME": str(self._folder), "LANG": "C.UTF-8", **site}

    def _database(self, *arguments: str) -> None:
        done = subprocess.run(
            [*AS_NOBODY, "rt-setup-database-5", "--force", *arguments],
            env=self._environ(), cwd=self._folder, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        for _ in range(600):
            assert process.poll() is None, self.said()
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=20).close()
                return
            time.sleep(0.1)
        raise AssertionError(self.said())

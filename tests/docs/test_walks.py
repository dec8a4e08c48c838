"""Whoever types what a page says gets what the page says.  What has to be there before a page begins is its scene."""

import contextlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator

import pytest

from relay.passwords import hash_password
from tests.docs.pages import TOP, named
from tests.docs.walk import PROGRAMS, Walk, assert_printed, clone, lines_of, walk
from tests.peers.postfix import open_folder

pytestmark = pytest.mark.peers

Scene = Callable[[Walk], contextlib.AbstractContextManager[None]]
SAMPLES = (("customer", "support@company.com"), ("crm-copy", "in-7f3@relay.company.net"))
PASSWORD = b"correct horse\n"


def ask(walking: Walk, what: str) -> list[dict[str, object]]:
    """What the running relay tells: its ``decisions`` or its ``items`` in the queue."""
    place = "http://127.0.0.1:8025/api/v1/" + {"decisions": "decisions", "items": "queue"}[what]
    return json.loads(walking.run(f"curl --disable --silent --show-error --fail {place}"))[what]


def send(walking: Walk) -> None:
    """Send two messages, one of them an outbound copy, and wait until the journal has them."""
    for sample, rcpt_to in SAMPLES:
        envelope = f"--from bounces@crm.example --to {rcpt_to} --data @samples/{sample}.eml"
        walking.run(f"swaks --silent --server 127.0.0.1:2525 {envelope}")
    walking.waits_for(lambda: len(ask(walking, "decisions")) >= len(SAMPLES))


@contextlib.contextmanager
def repository(walking: Walk) -> Iterator[None]:
    """In a clone, where nothing is installed yet but what ``make`` put into ``.venv``.

    ``make test`` and ``make test-peers`` take a few tests only, and the case of docs/testing.md is added.
    """
    clone(walking.folder)
    walking.environ["PATH"] = PROGRAMS
    walking.environ["TEST_ARGS"] = "-n 0 tests/test_links.py tests/peers/test_swaks.py"
    (case,) = [block.text for block in named("docs/testing.md").blocks if block.language == "yaml"]
    with (walking.folder / "tests/cases/authors.yaml").open("a") as cases:
        cases.write(case)
    yield


@contextlib.contextmanager
def desk(walking: Walk) -> Iterator[None]:
    """In a clone, with a helpdesk at desk.internal; in the end it has a copy that would have been closed."""
    with repository(walking), helpdesk(walking, 25) as got:
        yield
        walking.waits_for(lambda: bool(got()))
        assert got()[-1].startswith("X-Ticket-Reason: observed; channel=support")


@contextlib.contextmanager
def helpdesk(walking: Walk, port: int) -> Iterator[Callable[[], list[str]]]:
    """An SMTP server that keeps what it gets; gives what lists that, the latest last."""
    kept = walking.folder / "kept"

    def got() -> list[str]:
        found = sorted((kept / "new").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return [path.read_text() for path in found]

    server = [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}"]
    with walking.beside(*server, "-c", "aiosmtpd.handlers.Mailbox", kept):
        walking.waits_for(lambda: walking.listens(port))
        yield got


@contextlib.contextmanager
def mail_came(walking: Walk) -> Iterator[None]:
    """A relay on the shipped channels.yaml runs, and has judged some mail."""
    walking.run("helpdesk-relay serve")
    send(walking)
    walking.names["ID"] = walking.names["4711B2"] = lambda: str(ask(walking, "decisions")[0]["queue_id"])
    yield


@contextlib.contextmanager
def mail_waits(walking: Walk) -> Iterator[None]:
    """The helpdesk is away, and mail waits in the spool."""
    shipped = (walking.folder / "channels.yaml").read_text()
    (walking.folder / "channels.yaml").write_text(
        shipped.replace("helpdesk: sandbox", "helpdesk: smtp://127.0.0.1:26")
    )
    walking.run("helpdesk-relay serve")
    for _ in range(2):
        send(walking)
    walking.names["ID"] = lambda: str(ask(walking, "items")[0]["id"])
    walking.typed = PASSWORD
    yield


@contextlib.contextmanager
def an_operator_asks(walking: Walk) -> Iterator[None]:
    """Mail was judged and waits, and ``ops`` is a user; whatever is no success fails curl."""
    channels = walking.folder / "channels.yaml"
    login = (
        f"users: {{ops: {{password: {hash_password(PASSWORD.decode().strip())!r}, may: [read, operate]}}}}\n"
    )
    channels.write_text(channels.read_text() + login)
    (walking.folder / "home/.curlrc").write_text("fail-with-body\nsilent\n")
    shutil.copy(walking.folder / "samples/crm-copy.eml", walking.folder / "copy.eml")
    with mail_waits(walking):
        for number, name in enumerate(("17", "18")):
            walking.names[name] = lambda number=number: str(ask(walking, "items")[number]["id"])
        yield


@contextlib.contextmanager
def closed_mail_is_kept(walking: Walk) -> Iterator[None]:
    """A relay with the page's own channels.yaml has closed a ticket; in the end the helpdesk is told to open it."""
    (text,) = [block.text for block in named("docs/undo.md").blocks if block.file]
    (walking.folder / "channels.yaml").write_text(text)
    with helpdesk(walking, 25) as got:
        walking.run("helpdesk-relay serve")
        send(walking)
        (closed,) = [each for each in ask(walking, "decisions") if each["verdict"] == "auto-closed"]
        walking.names["66A1B2C3D4E5-1F"] = lambda: str(closed["queue_id"])
        yield
        walking.waits_for(lambda: "X-Ticket-Reason: reopened; channel=support; id=" in got()[-1])


@contextlib.contextmanager
def own_postfix(walking: Walk) -> Iterator[None]:
    """Debian's Postfix, chroot and all, which relays to the helpdesk; in the end a stamped message is there."""
    machine, folder = walking.machine, walking.folder
    shutil.copytree("/etc/postfix", folder / "etc", symlinks=True)
    (folder / "etc/main.cf").write_text(MAIN_CF.format(folder=folder))
    for name, place in (
        ("etc", "/etc/postfix"),
        ("queue", "/var/spool/postfix"),
        ("data", "/var/lib/postfix"),
    ):
        (folder / name).mkdir(exist_ok=True)
        machine.run("mount", "--bind", folder / name, place)
    shutil.chown(folder / "data", "postfix")
    shutil.copy("/etc/passwd", folder / "passwd")
    with (folder / "passwd").open("a") as users:
        users.write("relay:x:998:65534::/nonexistent:/usr/sbin/nologin\n")
    machine.run("mount", "--bind", folder / "passwd", "/etc/passwd")
    machine.run("mount", "-t", "tmpfs", "tmpfs", "/run")
    with helpdesk(walking, 26) as got:
        machine.run("postfix", "start")
        try:
            yield
            walking.waits_for(lambda: bool(got()))
        finally:
            machine.run("postfix", "stop")
        assert got()[-1].startswith(
            "X-Ticket-Status: auto-closed\nX-Ticket-Reason: outbound-copy; channel=support"
        )


MAIN_CF = """\
compatibility_level = 3.6
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mx.company.com
mydestination =
inet_interfaces = loopback-only
relay_domains = company.com, relay.company.net
relayhost = [127.0.0.1]:26
disable_dns_lookups = yes
smtpd_peername_lookup = no
alias_maps =
"""


@contextlib.contextmanager
def nothing(walking: Walk) -> Iterator[None]:
    yield


SCENES: dict[str, Scene] = {
    "README.md": repository,
    "docs/api.md": an_operator_asks,
    "docs/digest.md": mail_came,
    "docs/helpdesks.md": mail_came,
    "docs/journal.md": mail_came,
    "docs/operate.md": mail_waits,
    "docs/postfix-milter.md": own_postfix,
    "docs/privacy.md": mail_came,
    "docs/quickstart.md": desk,
    "docs/replay.md": mail_came,
    "docs/sandbox.md": nothing,
    "docs/testing.md": repository,
    "docs/undo.md": closed_mail_is_kept,
}


@pytest.fixture
def walking() -> Iterator[Walk]:
    with open_folder() as folder, walk(folder) as machine:
        yield machine


@pytest.mark.parametrize("name", SCENES)
def test_whoever_types_what_a_page_says_gets_what_it_says(name: str, walking: Walk):
    shutil.copytree(TOP / "samples", walking.folder / "samples", dirs_exist_ok=True)
    shutil.copy(TOP / "channels.yaml", walking.folder)
    with SCENES[name](walking):
        printed = ""
        for block in named(name).blocks:
            if block.is_output:
                assert_printed(block, printed)
            if block.is_typed:
                printed = "".join(map(walking.run, lines_of(block)))
            if block.file:
                (walking.folder / block.file).write_text(block.text)

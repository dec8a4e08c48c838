"""A hosted helpdesk set up as docs/hosted.md says: DNS, TLS, SRS and the address by verdict, on two machines."""

import contextlib
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.certificates import self_signed
from tests.docs.pages import named
from tests.docs.walk import assert_printed
from tests.peers.postfix import open_folder
from tests.peers.two_machines import (
    MX,
    OTHER,
    US,
    Machine,
    MailServers,
    Names,
    relay,
    run_there,
    two_machines,
)

pytestmark = pytest.mark.peers

PAGE = named("docs/hosted.md")
WORLD = (
    f"mx1.desk.example. A {MX}",
    "desk.example. MX 10 mx1.desk.example.",
    f"mail.company.com. A {OTHER}",
    "company.com. MX 10 mail.company.com.",
    'company.com. TXT "v=spf1 mx -all"',
    f"mail.crm.example. A {OTHER}",
    "crm.example. MX 10 mail.crm.example.",
)
READY = (
    f"relay.company.com. A {US}",
    "relay.company.com. MX 10 relay.company.com.",
    f'relay.company.com. TXT "v=spf1 ip4:{US} -all"',
)
COMMANDS = ("helpdesk-relay ", "swaks ")


@dataclass
class Place:
    """A folder with the page's channels.yaml, on our machine, and the world around it."""

    folder: Path
    ours: Machine
    world: Machine
    names: Names
    servers: MailServers
    environ: dict[str, str]

    def run(self, line: str, machine: Machine | None = None) -> str:
        """Run a command; it exits with what its comment says."""
        expected = re.search(r"# exits with (\d+)", line)
        done = run_there(machine or self.ours, shlex.split(line, comments=True), self.folder, self.environ)
        printed = done.stdout + done.stderr
        assert done.returncode == (int(expected[1]) if expected else 0), f"{line}\n{printed}"
        return printed

    def serving(self) -> contextlib.AbstractContextManager[None]:
        return relay(self.ours, self.folder, self.environ)


@pytest.fixture
def place() -> Iterator[Place]:
    with open_folder() as folder, two_machines(folder) as (ours, world):
        certificate = self_signed(folder / "cert.pem", "mx1.desk.example")
        (yaml,) = [block.text for block in PAGE.blocks if block.language == "yaml"]
        (folder / "channels.yaml").write_text(yaml)
        names = Names(world, folder)
        names.publish(*WORLD)
        try:
            with MailServers(world, folder, certificate).running() as servers:
                environ = {"SRS_SECRET": "long and random", "SSL_CERT_FILE": str(certificate)}
                yield Place(folder, ours, world, names, servers, environ)
        finally:
            names.stop()


def wanted(printed: str) -> list[str]:
    """The records that ``check --dns`` wants published."""
    return [
        line.strip() for line in printed.partition("What to publish")[2].partition("\n\n")[0].splitlines()[1:]
    ]


def test_what_the_page_says_leads_to_a_ticket_that_is_closed_and_one_that_is_not(place: Place):
    printed = ""
    with contextlib.ExitStack() as running:
        for block in PAGE.blocks:
            if block.is_output:
                assert_printed(block, printed)
            printed = "" if block.language == "sh" else printed
            for line in block.text.splitlines() if block.language == "sh" else ():
                if line == "helpdesk-relay serve":
                    running.enter_context(place.serving())
                elif line.startswith(COMMANDS):
                    printed += place.run(line)
            if "What to publish" in printed and "exits with 1" in block.text:
                place.names.publish(*wanted(printed))
        customer, copy = map(place.servers.waits_for, ("support@desk.example", "copies@desk.example"))
        assert place.run("helpdesk-relay queue list --json") == ""
        bounce = f"swaks --server {US} --from '<>' --to {copy.reverse_path} --h-Subject Undelivered"
        place.run(bounce, place.world)
        returned = place.servers.waits_for("bounces@crm.example")
    assert re.fullmatch(r"SRS0=[^=]+=..=customer\.example=anna@relay\.company\.com", customer.reverse_path)
    assert re.fullmatch(r"SRS0=[^=]+=..=crm\.example=bounces@relay\.company\.com", copy.reverse_path)
    assert "X-Ticket-Status" not in customer.content
    assert "X-Ticket-Reason: foreign-author;" in customer.content
    assert "X-Ticket-Status: auto-closed\nX-Ticket-Reason: outbound-copy; channel=support" in copy.content
    assert "Subject: Undelivered" in returned.content
    for each in (customer, copy):
        assert re.search(r"from relay\.company\.com .*\n.*using TLSv1", each.content)


def test_a_forged_address_for_bounces_is_refused(place: Place):
    place.names.publish(*READY)
    with place.serving():
        said = place.run(
            f"swaks --server {US} --from '<>' --to SRS0=aaaaaaaa=aa=crm.example=bounces@relay.company.com # exits with 24",
            place.world,
        )
    assert "550 5.7.1" in said
    assert not place.servers.kept("bounces@crm.example")


def test_without_a_certificate_that_holds_nothing_is_handed_over_and_mail_waits(place: Place):
    del place.environ["SSL_CERT_FILE"]
    place.names.publish(*READY)
    found = [
        json.loads(line)
        for line in place.run("helpdesk-relay check --dns --json # exits with 1").splitlines()
    ]
    assert [(each["about"], each["of"]) for each in found if each["answer"] == "no"] == [
        ("tls", f"smtp+starttls://mx1.desk.example[{MX}]:25")
    ]
    with place.serving():
        place.run("swaks --server relay.company.com --from anna@customer.example --to in@relay.company.com")
        (item,) = place.run("helpdesk-relay queue list --json").splitlines()
    assert json.loads(item)["state"] == "waiting"
    assert "certificate" in (place.folder / "relay.log").read_text()
    assert not place.servers.kept("support@desk.example")

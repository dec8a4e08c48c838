"""A digest from a real relay, by a real spool, to a real mailbox."""

import asyncio
import email
import email.policy
from datetime import datetime, time, timedelta
from pathlib import Path

from relay.journal.entry import Entry
from relay.journal.store import Journal
from relay.service.journal import journal_place
from relay.settings.parse import read_settings
from tests.journal.entries import entry
from tests.live import Helpdesk, Process, channels, free_port
from tests.service.test_live_spool import eventually, send

MADE_DUE = 'digest: {at: "00:00", language: de}\n'
"""The digest of the day that ended at the last midnight is due at any time."""


def yesterday() -> datetime:
    """In its middle, so that no change of the clock matters."""
    day = datetime.now().astimezone().date() - timedelta(days=1)
    return datetime.combine(day, time(12)).astimezone()


def text(smtp: int, desk: int, world: int) -> str:
    made = channels(smtp, desk, MADE_DUE)
    made = made.replace("inbound:", "digest_to: lead@company.com\n    inbound:")
    return made.replace("mode: pass-through", f'mode: spool, reports: "smtp://127.0.0.1:{world}"')


def keep(config: Path, *fields: tuple[str | bytes, ...], author: str = "support@company.com") -> None:
    """Put messages into the journal as if they had come yesterday."""
    settings = read_settings(config, {})
    book = settings.book()

    def made(each: tuple[str | bytes, ...]) -> Entry:
        return entry(f"From: {author}", *each, book=book, at=yesterday())

    async def go() -> None:
        journal = await Journal.open(journal_place(settings))
        await journal.add([(made(each), book) for each in fields])
        await journal.close()

    asyncio.run(go())


def test_a_digest_of_an_hour_at_which_the_relay_was_down_arrives_and_can_be_read(tmp_path: Path):
    smtp = free_port()
    with Helpdesk().running() as desk, Helpdesk().running() as world:
        relay = Process(tmp_path, text(smtp, desk.port, world.port))
        keep(
            relay.config,
            ("To: anna@customer.example", "X-Mailer: CRM 9"),
            ("To: bob@customer.example", "X-Mailer: CRM 9"),
            ("To: in@relay.company.net.example", "Content-Type: multipart/report", "X-Mailer: Tücke"),
        )
        with relay.running(smtp):
            eventually(lambda: world.got)
            eventually(lambda: '"event": "digest"' in relay.said())
    (got,) = world.got
    assert got.reverse_path == ""
    assert got.forward_paths == ["lead@company.com"]
    message = email.message_from_bytes(got.octets, policy=email.policy.default)
    assert message["To"] == "lead@company.com"
    assert message["From"] == "helpdesk-relay <helpdesk-relay@relay.company.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Subject"] == "support: 3 Tickets geschlossen, 1 davon im Zweifel"
    said = message.get_content()
    assert "sie ist ein Zustellbericht" in said
    assert "     2  CRM 9" in said
    assert "Tücke" in said
    assert said.index("in@relay.company.net.example") < said.index("anna@customer.example")
    assert desk.got == []


def test_a_restart_sends_what_was_not_sent_and_no_second_one(tmp_path: Path):
    smtp = free_port()
    with Helpdesk().running() as desk, Helpdesk().running() as world:
        orders = "  orders: {address: orders@company.com, digest_to: boss@company.com}\ndomains:"
        made = text(smtp, desk.port, world.port).replace("domains:", orders)
        relay = Process(tmp_path, made)
        keep(relay.config, ("To: anna@customer.example",))
        with relay.running(smtp):
            eventually(lambda: world.got)
        keep(relay.config, ("To: bob@customer.example",), author="orders@company.com")
        with relay.running(smtp):  # channels are gone through in the order of the file
            eventually(lambda: len(world.got) > 1)
            eventually(lambda: '"channel": "orders"' in relay.said())
    assert [got.forward_paths for got in world.got] == [["lead@company.com"], ["boss@company.com"]]
    assert relay.said().count('"event": "digest"') == 2


HOSTILE = b"X-Mailer: <b>CRM</b> \x1b[31m\x07 \xe4\xff \xe2\x80\xae&\"' =?utf-8?q?=0D=0ABcc=3A_eva=40customer=2Eexample?="


def test_markup_controls_and_octets_of_messages_arrive_as_text_and_subjects_not_at_all(tmp_path: Path):
    smtp = free_port()
    with Helpdesk().running() as desk, Helpdesk().running() as world:
        kept = text(smtp, desk.port, world.port) + "journal: {keep_subject: true}\n"
        relay = Process(tmp_path, kept)
        hostile = "Subject: <script>secret</script>"
        keep(relay.config, ("To: anna@customer.example", HOSTILE, hostile))
        with relay.running(smtp):
            eventually(lambda: world.got)
    (got,) = world.got
    message = email.message_from_bytes(got.octets, policy=email.policy.default)
    said = message.get_content().replace("\r\n", "\n")
    assert got.octets.isascii()
    assert b"\x1b" not in got.octets
    assert message.get_content_type() == "text/plain"
    assert message["Bcc"] is None
    assert "<b>CRM</b>" in said
    assert {character for character in said if not character.isprintable()} == {"\n"}
    assert not any(line.startswith("Bcc") for line in said.splitlines())
    assert "secret" not in said


def test_a_relay_with_a_milter_alone_opens_a_spool_for_its_digests(tmp_path: Path):
    smtp = free_port()
    with Helpdesk().running() as world:
        made = text(smtp, free_port(), world.port)
        made = made.replace(f'smtp: [{{address: "127.0.0.1:{smtp}"}}]', f'milter: ["inet:127.0.0.1:{smtp}"]')
        assert "smtp: [" not in made
        relay = Process(tmp_path, made)
        keep(relay.config, ("To: anna@customer.example", "X-Mailer: CRM 9"))
        relay.start()
        try:
            eventually(lambda: world.got)
        finally:
            assert relay.stop() == 0
    (got,) = world.got
    assert got.forward_paths == ["lead@company.com"]


def test_a_journal_that_is_away_costs_a_line_in_the_log_and_no_mail(tmp_path: Path):
    smtp = free_port()
    with Helpdesk().running() as desk, Helpdesk().running() as world:
        relay = Process(tmp_path, text(smtp, desk.port, world.port))
        (tmp_path / "var").mkdir(exist_ok=True)
        (tmp_path / "var" / "journal").write_text("in the way")
        with relay.running(smtp):
            relay.waits_to_say("a digest cannot be sent now")
            assert send(smtp, "in@relay.company.net")[0] == 250
            eventually(lambda: desk.got)
            assert "the journal is away" in relay.said()
    assert world.got == []

"""``explain --id``: a decision that the journal remembers, in the words of ``explain`` for files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from relay.mail.outcome import Failed
from relay.mail.reply import Reply
from tests.cli.conftest import CHANNELS, Keep, Run, made

GONE = Failed(Reply(550, "5.1.1", "no such\x1b[2J mailbox"), "smtp://desk:25")


@pytest.fixture
def remembered(keep: Keep) -> None:
    keep(
        made(1, "From: support@company.com", "To: anna@customer.example", "X-Mailer: CRM 9", minutes=30),
        made(2, "From: anna@customer.example", "To: support@company.com", minutes=20, outcome=GONE),
    )


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("name", ["Q1", "1", "m1@x.example", "<m1@x.example>"])
def test_a_decision_is_found_by_queue_id_number_or_message_id(relay: Run, name: str):
    code, out, err = relay("explain", "--id", name, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["file"], told["verdict"], told["reason"]) == ("Q1", "auto-closed", "outbound-copy")
    assert told["known"] == {"envelope": "given", "client": "given", "header": "complete"}
    assert told["stamp"] == [
        "X-Ticket-Status: auto-closed",
        "X-Ticket-Reason: outbound-copy; channel=support; id=Q1",
    ]
    assert told["at"]
    assert told["paths"][0]["state"] == "delivered"


@pytest.mark.usefixtures("remembered")
def test_its_stamp_has_the_link_that_journal_show_tells(relay: Run, folder: Path):
    linked = f"{CHANNELS}stamp: {{link: true}}\nweb: {{url: https://relay.company.com}}\n"
    (folder / "channels.yaml").write_text(linked)
    _, by_explain, _ = relay("explain", "--id", "Q1", "--json")
    _, by_show, _ = relay("journal", "show", "Q1", "--json")
    stamp = json.loads(by_explain)["stamp"]
    assert stamp == json.loads(by_show)["stamp"]
    assert stamp[-1].startswith("X-Ticket-Why: https://relay.company.com/why/Q1?s=")


@pytest.mark.usefixtures("remembered")
def test_its_object_has_the_keys_of_a_file_first(relay: Run):
    _, by_file, _ = relay("explain", "copy.eml", "--json")
    _, by_id, _ = relay("explain", "--id", "Q1", "--json")
    keys = list(json.loads(by_file))
    assert list(json.loads(by_id))[: len(keys)] == keys


@pytest.mark.usefixtures("remembered")
def test_the_text_is_that_of_a_file_with_what_became_of_it_below(relay: Run):
    code, out, _ = relay("explain", "--id", "Q2")
    assert code == 0
    assert out.startswith("Q2: open (foreign-author)\n")
    assert "   NO  author-is-a-channel anna@customer.example is no channel's address" in out
    assert "failed, 550 5.1.1 no such" in out
    assert "\x1b" not in out


@pytest.mark.usefixtures("remembered")
def test_it_is_what_was_decided_then_whatever_channels_yaml_says_now(relay: Run, folder: Path):
    (folder / "channels.yaml").write_text(CHANNELS.replace("support@company.com", "new@company.com"))
    _, out, _ = relay("explain", "--id", "Q1", "--json")
    assert json.loads(out)["verdict"] == "auto-closed"


@pytest.mark.usefixtures("remembered")
def test_german_is_german_and_an_expectation_can_be_missed(relay: Run):
    code, out, _ = relay("explain", "--id", "Q1", "--lang", "de", "--expect", "open")
    assert code == 1
    assert "Abhilfe" in out
    assert relay("explain", "--id", "Q1", "--expect", "auto-closed")[0] == 0


def test_all_decisions_on_one_message_id_are_told_newest_first(relay: Run, keep: Keep):
    keep(
        made(1, "From: support@company.com", "To: anna@customer.example", minutes=30),
        made(1, "From: support@company.com", "To: anna@customer.example", minutes=20, ref="Q1.2"),
    )
    _, out, _ = relay("explain", "--id", "m1@x.example", "--json")
    assert [json.loads(line)["file"] for line in out.splitlines()] == ["Q1.2", "Q1"]
    _, out, _ = relay("explain", "--id", "m1@x.example")
    assert "\n\nQ1: auto-closed" in out


@pytest.mark.usefixtures("remembered")
def test_a_look_at_a_decision_is_noted(relay: Run):
    relay("explain", "--id", "Q1")
    _, out, _ = relay("journal", "export")
    looks = {(told := json.loads(line))["ref"]: told["looks"] for line in out.splitlines()}
    assert len(looks["Q1"]) == 1
    assert looks["Q2"] == []


@pytest.mark.usefixtures("remembered")
def test_an_unknown_id_is_one_sentence_and_1(relay: Run):
    code, out, err = relay("explain", "--id", "Q9\x1b[2J", "--json")
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "\x1b" not in err


def test_without_a_journal_there_is_one_sentence_and_75(relay: Run):
    code, out, err = relay("explain", "--id", "Q1")
    assert (code, out) == (75, "")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("copy.eml",),
        ("--rcpt-to", "a@b.example"),
        ("--client-ip", "192.0.2.1"),
        ("--mail-from", "a@b.example"),
        ("--auth-user", "anna"),
    ],
)
def test_what_was_decided_goes_with_no_file_and_nothing_said_of_a_transaction(
    relay: Run, arguments: tuple[str, ...]
):
    code, out, err = relay("explain", "--id", "Q1", *arguments)
    assert (code, out) == (64, "")
    assert err


def test_for_files_no_database_and_no_archive_is_imported(folder: Path):
    program = (
        "import sys; from relay.cli import run; assert run(['explain', 'copy.eml']) == 0; "
        "print([name for name in ('sqlalchemy', 'asyncio', 'gzip', 'rich', 'relay.journal') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"

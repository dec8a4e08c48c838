"""``replay``: archives and the journal judged again, what another channels.yaml would change, and the exit codes."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from relay.cli import run
from tests.cli.conftest import CHANNELS, COPY, CUSTOMER, Keep, Run, made
from tests.replay.test_archive import maildir

LINE = b"From anna@mail.example Mon Jan  5 10:00:00 2026\n"
SHOP = b"From: shop@company.com\nTo: anna@customer.example\nMessage-ID: <shop-1@crm.example>\n\nHi\n"
DOUBTFUL = b"From: support@company.com\nTo: team@company.com\nReply-To: anna@customer.example\nMessage-ID: <form-1@crm.example>\n\nHi\n"
OTHER = CHANNELS.replace("[help@company.com]", "[help@company.com, shop@company.com]")


@pytest.fixture
def box(folder: Path) -> Path:
    """An mbox with a copy, a customer's message and a shop's, and another channels.yaml to which the shop is a channel."""
    path = folder / "box"
    path.write_bytes(b"".join(LINE + message + b"\n" for message in (COPY, CUSTOMER, SHOP)))
    (folder / "other.yaml").write_text(OTHER)
    return path


def objects(out: str) -> list[dict]:
    return [json.loads(line) for line in out.splitlines()]


def cells(out: str) -> list[list[str]]:
    """Return the rows of all tables in ``out``."""
    return [re.split(r"  +", line.strip()) for line in out.splitlines() if line.strip()]


# without another channels.yaml


def test_counts_by_verdict_reason_and_channel_are_printed(relay: Run, box: Path):
    code, out, err = relay("replay", "box")
    assert (code, err) == (0, "")
    assert out.startswith("judged: 3\n")
    rows = cells(out)
    assert ["open", "foreign-author", "2"] in rows
    assert ["auto-closed", "outbound-copy", "1"] in rows
    assert ["support", "1", "0", "1"] in rows or ["support", "1", "0", "0"] in rows
    assert ["-", "0", "2", "0"] in rows


def test_with_json_each_message_is_one_object_as_explain_prints_it(relay: Run, box: Path):
    code, out, err = relay("replay", "--json", "box")
    assert (code, err) == (0, "")
    told = objects(out)
    assert [each["file"] for each in told] == ["box#1", "box#2", "box#3"]
    _, explained, _ = relay("explain", "--json", "copy.eml")
    assert {**told[0], "file": "copy.eml"} == json.loads(explained)


def test_what_is_known_by_trace_fields_counts_as_in_explain(relay: Run, folder: Path):
    traced = b"Delivered-To: help@company.com\nReceived: from x (x [192.0.2.5]) by y; z\n" + COPY
    (folder / "copy.eml").write_bytes(traced)
    _, out, _ = relay("replay", "--json", "copy.eml")
    (told,) = objects(out)
    assert told["known"] == {"envelope": "trace", "client": "trace", "header": "complete"}
    assert told["reason"] == "platform-sent"


def test_where_all_mail_arrived_can_be_said(relay: Run, box: Path):
    _, out, _ = relay("replay", "box")
    assert "closings that depend on what is not known: 1 " in out
    _, out, _ = relay("replay", "box", "--rcpt-to", "in@relay.company.net", "--json")
    told = objects(out)[0]
    assert (told["known"]["envelope"], told["verdict"]) == ("given", "auto-closed")
    _, out, _ = relay("replay", "box", "--rcpt-to", "support@company.com", "--json")
    assert objects(out)[0]["reason"] == "self-addressed"


def test_doubtful_closings_are_named(relay: Run, folder: Path):
    (folder / "form.eml").write_bytes(DOUBTFUL)
    (folder / "channels.yaml").write_text(CHANNELS + "inside: [company.com]\n")
    _, out, _ = relay("replay", "form.eml")
    assert "  form.eml <form-1@crm.example>: no-outside-recipient, reply-to-outsider" in out
    (folder / "many").write_bytes((LINE + DOUBTFUL + b"\n") * 50)
    _, out, _ = relay("replay", "many")
    assert out.count("form-1@crm.example") == 20
    assert "doubtful closings: 50\n" in out
    assert out.endswith("  …\n")


def test_archives_of_every_kind_are_judged_in_one_call(relay: Run, folder: Path, box: Path):
    (maildir(folder / "md") / "cur/1.host:2,").write_bytes(COPY)
    (folder / "sub").mkdir()
    (folder / "sub/a.eml").write_bytes(CUSTOMER)
    code, out, _ = relay("replay", "--json", "box", "md", "sub", "copy.eml")
    assert code == 0
    assert [told["file"] for told in objects(out)] == [
        "box#1", "box#2", "box#3", "md/cur/1.host:2,", "sub/a.eml", "copy.eml",
    ]  # fmt: skip


def test_an_empty_archive_is_no_error(relay: Run, folder: Path):
    (folder / "empty").write_bytes(b"")
    assert relay("replay", "empty")[:2] == (0, "judged: 0\n")
    assert relay("replay", "--json", "empty")[:2] == (0, "")


@pytest.mark.parametrize(
    "octets", [b"", b"\x00\xff" * 5000, b"no header at all", b"X: " + b"y" * 3_000_000 + b"\n\n"]
)
def test_a_message_is_always_judged_however_broken(relay: Run, folder: Path, octets: bytes):
    (folder / "box").write_bytes(LINE + octets + b"\n\n" + LINE + COPY)
    code, out, err = relay("replay", "--json", "box")
    assert (code, err) == (0, "")
    assert [told["verdict"] for told in objects(out)] == ["open", "auto-closed"]


# with another one


def test_against_another_channels_yaml_what_would_change_is_one_line_each_and_totals(relay: Run, box: Path):
    code, out, err = relay("replay", "--against", "other.yaml", "box")
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[0] == (
        "box#3 <shop-1@crm.example>: open (foreign-author) -> auto-closed (outbound-copy); author-is-a-channel: "
        "shop@company.com is an address of channel support; before: shop@company.com is no channel's address"
    )
    assert lines[1] == "would change: 1 of 3 (1 closed, 0 opened, 0 with another reason or channel)"
    rows = cells(out)
    assert ["open (foreign-author)", "auto-closed (outbound-copy)", "1"] in rows
    assert ["support", "1", "0", "0", "0"] in rows


def test_against_another_channels_yaml_with_json_each_change_is_one_object(relay: Run, box: Path):
    code, out, err = relay("replay", "--json", "--against", "other.yaml", "box")
    assert (code, err) == (1, "")
    (told,) = objects(out)
    assert told["from"].pop("book") != told["to"].pop("book")
    assert told == {
        "file": "box#3",
        "message_id": "shop-1@crm.example",
        "author": "shop@company.com",
        "from": {"verdict": "open", "reason": "foreign-author", "channel": None},
        "to": {"verdict": "auto-closed", "reason": "outbound-copy", "channel": "support"},
        "doubts": [],
        "why": {
            "question": "author-is-a-channel",
            "from": "shop@company.com is no channel's address",
            "to": "shop@company.com is an address of channel support",
        },
    }


def test_a_ticket_that_would_be_closed_in_doubt_is_told_so(relay: Run, folder: Path):
    (folder / "form.eml").write_bytes(DOUBTFUL)
    (folder / "channels.yaml").write_text(CHANNELS + "inside: [company.com]\nrule: {when_in_doubt: open}\n")
    (folder / "other.yaml").write_text(CHANNELS + "inside: [company.com]\n")
    code, out, _ = relay("replay", "--against", "other.yaml", "form.eml")
    assert code == 1
    assert (
        "-> auto-closed (outbound-copy) in doubt: no-outside-recipient, reply-to-outsider; no-doubt: " in out
    )
    assert ["support", "1", "0", "0", "1"] in cells(out)


def test_the_other_way_round_tickets_are_opened(relay: Run, box: Path):
    code, out, _ = relay("replay", "--config", "other.yaml", "--against", "channels.yaml", "box")
    assert code == 1
    assert "would change: 1 of 3 (0 closed, 1 opened" in out


def test_where_nothing_would_change_the_exit_code_is_0(relay: Run, box: Path):
    code, out, _ = relay("replay", "--against", "channels.yaml", "box")
    assert code == 0
    assert out.startswith("would change: 0 of 3 ")
    assert relay("replay", "--json", "--against", "channels.yaml", "box")[:2] == (0, "")


def test_each_header_section_is_read_as_far_as_either_file_needs_it(relay: Run, folder: Path):
    (folder / "long.eml").write_bytes(COPY.replace(b"Subject: ", b"Subject: " + b"x" * 3000))
    (folder / "short.yaml").write_text(CHANNELS + "limits: {header_size: 1KiB}\n")
    for one, other, reasons in (
        ("channels.yaml", "short.yaml", ("outbound-copy", "unreadable")),
        ("short.yaml", "channels.yaml", ("unreadable", "outbound-copy")),
    ):
        _, out, _ = relay("replay", "--json", "--config", one, "--against", other, "long.eml")
        (told,) = objects(out)
        assert (told["from"]["reason"], told["to"]["reason"]) == reasons


# what cannot be read


def test_a_path_that_is_no_archive_is_told_and_exits_with_65(relay: Run, folder: Path):
    code, out, err = relay("replay", "--json", "channels.yaml", "copy.eml")
    assert code == 65
    assert len(objects(out)) == 1
    assert err == "helpdesk-relay: channels.yaml is no archive: neither an mbox nor a message\n"
    (folder / "nothing").mkdir()
    assert relay("replay", "nothing")[0] == 65


def test_a_path_that_is_missing_is_told_and_exits_with_66(relay: Run, box: Path):
    code, out, err = relay("replay", "--json", "missing", "box")
    assert code == 66
    assert len(objects(out)) == 3
    assert err == "helpdesk-relay: missing cannot be opened: No such file or directory\n"


def test_what_cannot_be_read_counts_for_more_than_a_change(relay: Run, box: Path):
    assert relay("replay", "--against", "other.yaml", "box", "missing")[0] == 66


def test_of_several_paths_that_cannot_be_read_the_first_says_what_to_exit_with(relay: Run):
    assert relay("replay", "missing", "channels.yaml")[0] == 66
    assert relay("replay", "channels.yaml", "missing")[0] == 65


def test_a_file_in_a_folder_that_cannot_be_read_is_told_and_the_rest_is_judged(relay: Run, folder: Path):
    (folder / "a.eml").symlink_to(folder / "a.eml")
    code, out, err = relay("replay", "--json", ".")
    assert (code, len(objects(out))) == (66, 2)
    assert err == "helpdesk-relay: ./a.eml cannot be opened: Too many levels of symbolic links\n"


def test_what_a_message_says_cannot_steer_the_terminal(relay: Run, folder: Path):
    evil = b'From: "\x1b[2J"@evil.example\nMessage-ID: <\x1b[2J\xe2\x80\xae@x>\n\n'
    (folder / "e\x1b[2J.eml").write_bytes(evil)
    (folder / "other.yaml").write_text(CHANNELS.replace("help@company.com", "'\"\\x1b[2J\"@evil.example'"))
    for options in ((), ("--against", "other.yaml")):
        _, out, err = relay("replay", *options, ".")
        assert "\x1b" not in out + err
        assert "\u202e" not in out + err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("box", "--journal"),
        ("--journal", "--rcpt-to", "a@b.example"),
        ("box", "--since", "24h"),
        ("--journal", "--since", "soon"),
        ("box", "--rcpt-to", "nobody"),
        ("box", "--nonsense"),
    ],
)
def test_wrong_usage_exits_with_64_and_says_why(relay: Run, box: Path, arguments: tuple[str, ...]):
    code, out, err = relay("replay", *arguments)
    assert (code, out) == (64, "")
    assert err


def test_a_bad_other_channels_yaml_exits_with_78_or_66(relay: Run, box: Path, folder: Path):
    (folder / "bad.yaml").write_text("version: 1\nchanels: {}\n")
    code, _, err = relay("replay", "--against", "bad.yaml", "box")
    assert code == 78
    assert "bad.yaml:2" in err
    assert relay("replay", "--against", "missing.yaml", "box")[0] == 66


# the journal


@pytest.fixture
def remembered(keep: Keep, folder: Path) -> None:
    (folder / "other.yaml").write_text(OTHER)
    keep(
        made(1, "From: support@company.com", "To: anna@customer.example", minutes=3000),
        made(2, "From: anna@customer.example", "To: support@company.com", minutes=20),
        made(3, "From: shop@company.com", "To: anna@customer.example", minutes=10),
    )


@pytest.mark.usefixtures("remembered")
def test_the_journal_is_judged_again_as_it_was_where_nothing_has_changed(relay: Run):
    code, out, err = relay("replay", "--journal")
    assert (code, err) == (0, "")
    assert out.startswith("judged: 3\n")
    assert "would change: 0 of 3 " in out


@pytest.mark.usefixtures("remembered")
def test_the_journal_with_json_tells_the_verdict_now_and_then(relay: Run, folder: Path):
    (folder / "channels.yaml").write_text(OTHER)
    code, out, _ = relay("replay", "--journal", "--json")
    assert code == 1
    told = objects(out)
    assert [each["file"] for each in told] == ["Q1", "Q2", "Q3"]
    assert [each["reason"] for each in told] == ["outbound-copy", "foreign-author", "outbound-copy"]
    assert [each["was"]["reason"] for each in told] == ["outbound-copy", "foreign-author", "foreign-author"]
    assert told[2]["stamp"][1] == "X-Ticket-Reason: outbound-copy; channel=support; id=Q3"
    assert all(each["at"] for each in told)


@pytest.mark.usefixtures("remembered")
def test_what_was_decided_then_is_compared_with_the_file_in_force(relay: Run, folder: Path):
    (folder / "channels.yaml").write_text(OTHER)
    code, out, _ = relay("replay", "--journal")
    assert code == 1
    assert (
        "Q3 <m3@x.example>: open (foreign-author) -> auto-closed (outbound-copy); author-is-a-channel" in out
    )
    assert "would change: 1 of 3 (1 closed" in out


@pytest.mark.usefixtures("remembered")
def test_the_journal_is_judged_by_another_file(relay: Run):
    code, out, _ = relay("replay", "--journal", "--against", "other.yaml", "--json")
    assert code == 1
    (told,) = objects(out)
    assert (told["file"], told["message_id"], told["to"]["channel"]) == ("Q3", "m3@x.example", "support")
    assert told["at"]


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--since", "1h"), ["Q2", "Q3"]),
        (("--author", "shop@company.com"), ["Q3"]),
        (("--verdict", "auto-closed"), ["Q1"]),
        (("--channel", "nobody"), []),
    ],
)
def test_the_filters_of_the_journal_choose_what_is_judged(
    relay: Run, options: tuple[str, ...], names: list[str]
):
    _, out, _ = relay("replay", "--journal", "--json", *options)
    assert [told["file"] for told in objects(out)] == names


def test_where_addresses_are_hashed_the_other_files_own_are_known_again(relay: Run, folder: Path, keep: Keep):
    hashed = "journal: {addresses: hashed}\n"
    shop = "  shop: {address: shop@shop.example}\n"
    (folder / "channels.yaml").write_text(CHANNELS + hashed)
    (folder / "other.yaml").write_text(CHANNELS.replace("platform:", shop + "platform:", 1) + hashed)
    keep(
        made(1, "From: shop@shop.example", "To: anna@customer.example"),
        made(2, "From: shop@shop.example", "To: anna@customer.example, shop@shop.example"),
        made(3, "From: support@company.com", "To: shop@shop.example"),
    )
    code, out, _ = relay("replay", "--journal", "--against", "other.yaml", "--json")
    assert code == 1
    assert {told["file"]: told["to"]["reason"] for told in objects(out)} == {
        "Q1": "outbound-copy",
        "Q2": "self-addressed",
    }


def test_without_a_journal_there_is_one_sentence_and_75(relay: Run):
    code, out, err = relay("replay", "--journal")
    assert (code, out) == (75, "")
    assert len(err.splitlines()) == 1


# how much, and what is shown meanwhile


def _peak(*arguments: str) -> int:
    """Return the most KiB that a command had in memory."""
    program = (
        "import resource, sys; from relay.cli import run; code = run(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    return int(done.stderr)


def test_memory_does_not_grow_with_the_archive(folder: Path):
    with (folder / "small").open("wb") as small, (folder / "large").open("wb") as large:
        for box, messages in ((small, 10), (large, 20_000)):
            for number in range(messages):
                box.write(b"%sMessage-ID: <%d@crm.example>\n%s\n" % (LINE, number, COPY))
        large.write(LINE + COPY)
        large.seek(200_000_000, os.SEEK_CUR)
        large.write(b"\n\n" + LINE + COPY)
    assert _peak("replay", "--json", "large") < _peak("replay", "--json", "small") + 20_000


def on_terminal(*arguments: str, stdout_too: bool = False) -> tuple[str, str]:
    """Run a command with stderr on a terminal; return what the terminal got, and stdout if that was another."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "relay", *arguments]
    with subprocess.Popen(
        command,
        stdout=theirs if stdout_too else subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    ) as process:
        os.close(theirs)
        out = process.stdout.read().decode() if process.stdout else ""
        shown = b""
        try:
            while octets := os.read(ours, 4096):
                shown += octets
        except OSError:  # how a terminal says that nobody writes to it any more
            pass
        finally:
            os.close(ours)
    return shown.decode(), out


def test_on_a_terminal_a_bar_tells_how_far_it_is(box: Path):
    shown, out = on_terminal("replay", "--against", "other.yaml", "box")
    assert "3 messages" in shown
    assert "a second" in shown
    assert "100%" in shown
    assert out.startswith("box#3 <shop-1@crm.example>: open")


def test_what_is_printed_on_the_same_terminal_stands_above_the_bar(box: Path):
    shown, _ = on_terminal("replay", "--json", "box", stdout_too=True)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert all(f'{{"file": "box#{number}"' in plain for number in (1, 2, 3))


def test_elsewhere_there_is_no_bar(box: Path, capfd: pytest.CaptureFixture[str]):
    assert run(["replay", "box"]) == 0
    assert capfd.readouterr().err == ""


def test_for_archives_no_database_is_imported(box: Path):
    program = (
        "import sys; from relay.cli import run; assert run(['replay', 'box']) == 0; "
        "print('sqlalchemy' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "False\n"

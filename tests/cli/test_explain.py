"""``explain``: the words and exit codes of README.md."""

import io
import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import COPY, Run

QUESTIONS = [
    "readable",
    "one-author",
    "author-is-a-channel",
    "not-rewritten",
    "channel-closes",
    "from-outside",
    "not-sent-to-itself",
    "no-doubt",
    "not-observing",
]


def answer(out: str) -> dict:
    (line,) = out.splitlines()
    return json.loads(line)


def test_json_is_one_object_a_message_with_every_key_of_the_contract(relay: Run):
    code, out, err = relay(
        "explain", "--json", "--rcpt-to", "in@relay.company.net", "--client-ip", "198.51.100.7", "copy.eml"
    )
    told = answer(out)
    assert (code, err) == (0, "")
    assert list(told) == [
        "file",
        "verdict",
        "reason",
        "channel",
        "author",
        "doubts",
        "recipients",
        "known",
        "depends",
        "findings",
        "remedy",
        "stamp",
        "book",
    ]
    assert told["file"] == "copy.eml"
    assert (told["verdict"], told["reason"], told["channel"]) == ("auto-closed", "outbound-copy", "support")
    assert told["author"] == "support@company.com"
    assert told["doubts"] == []
    assert told["recipients"] == [
        {"address": "anna@customer.example", "evidence": "To"},
        {"address": "in@relay.company.net", "evidence": "envelope"},
    ]
    assert told["known"] == {"envelope": "given", "client": "given", "header": "complete"}
    assert told["depends"] is None
    assert [finding["question"] for finding in told["findings"]] == QUESTIONS
    assert told["findings"][0] == {
        "question": "readable",
        "holds": True,
        "because": "the header section is complete",
    }
    assert told["findings"][1]["because"] == "From names support@company.com"
    assert told["stamp"] == [
        "X-Ticket-Status: auto-closed",
        "X-Ticket-Reason: outbound-copy; channel=support",
    ]
    assert told["book"].startswith("sha256:")


def test_what_is_not_known_and_could_open_the_ticket_is_said(relay: Run):
    _, out, _ = relay("explain", "--json", "copy.eml")
    told = answer(out)
    assert told["known"] == {"envelope": "unknown", "client": "unknown", "header": "complete"}
    assert "open if it arrived for support@company.com" in told["depends"]
    assert "--rcpt-to" in told["depends"]
    assert "--client-ip" in told["depends"]


def test_a_forward_path_of_the_channel_itself_opens_the_ticket(relay: Run):
    _, out, _ = relay("explain", "--json", "--rcpt-to", "<Help@Company.com>", "copy.eml")
    assert answer(out)["reason"] == "self-addressed"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--client-ip", "192.0.2.5"), "platform-sent"),
        (("--client-ip", "::ffff:192.0.2.5"), "platform-sent"),
        (("--auth-user", "desk"), "platform-sent"),
        (("--auth-user", "somebody"), "outbound-copy"),
        (("--client-ip", "198.51.100.7"), "outbound-copy"),
    ],
)
def test_the_platform_is_known_by_what_is_given(relay: Run, options: tuple[str, ...], reason: str):
    _, out, _ = relay("explain", "--json", *options, "copy.eml")
    assert answer(out)["reason"] == reason


def test_the_text_answer_names_every_question_and_the_remedy(relay: Run):
    code, out, _ = relay("explain", "copy.eml")
    assert code == 0
    assert out.startswith("copy.eml: auto-closed (outbound-copy)")
    for question in QUESTIONS:
        assert question in out
    assert "Add support@company.com or help@company.com to To, Cc or Bcc" in out


def test_german_is_german(relay: Run):
    _, out, _ = relay("explain", "--lang", "de", "copy.eml", "customer.eml")
    assert "Abhilfe" in out
    assert "ist keine Adresse eines Kanals" in out
    _, out, _ = relay("explain", "--lang", "de", "--json", "copy.eml")
    assert answer(out)["depends"].startswith("offen, wenn")


@pytest.mark.parametrize(("expected", "code"), [("auto-closed", 0), ("open", 1)])
def test_an_expectation_that_is_missed_exits_with_1(relay: Run, expected: str, code: int):
    assert relay("explain", "--expect", expected, "copy.eml")[0] == code


def test_one_missed_expectation_among_several_is_enough(relay: Run):
    assert relay("explain", "--expect", "auto-closed", "copy.eml", "customer.eml", "copy.eml")[0] == 1


def test_several_files_are_one_line_each_and_a_missing_one_does_not_stop_the_rest(relay: Run):
    code, out, _ = relay("explain", "--json", "copy.eml", "missing.eml", ".", "customer.eml")
    told = [json.loads(line) for line in out.splitlines()]
    assert code == 66
    assert [line["file"] for line in told] == ["copy.eml", "missing.eml", ".", "customer.eml"]
    assert [sorted(line) for line in told[1:3]] == [["error", "file"]] * 2
    assert told[3]["verdict"] == "open"


def test_a_missing_file_is_said_on_stderr_without_json(relay: Run):
    code, out, err = relay("explain", "missing.eml")
    assert (code, out) == (66, "")
    assert "missing.eml" in err


def test_standard_input_is_read_at_a_hyphen(relay: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(COPY)))
    _, out, _ = relay("explain", "--json", "-")
    assert answer(out)["file"] == "-"


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\n",
        b"\r\n\r\n",
        b"no header at all",
        b"From: support@company.com",
        bytes(range(256)) * 50,
        b"From: \xff\xfe <support@company.com>\nTo: \x80\x81\n\n",
        b"From: =?utf-8?b?DQo=?= <support@company.com>\n\n",
        b"X: " + b"y" * 3_000_000 + b"\n\n",
        b"\x00" * 10_000,
    ],
)
def test_a_message_is_always_judged_however_broken(relay: Run, folder: Path, octets: bytes):
    (folder / "broken.eml").write_bytes(octets)
    code, out, _ = relay("explain", "--json", "broken.eml")
    assert code == 0
    assert answer(out)["verdict"] in ("open", "auto-closed")
    code, out, _ = relay("explain", "broken.eml")
    assert code == 0
    assert not any(ord(character) < 32 and character != "\n" for character in out)


def test_what_a_message_says_cannot_steer_the_terminal(relay: Run, folder: Path):
    (folder / "evil.eml").write_bytes(b'From: "\x1b[2J"@evil.example\nTo: "\xe2\x80\xae"@x.example\n\n')
    _, out, _ = relay("explain", "evil.eml")
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_only_the_header_section_is_read(relay: Run, folder: Path):
    with (folder / "large.eml").open("wb") as large:
        large.write(COPY)
        large.truncate(5_000_000_000)
    code, out, _ = relay("explain", "--json", "large.eml")
    assert (code, answer(out)["verdict"]) == (0, "auto-closed")


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain",),
        ("explain", "--rcpt-to", "nobody", "copy.eml"),
        ("explain", "--client-ip", "1.2.3", "copy.eml"),
        ("explain", "--expect", "closed", "copy.eml"),
        ("explain", "--lang", "fr", "copy.eml"),
        ("explain", "--nonsense", "copy.eml"),
        ("nonsense",),
        (),
    ],
)
def test_wrong_usage_exits_with_64_and_says_why(relay: Run, arguments: tuple[str, ...]):
    code, out, err = relay(*arguments)
    assert (code, out) == (64, "")
    assert err


def test_a_missing_channels_yaml_exits_with_66(relay: Run, folder: Path):
    (folder / "channels.yaml").unlink()
    code, _, err = relay("explain", "copy.eml")
    assert code == 66
    assert "channels.yaml" in err


def test_a_wrong_channels_yaml_exits_with_78_and_names_every_problem(relay: Run, folder: Path):
    (folder / "channels.yaml").write_text("version: 1\nchanels: {}\nhostnam: x\n")
    code, _, err = relay("explain", "copy.eml")
    assert code == 78
    assert "channels.yaml:2" in err
    assert "channels.yaml:3" in err


def test_the_file_is_named_before_or_behind_the_command_or_by_the_environment(
    relay: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    (folder / "channels.yaml").rename(folder / "other.yaml")
    assert relay("--config", "other.yaml", "explain", "copy.eml")[0] == 0
    assert relay("explain", "--config", "other.yaml", "copy.eml")[0] == 0
    monkeypatch.setenv("HELPDESK_RELAY_CONFIG", "other.yaml")
    assert relay("explain", "copy.eml")[0] == 0


def test_thousands_of_files_are_judged_in_one_call(relay: Run):
    code, out, _ = relay("explain", "--json", *["copy.eml", "customer.eml"] * 1500)
    assert code == 0
    assert len(out.splitlines()) == 3000

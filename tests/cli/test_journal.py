"""``journal`` on a real journal, beside no relay and beside one that is running."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from relay.cli.journal.list import line
from tests.cli.conftest import NOW, Keep, Run, made
from tests.journal.entries import entry


@pytest.fixture
def filled(keep: Keep, folder: Path) -> None:
    keep(
        made(1, "From: support@company.com", "To: anna@customer.example", "X-Mailer: CRM 9", minutes=3000),
        made(2, "From: eva@customer.example", "To: support@company.com", minutes=20),
        made(
            3,
            "From: support@company.com",
            "To: Team: help@company.com.example;",
            "Reply-To: z@customer.example",
            minutes=10,
        ),
        made(4, "From: support@company.com", "To: in@relay.company.net", minutes=1),
    )


def refs(out: str) -> list[str]:
    return [json.loads(line)["ref"] for line in out.splitlines()]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["Q4", "Q3", "Q2", "Q1"]),
        (["--most", "2"], ["Q4", "Q3"]),
        (["--verdict", "open"], ["Q2"]),
        (["--reason", "foreign-author"], ["Q2"]),
        (["--channel", "support"], ["Q4", "Q3", "Q1"]),
        (["--author", "EVA@customer.example"], ["Q2"]),
        (["--about", "anna@customer.example"], ["Q1"]),
        (["--since", "1h"], ["Q4", "Q3", "Q2"]),
        (["--since", (NOW - timedelta(minutes=15)).isoformat()], ["Q4", "Q3"]),
        (["--doubtful"], ["Q4"]),
    ],
)
@pytest.mark.usefixtures("filled")
def test_list_shows_what_is_asked_for_newest_first(
    relay: Run, options: list[str], expected: list[str]
) -> None:
    code, out, err = relay("journal", "list", "--json", *options)
    assert (code, refs(out), err) == (0, expected, "")
    code, out, _ = relay("journal", "list", *options)
    assert (code, [line.split()[2] for line in out.splitlines()]) == (0, expected)


def test_a_message_without_a_message_id_is_listed_as_one() -> None:
    assert line(entry("From: eva@customer.example")).endswith("  no Message-ID")
    assert line(entry("From: eva@customer.example", "Message-ID: <m@x.example>")).endswith("  <m@x.example>")


@pytest.mark.usefixtures("filled")
def test_show_says_why_and_what_else_is_known(relay: Run) -> None:
    code, out, _ = relay("journal", "show", "Q1")
    assert code == 0
    for words in (
        "auto-closed (outbound-copy)",
        "remedy",
        "m1@x.example",
        "CRM 9 (a hint",
        "rcpt to     <in@relay.company.net>: delivered, 250",
    ):
        assert words in out
    code, out, _ = relay("journal", "show", "--lang", "de", "<m1@x.example>")
    for words in (
        "Abhilfe",
        "  bekannt     Umschlag gegeben, Client gegeben, Nachrichtenkopf vollständig",
        "in@relay.company.net (Umschlag)",
        "CRM 9 (ein Hinweis, den jeder schreiben kann)",
        "<in@relay.company.net>: zugestellt, 250",
        "  angesehen   ",
        " durch: jemand mit der Kommandozeile",
    ):
        assert words in out
    labels = {line[2:14].strip() for line in out.splitlines() if line.startswith("  ") and line[2] != " "}
    english = {
        "author",
        "recipients",
        "known",
        "remedy",
        "at",
        "subject",
        "tool",
        "answer",
        "looked at",
        "reopened",
    }
    assert labels & english == set()
    code, out, _ = relay("journal", "show", "--json", "Q1")
    told = json.loads(out)
    assert (told["verdict"], told["client"]["address"], len(told["findings"])) == (
        "auto-closed",
        "198.51.100.7",
        9,
    )


@pytest.mark.usefixtures("filled")
def test_whoever_looks_at_an_entry_is_noted_and_shown_to_the_next_one(relay: Run) -> None:
    _, out, _ = relay("journal", "show", "Q1")
    assert "looked at" not in out
    _, out, _ = relay("journal", "show", "Q1")
    assert out.count("  looked at   ") == 1
    assert out.rstrip().endswith(" by command line")
    _, out, _ = relay("journal", "show", "--json", "Q1")
    assert [look["who"] for look in json.loads(out)["looks"]] == ["command line"] * 2
    _, out, _ = relay("journal", "export", "--about", "anna@customer.example")
    (told,) = map(json.loads, out.splitlines())
    assert [look["who"] for look in told["looks"]] == ["command line"] * 3


@pytest.mark.usefixtures("filled")
def test_export_gives_everything_oldest_first(relay: Run) -> None:
    _, out, _ = relay("journal", "export")
    assert refs(out) == ["Q1", "Q2", "Q3", "Q4"]
    assert all(
        {"findings", "recipients", "paths", "client", "reverse_path"} <= set(json.loads(line))
        for line in out.splitlines()
    )


@pytest.mark.usefixtures("filled")
def test_an_id_that_is_not_there_is_said_and_exits_with_1(relay: Run) -> None:
    code, out, err = relay("journal", "show", "nobody\x1b[31m")
    assert (code, out) == (1, "")
    assert err == "helpdesk-relay: nothing in the journal is called nobody\\x1b[31m\n"


@pytest.mark.usefixtures("filled")
def test_prune_goes_by_the_settings(relay: Run, folder: Path) -> None:
    config = folder / "channels.yaml"
    config.write_text(config.read_text() + "journal: {keep: 1d}\n")
    assert relay("journal", "prune") == (0, "pruned: 1\n", "")
    assert relay("journal", "prune", "--json") == (0, '{"pruned": 0}\n', "")
    _, out, _ = relay("journal", "list", "--json")
    assert refs(out) == ["Q4", "Q3", "Q2"]


@pytest.mark.usefixtures("filled")
def test_forget_removes_every_entry_that_names_an_address_and_never_a_whole_channel_by_mistake(
    relay: Run,
) -> None:
    assert relay("journal", "forget", "<Anna@Customer.example>") == (0, "forgotten: 1\n", "")
    assert relay("journal", "forget", "--json", "nobody@customer.example") == (0, '{"forgotten": 0}\n', "")
    code, _, err = relay("journal", "forget", "support@company.com")
    assert code == 64
    assert "one of ours" in err
    _, out, _ = relay("journal", "list", "--json")
    assert refs(out) == ["Q4", "Q3", "Q2"]
    assert relay("journal", "forget", "--ours", "support@company.com") == (0, "forgotten: 3\n", "")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--since", "yesterday"),
        ("list", "--about", "nobody"),
        ("list", "--author", "@"),
        ("list", "--reason", "because"),
        ("list", "--most", "0"),
        ("forget", "nobody"),
        ("show",),
        ("sing",),
    ],
)
def test_usage_errors_are_one_sentence_and_exit_with_64(relay: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = relay("journal", *arguments)
    assert (code, out) == (64, "")
    assert err.startswith("helpdesk-relay: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "verb", [("list",), ("show", "Q1"), ("export",), ("prune",), ("forget", "a@b.example")]
)
def test_a_journal_that_is_not_there_yet_is_said_and_exits_with_75(relay: Run, verb: tuple[str, ...]) -> None:
    code, _, err = relay("journal", *verb)
    assert code == 75
    assert "there is no journal" in err


def test_text_of_the_network_is_never_printed_raw(relay: Run, keep: Keep) -> None:
    keep(
        made(
            1,
            'From: "\x1b[31m" <support@company.com>',
            "To: =?utf-8?q?=1B[2J?= <a@customer.example>",
            "X-Mailer: \x1b]0;owned\x07",
        )
    )
    for verb in (("list",), ("show", "Q1")):
        _, out, _ = relay("journal", *verb)
        assert all(character.isprintable() or character == "\n" for character in out)


C1 = "\x9b2j\x7f\u202e\u2028"
"""What JSON leaves as it is, though a terminal obeys it: CSI in one character, and what turns a line around."""


@pytest.mark.parametrize(
    "verb",
    [
        ("journal", "list"),
        ("journal", "show", "Q1"),
        ("journal", "export"),
        ("explain", "--id", "Q1"),
        ("replay", "--journal"),
        ("replay", "--journal", "--against", "other.yaml"),
        ("explain", "evil.eml"),
        ("replay", "evil.eml"),
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_nothing_that_a_terminal_obeys_is_printed(
    relay: Run, keep: Keep, folder: Path, verb: tuple[str, ...], as_json: bool
) -> None:
    fields = (
        f'To: "y{C1}"@customer.example',
        f"Message-ID: <{C1}@evil.example>",
        f"X-Mailer: {C1}",
        f"Reply-To: <z{C1}@customer.example>",
    )
    keep(
        made(1, "From: support@company.com", *fields),
        made(2, f'From: "x{C1}"@evil.example', *fields),
    )
    (folder / "evil.eml").write_bytes("\n".join((f'From: "x{C1}"@evil.example', *fields, "", "x")).encode())
    channels = (folder / "channels.yaml").read_text()
    (folder / "other.yaml").write_text(channels.replace("also:", "auto_close: never\n    also:"))
    _, out, err = relay(*verb, *(["--json"] if as_json and verb[:2] != ("journal", "export") else []))
    assert err == ""
    assert out
    assert [c for c in out if not c.isprintable() and c != "\n"] == []
    if as_json and verb[-1] != "other.yaml":  # which names no address of it
        assert C1 in json.dumps(json.loads(out.split("\n")[0]), ensure_ascii=False)


@pytest.mark.parametrize(
    "verb", [("forget",), ("list", "--about"), ("list", "--since"), ("list", "--reason")]
)
def test_what_an_error_repeats_is_printed_as_an_escape(relay: Run, verb: tuple[str, ...]) -> None:
    code, out, err = relay("journal", *verb, "x\x1b[2J\x9b")
    assert (code, out) == (64, "")
    assert "\\x1b[2J\\x9b" in err
    assert err.count("\n") == 1

"""What the pages say is true: links lead somewhere, examples work, tables agree with the code."""

import io
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
import structlog
import yaml

from relay.cli import exits, run
from relay.cli.app import COMMANDS
from relay.events import Judged, TransactionEnded
from relay.judge import Disposition, Doubt, Question, Reason
from relay.mail.envelope import Client, Known, ReversePath
from relay.mail.reply import Reply
from relay.mail.view import unread_view
from relay.service.log import EventLog
from relay.service.survey.point import About, Answer
from relay.settings.model import LimitSettings
from relay.settings.parse import parse_settings
from tests.certificates import self_signed
from tests.delivery.dns_server import of_this_machine
from tests.docs.pages import PAGES, PATHS, TOP, Block, Page, coded, named, page
from tests.docs.walk import assert_printed, lines_of
from tests.samples import judged
from tests.test_cases import FOLDER, KEYS
from tests.test_cases import judged as judged_case

each_page = pytest.mark.parametrize("each", PAGES, ids=lambda each: each.name)

HASH = "$scrypt$ln=14,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
NEEDS_A_RELAY = {"serve", "sandbox", "queue", "journal", "--journal", "--id"}
FOR_PARTS = {
    "version": "version: 1",
    "channels": "channels: {support: {address: support@company.com}}",
    "deliver": 'deliver: {helpdesk: "smtp://desk.internal:25", mode: pass-through}',
}
"""What a part of a channels.yaml is completed with."""
PRIVATE_PATH = re.compile(r"/root\b|/home/\w|/tmp/")
LONGEST_LINE = 140


# links


def targets(each: Page) -> Iterator[tuple[str, Path, str]]:
    for link in each.links:
        if not re.match(r"[a-z]+:", link):
            path, _, anchor = link.partition("#")
            yield link, (each.path.parent / path).resolve() if path else each.path, anchor


@each_page
def test_every_link_leads_somewhere(each: Page):
    for link, target, anchor in targets(each):
        assert target.exists(), link
        assert target.is_relative_to(TOP), link
        assert not anchor or anchor in page(target).anchors, link


def test_every_page_can_be_reached():
    reached: set[Path] = set()
    ahead = [TOP / "README.md", TOP / "docs/index.md"]
    while ahead:
        path = ahead.pop()
        if path not in reached:
            reached.add(path)
            for _, target, _ in targets(page(path)):
                ahead += [
                    path for path in PATHS if path == target or (target.is_dir() and target in path.parents)
                ]
                if target == TOP / "docs":
                    ahead.append(TOP / "docs/index.md")
    assert [path.name for path in PATHS if path not in reached] == []


@each_page
def test_no_page_names_a_path_of_a_machine(each: Page):
    assert PRIVATE_PATH.findall(each.text) == []


@each_page
def test_lines_can_be_read_raw(each: Page):
    long = [line for line in each.prose if len(line) > LONGEST_LINE and not line.startswith("|")]
    assert long == []


# channels.yaml in the pages


def settings_blocks() -> list[object]:
    return [
        pytest.param(each, block, id=f"{each.name}:{block.line}")
        for each in PAGES
        for block in each.blocks
        if block.language == "yaml" and not block.comment
    ]


def completed(text: str) -> str:
    if re.search(r"^version:", text, re.MULTILINE):
        return text
    missing = [line for key, line in FOR_PARTS.items() if not re.search(rf"^{key}:", text, re.MULTILINE)]
    return "\n".join([text, *missing, ""])


def filled(text: str) -> str:
    """With a hash where a page leaves one out."""
    return re.sub(r"\$scrypt\$(?:…|\.\.\.)", HASH, text)


@pytest.mark.parametrize(("each", "block"), settings_blocks())
def test_a_relay_would_serve_with_every_channels_yaml_and_every_part_of_one(
    each: Page, block: Block, tmp_path: Path
):
    shutil.copy(self_signed(tmp_path / "cert.pem", "relay.company.com"), tmp_path / "key.pem")
    text = filled(completed(block.text))
    environ = dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), HASH)
    parse_settings(text, each.name, tmp_path, environ, serving=True)


# commands


def with_commands() -> list[Page]:
    return [each for each in PAGES if not each.run_by and any(commands(block) for block in each.blocks)]


def commands(block: Block) -> list[str]:
    """The command lines of a block that can be run here; ``test_walks.py`` runs all of them."""
    return [line for line in lines_of(block) if block.is_typed and runs_alone(line)]


def runs_alone(line: str) -> bool:
    """It is a command of ours that needs no relay beside it."""
    return line.startswith("helpdesk-relay ") and not NEEDS_A_RELAY & set(shlex.split(line, comments=True))


def prepare(each: Page, folder: Path) -> None:
    """Put into ``folder`` what the examples of a page are about."""
    shutil.copytree(TOP / "samples", folder / "samples")
    shutil.copy(TOP / "channels.yaml", folder)
    for block in each.blocks:
        if block.file:
            (folder / block.file).write_text(filled(block.text))


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose name server knows no name."""
    with of_this_machine({}, monkeypatch):
        yield


@pytest.mark.usefixtures("no_names")
@pytest.mark.parametrize("each", with_commands(), ids=lambda each: each.name)
def test_every_command_does_what_the_page_says(
    each: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    prepare(each, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HELPDESK_RELAY_CONFIG", raising=False)
    printed: str | None = None
    for block in each.blocks:
        if block.is_output and printed is not None:
            assert_printed(block, printed)
        if block.is_typed:
            printed = "" if commands(block) else None
            for line in commands(block):
                monkeypatch.setattr(
                    sys, "stdin", io.TextIOWrapper(io.BytesIO((TOP / "samples/customer.eml").read_bytes()))
                )
                expected = re.search(r"# exits with (\d+)", line)
                before_pipe = re.split(r" [|<>] ", line)[0]
                code = run(shlex.split(before_pipe, comments=True)[1:])
                out, err = capsys.readouterr()
                assert code == (int(expected[1]) if expected else 0), (
                    f"{each.name}:{block.line}: {line}\n{out}{err}"
                )
                printed += out + err


# what must agree with the code


def used_exits() -> set[int]:
    """The exit codes that some command can end with by now."""
    names = {
        name
        for path in (TOP / "relay").rglob("*.py")
        for name in re.findall(r"\bexits\.([A-Z_]+)", path.read_text())
    }
    return {getattr(exits, name) for name in names}


def test_the_exit_codes_of_operate_are_those_of_the_commands():
    assert [int(code) for code, _ in named("docs/operate.md").table("Exit codes")] == sorted(used_exits())


def test_the_exit_codes_of_the_readme_are_those_of_the_commands():
    paragraph = re.search(r"^Exit codes:.*?\n\n", named("README.md").text, re.MULTILINE | re.DOTALL)
    assert [int(code) for code in re.findall(r"\b(\d+) [a-z]", paragraph[0])] == sorted(
        used_exits() - {exits.INTERRUPTED}
    )


def test_the_commands_of_the_readme_are_those_that_there_are():
    assert [coded(row[0])[0] for row in named("README.md").table("Commands")] == list(COMMANDS)


def test_the_rule_names_every_question_and_every_reason():
    rows = named("docs/rule.md").table("The nine questions")
    assert [coded(row[0])[0] for row in rows] == [question.value for question in Question]
    reasons = [reason for row in rows for reason in coded(row[2])]
    assert reasons == [reason.value for reason in Reason if reason is not Reason.OUTBOUND_COPY]
    for word in (Reason.OUTBOUND_COPY, *Disposition):
        assert f"`{word}`" in named("docs/rule.md").text


def test_the_rule_names_every_doubt():
    assert [coded(row[0])[0] for row in named("docs/rule.md").table("Doubts")] == [
        doubt.value for doubt in Doubt
    ]


def test_operate_names_every_limit():
    assert [coded(row[0])[0] for row in named("docs/operate.md").table("Limits")] == [
        key.name for key in fields(LimitSettings)
    ]


def test_operate_names_what_check_dns_looks_at_and_its_answers():
    rows = named("docs/operate.md").table("DNS and servers")
    assert [coded(row[0])[0] for row in rows] == [about.value for about in About]
    rows = named("docs/operate.md").table("Its answers")
    assert [(coded(row[0])[0], int(row[2])) for row in rows] == [
        (answer.value, exits.NO if answer is Answer.NO else exits.DONE) for answer in Answer
    ]


def test_operate_names_every_field_of_a_messages_log_line():
    verdict = judged("From: care@shop.example", "To: orders@shop.example", "Reply-To: anna@mail.example")
    assert verdict.channel
    assert verdict.doubts
    seen = unread_view("", (), Client(), Known())
    client = Client(ip_address("198.51.100.7"), user="desk")
    event = TransactionEnded(
        "1",
        client,
        ReversePath("a@b.example"),
        1,
        10,
        Judged(seen, verdict, "1"),
        "smtp://desk:25",
        Reply(250, "2.0.0", "ok"),
        0.1,
        datetime.now(UTC),
    )
    with structlog.testing.capture_logs() as lines:
        EventLog().observe(event)
    (line,) = lines
    assert line["event"] == "message"
    told = {
        field for row in named("docs/operate.md").table("The line of a message") for field in coded(row[0])
    }
    assert set(line) - {"event", "log_level"} <= told


def test_operate_names_no_event_that_the_log_does_not_have():
    events = [event for row in named("docs/operate.md").table("Other events") for event in coded(row[0])]
    source = "".join(path.read_text() for path in (TOP / "relay/service").glob("*.py"))
    assert [event for event in events if f'"{event.removesuffix(" …")}' not in source] == []


def test_architecture_names_every_package():
    there = {path.stem for path in (TOP / "relay").glob("*.py") if path.stem != "__init__"}
    there |= {path.parent.name for path in (TOP / "relay").glob("*/*.py")}
    told = [name for row in named("docs/architecture.md").table("The packages") for name in coded(row[0])]
    assert sorted(told) == sorted(there)


def test_architecture_and_testing_name_only_files_that_there_are():
    for each in (named("docs/architecture.md"), named("docs/testing.md")):
        for name in re.findall(r"`([\w/]+\.py|tests/[\w/]*)`", "\n".join(each.prose)):
            found = (
                (TOP / name).exists()
                or (TOP / "relay" / name).exists()
                or list((TOP / "relay/intake").glob(name))
            )
            assert found, f"{each.name}: {name}"


def test_the_web_page_has_the_paths_that_its_documentation_names():
    from relay.web.access import Logins
    from relay.web.app import routes_of
    from tests.web.made import sources

    made = sources()
    paths = {re.sub(r"\{.*?\}", "1", route.path) for route in routes_of(made, Logins(made.settings))}
    for each, heading in (("docs/sandbox.md", "The page"), ("docs/web.md", "The pages")):
        told = {coded(row[0])[0] for row in named(each).table(heading)}
        assert told
        assert told <= paths


def test_a_case_in_the_documentation_gets_the_verdict_that_it_names():
    block = next(block for block in named("docs/testing.md").blocks if block.language == "yaml")
    (case,) = yaml.safe_load(block.text)
    assert set(case) <= KEYS
    verdict = judged_case(FOLDER / "authors.yaml", case, case["header"].encode())
    assert (verdict.disposition.value, verdict.reason.value) == (case["verdict"], case["reason"])


def test_the_sandbox_command_listens_where_its_documentation_says():
    from relay.cli.sandbox import command

    places = [parameter.default for parameter in command.params if parameter.name in ("smtp", "web")]
    assert places == ["127.0.0.1:1025", "127.0.0.1:8025"]
    for place in places:
        assert place in named("docs/sandbox.md").text

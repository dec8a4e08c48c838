"""No block of a page goes unrun: it is run as it stands, or names the test that does, or says why nobody can."""

import re
import shlex

import click
import pytest

from relay.cli.app import app
from tests.docs.pages import PAGES, SHELLS, TOP, Block, Page
from tests.docs.test_docs import runs_alone
from tests.docs.test_walks import SCENES
from tests.docs.walk import lines_of

BLOCKS = [
    pytest.param(each, block, id=f"{each.name}:{block.line}") for each in PAGES for block in each.blocks
]
NOTE = re.compile(r"<!-- (?:run by (?P<test>\S+)|not run: (?P<reason>\S.{15,})|printed above) -->")
PROGRAMS = (
    "helpdesk-relay",
    "swaks",
    "curl",
    "make",
    "sudo",
    "apt",
    "pip",
    "python",
    "docker",
    "systemctl",
    "$ ",
    "# ",
)


def is_run(each: Page, block: Block) -> bool:
    if block.language in SHELLS:
        alone = all(map(runs_alone, lines_of(block)))
        return block.is_typed and bool(alone or each.run_by or each.name in SCENES)
    return block.is_output or block.language == "yaml"


@pytest.mark.parametrize(("each", "block"), BLOCKS)
def test_a_block_is_run_or_names_who_runs_it_or_says_why_nobody_does(each: Page, block: Block):
    if block.comment:
        assert NOTE.fullmatch(block.comment), block.comment
    else:
        assert is_run(each, block), (
            f"{each.name}:{block.line}: nobody runs this {block.language or 'nameless'} block. Give its page a scene in "
            "tests/docs/test_walks.py, or put a comment above the block; docs/testing.md has the words"
        )


@pytest.mark.parametrize("each", PAGES, ids=lambda each: each.name)
def test_the_test_that_a_page_names_is_there_and_names_the_page(each: Page):
    notes = [NOTE.fullmatch(block.comment) for block in each.blocks]
    named = {note["test"] for note in notes if note and note["test"]} | ({each.run_by} - {None})
    for test in named:
        assert each.path.name in (TOP / test).read_text(), test


@pytest.mark.parametrize("each", PAGES, ids=lambda each: each.name)
def test_no_command_hides_among_text(each: Page):
    texts = [block for block in each.blocks if block.language not in SHELLS]
    hidden = [line for block in texts for line in block.text.splitlines() if line.startswith(PROGRAMS)]
    assert [line for line in hidden if not line.startswith("# ") or "yaml" not in line] == []


PYTHON = [
    pytest.param(block, id=f"{each.name}:{block.line}")
    for each in PAGES
    for block in each.blocks
    if block.language == "python"
]


@pytest.mark.parametrize("block", PYTHON)
def test_python_can_be_compiled(block: Block):
    compile(block.text, "page", "exec")


def in_prose() -> list[object]:
    """Our commands as sentences and tables name them."""
    return [
        pytest.param(command, id=f"{each.name}: {command}")
        for each in PAGES
        for command in dict.fromkeys(re.findall(r"`helpdesk-relay ([^`]+)`", "\n".join(each.prose)))
    ]


@pytest.mark.parametrize("command", in_prose())
def test_a_command_in_a_sentence_is_one_that_there_is(command: str):
    words = shlex.split(command, comments=True)
    found: click.Command = app
    while words and isinstance(found, click.Group):
        found = found.get_command(click.Context(found), words[0]) or pytest.fail(words.pop(0))
        words.pop(0)
    options = {name for parameter in found.params for name in parameter.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options


IN_THE_REPOSITORY = re.compile(r"(?:tests|bench|tools|docs|samples|docker|packaging|relay|\.ci)/[\w./-]+")


@pytest.mark.parametrize("each", PAGES, ids=lambda each: each.name)
def test_a_file_or_a_target_of_make_in_a_sentence_is_one_that_there_is(each: Page):
    said = [code.split() for code in re.findall(r"`([^`]+)`", "\n".join(each.prose))]
    said += [block.comment.split() for block in each.blocks if block.comment]
    files = [word for words in said for word in words if IN_THE_REPOSITORY.fullmatch(word)]
    assert [file for file in files if not (TOP / file).exists()] == []
    targets = {words[1] for words in said if words[0] == "make" and words[1:] and words[1].islower()}
    assert targets <= set(re.findall(r"^([a-z-]+):", (TOP / "Makefile").read_text(), re.MULTILINE))

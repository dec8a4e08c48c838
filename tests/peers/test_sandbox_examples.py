"""The examples of docs/sandbox.md, run as they stand there, against a sandbox: they pass and they fail when they should."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import TOP, page
from tests.live import Process, free_port

pytestmark = pytest.mark.peers

BLOCKS = page(TOP / "docs" / "sandbox.md").blocks
EXAMPLES = {
    "python": ("test_order.py", [sys.executable, "-m", "unittest", "test_order"]),
    "js": ("order.test.mjs", ["node", "--test", "order.test.mjs"]),
    "bash": ("order.sh", ["bash", "order.sh"]),
}
ORDER = next(block.text for block in BLOCKS if block.text.startswith("From: Company Shop"))


class Sandbox:
    """A folder in which an example finds its sandbox on ports that nobody else has."""

    def __init__(self, folder: Path, smtp: int, web: int) -> None:
        self._folder, self._smtp, self._web = folder, smtp, web

    def run(self, language: str, order: str) -> subprocess.CompletedProcess[str]:
        (text,) = [block.text for block in BLOCKS if block.language == language]
        assert text.count("127.0.0.1:8025") == 1, "the example asks where the page says"
        assert "1025" in text, "the example sends where the page says"
        name, command = EXAMPLES[language]
        text = text.replace("8025", str(self._web)).replace("1025", str(self._smtp))
        (self._folder / name).write_text(text)
        (self._folder / "order.eml").write_text(order)
        return subprocess.run(
            command, cwd=self._folder, capture_output=True, text=True, check=False, timeout=60
        )


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    smtp, web = free_port(), free_port()
    where = ("sandbox", "--smtp", f"127.0.0.1:{smtp}", "--web", f"127.0.0.1:{web}")
    with Process(tmp_path, (TOP / "channels.yaml").read_text(), *where).running(smtp):
        yield Sandbox(tmp_path, smtp, web)


@pytest.mark.parametrize("language", EXAMPLES)
def test_an_example_passes_for_a_message_that_stays_open_and_fails_for_one_that_would_be_closed(
    sandbox: Sandbox, language: str
) -> None:
    told = sandbox.run(language, ORDER)
    assert told.returncode == 0, told.stdout + told.stderr
    closed = ORDER.replace("support+shop@", "support@")
    assert closed != ORDER
    told = sandbox.run(language, closed)
    assert told.returncode == 1, told.stdout + told.stderr
    if language != "bash":
        assert "outbound-copy" in told.stdout + told.stderr


def test_the_page_has_no_other_examples() -> None:
    assert {block.language for block in BLOCKS} - {"sh", "yaml", "text"} == set(EXAMPLES)

"""The measuring itself: a short run of it, whose figures mean nothing, with real peers."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.docs.pages import named
from tests.live import TOP

pytestmark = pytest.mark.peers
RELAYS = {
    "pass-through",
    "pass-through-or-spool",
    "spool",
    "pass-through, two instances",
    "spool, two instances",
}
PAGE = "before\n<!-- made by make bench: begin -->\nold\n<!-- made by make bench: end -->\nafter\n"


def measured(folder: Path, *slices: str) -> dict[str, dict[str, object]]:
    """Run slices, shortly; Haraka takes part where npm can install it."""
    (folder / "images").mkdir(exist_ok=True)
    page, found = folder / "page.md", folder / "found.json"
    page.write_text(PAGE)
    command = [sys.executable, "-m", "bench.compare", "--short", "--page", page, "--found", found, *slices]
    command += [] if shutil.which("npm") else ["--without", "haraka"]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(found.read_text())


def test_the_slices_that_the_page_names_are_those_that_it_lists():
    (block,) = [block for block in named("docs/performance.md").blocks if block.language == "sh"]
    (listing,) = [line for line in block.text.splitlines() if "--list" in line]
    words = shlex.split(listing, comments=True)[1:]
    done = subprocess.run(
        [sys.executable, *words], cwd=TOP, capture_output=True, text=True, timeout=60, check=True
    )
    (some,) = re.findall(r'BENCH_ARGS="(.*?)"', block.text)
    assert set(some.split()) <= set(done.stdout.split())


def test_every_peer_is_measured_and_the_page_says_so(tmp_path: Path):
    peers = measured(tmp_path, "4k-10-many")["cases"]["4k-10-many"]
    assert {*peers} - {"haraka"} == RELAYS | {"floor", "postfix", "toy", "octets only"}
    for name, each in peers.items():
        assert each["rate"] > 0
        assert 0 < each["p50"] <= each["p99"]
        assert (each["cpu_median"] > 0) is (name != "floor")
    page = (tmp_path / "page.md").read_text()
    assert page.startswith("before\n")
    assert page.endswith("after\n")
    assert "old" not in page
    assert all(f"\n| {name} | " in page for name in peers)
    ET.parse(tmp_path / "images" / "performance.svg")


def test_what_is_measured_of_the_relay_alone_goes_into_the_page_beside_what_was_found_before(tmp_path: Path):
    measured(tmp_path, "micro", "explain")
    figures = measured(tmp_path, "memory", "loading", "reloading")["figures"]
    page = (tmp_path / "page.md").read_text()
    for name, figure in figures.items():
        assert figure > 0 or "more" in name
        assert f"\n| {name} | " in page
    assert {
        "header reader, µs",
        "content reader, 1 MB, µs",
        "view, verdict and stamp, 1 channels, µs",
        "milter message, 1 channels, µs",
        "`explain` on one message, whole process, ms",
        "idle relay with journal and page, MiB",
    } <= set(figures)


def test_the_bytecodes_of_a_message_are_counted_in_every_thread_by_module_and_by_function():
    command = [sys.executable, "-m", "bench.bytecodes", "spool", "--messages", "50", "--top", "400"]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    whole = re.match(r"(\d+) bytecodes and (\d+) calls for a message\n", done.stdout)
    assert whole is not None
    assert int(whole[1]) > int(whole[2]) > 100
    modules = {
        name: int(number) for number, name in re.findall(r"^ +(\d+)  (\S+)$", done.stdout, re.MULTILINE)
    }
    assert (
        min(modules[f"relay/{name}.py"] for name in ("intake/session", "judge/engine", "delivery/client")) > 0
    )
    assert modules["relay/journal/store/writing.py"] > 0, "a thread of its own"
    assert re.search(r"^ +\d+ in +1\.0 calls  judge \(relay/judge/engine\.py\)$", done.stdout, re.MULTILINE)

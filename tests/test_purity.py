"""Modules that promise to be pure import nothing that could do I/O, and call nothing that reads a clock or a die.

A list of what is forbidden would not see through packages and builtins, so imports are held against a list of
what is allowed.  The test of the test stands below.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PURE = (
    "relay.errors", "relay.mail.*", "relay.channels.*", "relay.judge.*", "relay.stamp", "relay.presets", "relay.events", "relay.settings.model",
    "relay.intake.paths", "relay.intake.content", "relay.milter.packets", "relay.milter.session", "relay.delivery.route", "relay.spool.schedule",
    "relay.journal.entry", "relay.journal.digest", "relay.replay.whatif",
)  # fmt: skip
"""Those that the architecture marks; a module whose own text says "Pure" is held to it too."""
ALLOWED = {
    "dataclasses", "enum", "re", "typing", "collections", "collections.abc", "functools", "itertools", "ipaddress", "hashlib", "hmac", "base64",
    "datetime", "unicodedata", "idna",
    "operator",  # settings.dormant: itemgetter and its like
    "struct",  # milter.packets: numbers to octets
    "orjson",  # journal.record: text to values and back
    "json",  # channels.book: the fixed form that a book's digest is taken of
    "quopri",  # mail.encoded_words: decode
}  # fmt: skip
ONLY_FOR = {
    "relay.settings.dormant": {"relay.settings.reading"},  # from a key to its attribute
    "relay.mail.line_ends": {"io.IncrementalNewlineDecoder"},  # reads nothing: it is given text
}
"""What one module may import beyond that."""
FORBIDDEN_NAMES = {
    "open", "print", "input", "exec", "eval", "compile", "__import__", "breakpoint", "globals", "vars",
}  # fmt: skip
FORBIDDEN_ATTRIBUTES = {"now", "utcnow", "today", "uuid1", "uuid4", "fromtimestamp"}


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def marked(name: str) -> bool:
    return any(
        name == mark.removesuffix(".*") or (mark.endswith("*") and name.startswith(mark[:-1]))
        for mark in PURE
    )


def promises(file: Path) -> bool:
    """The module's own text says "Pure"."""
    said = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    return re.search(r"\bPure\b", said) is not None


def found_modules() -> dict[str, Path]:
    files = {module_name(file): file for file in sorted((ROOT / "relay").rglob("*.py"))}
    return {name: file for name, file in files.items() if marked(name) or promises(file)}


MODULES = found_modules()


def impurities(source: str, name: str, pure: set[str]) -> Iterator[str]:
    """Yield what in ``source``, the module ``name``, breaks the promise; ``pure`` are the modules that keep it."""
    allowed = ALLOWED | ONLY_FOR.get(name, set())
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (f"imports {alias.name}" for alias in names if alias.name not in allowed | pure)
            case ast.ImportFrom(level=level) if level:
                yield "imports relatively"
            case ast.ImportFrom(module=str(module), names=names):
                modules = (
                    [module] if module in allowed | pure else [f"{module}.{alias.name}" for alias in names]
                )
                yield from (f"imports {wanted}" for wanted in modules if wanted not in allowed | pure)
            case ast.Name(id=word, ctx=ast.Load()) if word in FORBIDDEN_NAMES:
                yield f"uses {word}"
            case ast.Attribute(attr=word) if word in FORBIDDEN_ATTRIBUTES:
                yield f"uses .{word}"
            case ast.Global():
                yield "has global variables"


@pytest.mark.parametrize("name", MODULES)
def test_a_pure_module_does_no_io_and_reads_no_clock(name: str) -> None:
    assert list(impurities(MODULES[name].read_text("utf-8"), name, set(MODULES))) == []


@pytest.mark.parametrize("name", [name for name in MODULES if marked(name)])
def test_a_pure_module_says_so(name: str) -> None:
    assert promises(MODULES[name])


def test_the_pure_core_is_found() -> None:
    core = {"relay.errors", "relay.mail.view", "relay.channels.book", "relay.judge.engine", "relay.stamp"}
    assert core <= set(MODULES)
    assert "relay.pipeline" not in MODULES


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import re\nfrom collections.abc import Iterable\nimport idna", []),
        ("from relay.mail.address import Mailbox", []),
        ("from relay.mail import address", []),
        ("import os", ["imports os"]),
        ("import os.path", ["imports os.path"]),
        ("import re, socket", ["imports socket"]),
        ("from pathlib import Path", ["imports pathlib.Path"]),
        ("from time import time", ["imports time.time"]),
        ("import urllib.request as re", ["imports urllib.request"]),
        ("from relay.pipeline import PassThrough", ["imports relay.pipeline.PassThrough"]),
        ("from relay import pipeline", ["imports relay.pipeline"]),
        ("from . import address", ["imports relatively"]),
        ("def f():\n    import random", ["imports random"]),
        ("open('x')", ["uses open"]),
        ("f = print", ["uses print"]),
        ("class Rules:\n    open: str", []),
        ("from datetime import datetime\ndatetime.now()", ["uses .now"]),
        ("from datetime import date\nx = date.today", ["uses .today"]),
        ("import uuid\nuuid.uuid4()", ["imports uuid", "uses .uuid4"]),
        ("__import__('os')", ["uses __import__"]),
        ("def f():\n    global x\n    x = 1", ["has global variables"]),
        ("async def f(): ...", []),
    ],
)
def test_the_checker_sees_what_is_impure_and_nothing_else(source: str, expected: list[str]) -> None:
    assert list(impurities(source, "relay.mail.new", {"relay.mail.address"})) == expected


def test_what_one_module_may_import_no_other_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ONLY_FOR, "relay.settings.model", {"pydantic"})  # the checker's own table
    assert list(impurities("import pydantic", "relay.settings.model", set())) == []
    assert list(impurities("import pydantic", "relay.mail.view", set())) == ["imports pydantic"]

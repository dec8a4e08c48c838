"""Run the conversations of tests/dialogs against a session.

A file holds dialogues that begin with ``== title``.  Their lines:
``C: text``    the client says it, and CRLF (backslash escapes as in Python);
``C~ text``    the client says it without CRLF;
``S: text``    the server answers with this line; ``...`` stands for anything;
``M: text``    a message was handed on with exactly this content (backslash escapes);
``M: none``    no message was handed on;
``X:``         the server closes the connection;
``@ words``    settings: auth=optional|required, tls=required, recipients=N, size=N, junk=N, xclient.
Behind the seam, ``refused@``, ``later@`` and ``boom@`` get 550, 451 and a bug; the users are anna (secret) and jörg.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from intake_fakes import Caller, House, calling, running, terms_of

from relay.channels.networks import Networks
from relay.intake.terms import AuthMode, IntakeLimits, ListenerSettings, TlsMode

FOLDER = Path(__file__).parent.parent / "dialogs"


def dialogues() -> list[tuple[str, list[str]]]:
    found = []
    for path in sorted(FOLDER.glob("*.txt")):
        for part in re.split(r"^== ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            title, *lines = part.splitlines()
            found.append(
                (f"{path.stem}: {title}", [line for line in lines if line and not line.startswith("#")])
            )
    return found


def settings_of(lines: list[str]) -> tuple[ListenerSettings, IntakeLimits]:
    words = dict(word.partition("=")[::2] for line in lines if line[0] == "@" for word in line[1:].split())
    limits = IntakeLimits(
        auth_delay=0.0,
        recipients=int(words.get("recipients", 1000)),
        message_size=int(words.get("size", 50_000_000)),
        junk_commands=int(words.get("junk", 20)),
    )
    listener = ListenerSettings(
        "127.0.0.1",
        0,
        tls=TlsMode(words.get("tls", "opportunistic")),
        auth=AuthMode(words.get("auth", "none")),
        xclient=Networks([ip_network("127.0.9.0/24")] if "xclient" in words else []),
    )
    return listener, limits


def octets_of(text: str) -> bytes:
    escaped = re.sub(r"\\x([0-9a-f]{2})|\\([rnt\\])", lambda m: _unescaped(m[1], m[2]), text)
    return escaped.encode("utf-8", "surrogateescape")


def _unescaped(number: str | None, letter: str) -> str:
    if number is None:
        return {"r": "\r", "n": "\n", "t": "\t", "\\": "\\"}[letter]
    return bytes([int(number, 16)]).decode("utf-8", "surrogateescape")


async def step(kind: str, text: str, caller: Caller, delivered: Iterator[bytes]) -> None:
    match kind:
        case "C:":
            await caller.say(octets_of(text) + b"\r\n")
        case "C~":
            await caller.say(octets_of(text))
        case "S:":
            line = (await caller.reader.readline()).decode("ascii")
            pattern = ".*".join(map(re.escape, text.split("...")))
            assert re.fullmatch(pattern + "\r\n", line), f"{text!r} was expected, {line!r} came"
        case "X:":
            assert await caller.reader.read() == b""
        case "M:" if text == "none":
            assert next(delivered, None) is None
        case "M:":
            assert next(delivered, None) == octets_of(text)
        case _:
            assert kind[0] == "@", kind


@pytest.mark.parametrize("lines", [pytest.param(lines, id=title) for title, lines in dialogues()])
async def test_a_dialogue_goes_as_it_is_written(house: House, tmp_path: Path, lines: list[str]) -> None:
    listener, limits = settings_of(lines)
    async with (
        running(terms_of(house, tmp_path, limits=limits), listener) as intake,
        calling(intake) as caller,
    ):
        delivered = (t.octets for t in house.transactions if t.octets is not None)
        for line in lines:
            await step(line[:2], line[3:], caller, delivered)
        await caller.say(b"NOOP\r\n" if not any(line[:2] == "X:" for line in lines) else b"")
        if not any(line[:2] == "X:" for line in lines):
            assert await caller.reader.readline() == b"250 2.0.0 OK\r\n", (
                "something was said that is not in the dialogue"
            )


def test_there_are_enough_rows() -> None:
    assert sum(line[:2] in ("C:", "C~") for _, lines in dialogues() for line in lines) >= 150

"""What is written down: nothing that came from the network, or from a bug, moves a terminal's cursor."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from relay.errors import UnavailableError
from relay.events import Fault
from relay.intake.events import AuthenticationFailed
from relay.judge import Disposition
from relay.mail.envelope import Client
from relay.service.log import EventLog
from relay.settings.words import LogFormat, LogLevel

EVIL = "a\x1b[2J\x9b\x7f\u202e"


def fault() -> Fault:
    try:
        raise ValueError(EVIL)
    except ValueError as error:
        return Fault("reading a message", error)


@pytest.mark.parametrize("form", [LogFormat.TEXT, LogFormat.JSON])
def test_nothing_that_a_terminal_obeys_is_written(
    form: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    log = EventLog()
    log.configure(form, LogLevel.INFO)
    log.say("plain", what=EVIL, more={"in": EVIL}, listed=[EVIL])
    log.observe(AuthenticationFailed(Client(), EVIL))
    log.observe(fault())
    written = capsys.readouterr().err
    assert "Traceback" in written
    assert written.count("2J") >= 4
    assert [c for c in written if not c.isprintable() and c != "\n"] == []
    if form is LogFormat.JSON:
        assert json.loads(written.splitlines()[0])["what"] == EVIL


def test_a_line_says_what_when_and_how_grave_and_an_expected_fault_has_no_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = EventLog()
    log.configure(LogFormat.JSON, LogLevel.INFO)
    log.error("plain", verdict=Disposition.OPEN)
    log.observe(Fault("keeping the journal", UnavailableError("away")))
    plain, expected = map(json.loads, capsys.readouterr().err.splitlines())
    at = datetime.fromisoformat(plain.pop("timestamp"))
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert plain == {"event": "plain", "level": "error", "verdict": "open"}
    assert expected.pop("timestamp").endswith("Z")
    assert expected == {
        "event": "a fault of ours while keeping the journal",
        "level": "error",
        "error": "UnavailableError",
    }


def test_what_came_from_the_network_begins_no_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    log = EventLog()
    log.configure(LogFormat.TEXT, LogLevel.INFO)
    log.say("plain\nnews", what="a\n2026-01-01 [info] message verdict=open", verdict=Disposition.OPEN)
    (line,) = capsys.readouterr().err.splitlines()
    assert "[info" in line
    assert "verdict=open" in line.split()

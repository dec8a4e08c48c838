"""What is written down: nothing that came from the network, or from a bug, moves a terminal's cursor."""

import json

import pytest

from relay.events import Fault
from relay.intake.events import AuthenticationFailed
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

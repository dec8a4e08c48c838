"""The journal's database is killed under load, in every mode: no mail is lost, and the journal goes on when it is back."""

import signal
import time
from pathlib import Path

import pytest

from tests.live import Helpdesk, Process, channels, free_port
from tests.peers.postgresql import postgresql
from tests.peers.test_crash_live import Load, arrived
from tests.service.test_live_journal import relay_command

pytestmark = pytest.mark.peers


def until(holds: object, relay: Process) -> None:
    for _ in range(2400):
        if holds():  # type: ignore[operator]
            return
        time.sleep(0.05)
    raise AssertionError(relay.said())


@pytest.mark.parametrize("mode", ["pass-through", "spool", "pass-through-or-spool"])
def test_mail_does_not_notice_that_the_journals_database_is_killed(tmp_path: Path, mode: str) -> None:
    port, desk = free_port(), Helpdesk()
    with postgresql() as server, desk.running():
        url = server.database()
        text = channels(port, desk.port, f'journal: {{url: "{url}"}}').replace(
            "mode: pass-through", f"mode: {mode}"
        )
        relay = Process(tmp_path, text)
        with relay.running(port):
            load = Load(port)
            with load.running():
                until(lambda: len(load.answered) > 50, relay)
                server.stop(signal.SIGKILL)
                before = len(load.answered)
                until(lambda: len(load.answered) > before + 100, relay)
                relay.waits_to_say("the journal does not work now")
                server.start()
                before = len(load.answered)
                until(lambda: len(load.answered) > before + 50, relay)
            until(lambda: load.answered <= set(arrived(desk)), relay)
            assert sum(arrived(desk).values()) == load.sent
            until(lambda: len(relay_command(relay, "journal", "list", "--json")) >= load.sent, relay)
    assert "the journal lost entries" not in relay.said()
    assert "Traceback" not in relay.said()

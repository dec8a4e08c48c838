"""A helpdesk that fails at each verb in each way: what the client hears, and that mail arrives or is reported once."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import aiosmtplib
import pytest

from relay.service.log import EventLog
from relay.service.relay import Relay
from relay.settings.model import Settings
from relay.settings.parse import parse_settings
from tests.delivery.scripted import DROP, GOOD, HANG, ScriptedHop, Step
from tests.live import free_port

pytestmark = pytest.mark.peers

LATER, NEVER, RUBBISH = b"451 4.3.0 later\r\n", b"550 5.7.1 never\r\n", b"good morning\r\n"
VERBS = ("GREETING", "MAIL", "RCPT", "DATA", ".")
STEPS: tuple[Step, ...] = (LATER, NEVER, HANG, DROP, RUBBISH)
FAULTS = [(verb, step) for verb in VERBS for step in STEPS]
COPY = "From: support@company.com\r\nTo: anna@customer.example\r\nSubject: Hi\r\n\r\nBody\r\n"


@dataclass
class Told:
    """What became of one message."""

    code: int
    arrivals: int = 0
    """How often the helpdesk got the content, whatever it said to it."""
    reports: int = 0
    waiting: int = 0


def settings(folder: Path, port: int, desk: int, world: int, mode: str) -> Settings:
    text = f"""\
version: 1
hostname: relay.company.com
channels: {{support: {{address: support@company.com, inbound: [in@relay.company.net]}}}}
listen: {{smtp: [{{address: "127.0.0.1:{port}"}}]}}
spool: {{retry: [1s], unknown_retry: 1s}}
deliver:
  helpdesk: smtp://127.0.0.1:{desk}
  reports: smtp://127.0.0.1:{world}
  mode: {mode}
  timeouts: {{connect: 2s, reply: 1s, content: 1s, while_client_waits: 5s}}
log: {{level: error}}
"""
    return parse_settings(text, "channels.yaml", folder, {}, serving=True)


async def send(port: int) -> int:
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, timeout=30)
    await client.connect()
    try:
        await client.ehlo()
        await client.mail("bounce@crm.example")
        await client.rcpt("in@relay.company.net")
        return (await client.data(COPY)).code
    except aiosmtplib.SMTPResponseException as refused:
        return refused.code
    finally:
        client.close()


async def walk(folder: Path, mode: str, verb: str, steps: list[Step]) -> Told:
    """Send one message through a relay to a helpdesk that goes by ``steps`` at ``verb``."""
    port = free_port()
    async with ScriptedHop({verb: steps}) as desk, ScriptedHop() as world:
        chosen = settings(folder, port, desk.port, world.port, mode)
        relay = Relay(chosen, lambda: chosen, EventLog())
        await relay.start()
        try:
            told = Told(await send(port))
            if mode != "pass-through":
                assert relay._spooling is not None
                for _ in range(700):
                    depth = await relay._spooling.store.depth()
                    told.waiting = depth.waiting + depth.held
                    if not told.waiting:
                        break
                    await asyncio.sleep(0.1)
        finally:
            await relay.stop(0)
        told.arrivals = sum(len(session.contents) for session in desk.sessions)
        told.reports = sum(len(session.contents) for session in world.sessions)
    return told


async def walk_all(tmp_path: Path, mode: str, *, once: bool) -> dict[tuple[str, Step], Told]:
    """Walk every fault; ``once``: the helpdesk is well afterwards."""

    async def one(number: int, verb: str, step: Step) -> Told:
        folder = tmp_path / str(number)
        folder.mkdir()
        return await walk(folder, mode, verb, [step, GOOD[verb]] if once else [step])

    told = await asyncio.gather(*(one(number, *fault) for number, fault in enumerate(FAULTS)))
    return dict(zip(FAULTS, told, strict=True))


@pytest.mark.timeout(150)
async def test_in_pass_through_the_client_hears_the_class_of_the_fault(tmp_path: Path):
    told = await walk_all(tmp_path, "pass-through", once=False)
    heard = {fault: one.code // 100 for fault, one in told.items()}
    expected = {(verb, step): 5 if step is NEVER and verb != "GREETING" else 4 for verb, step in FAULTS}
    assert heard == expected
    assert sum(one.reports for one in told.values()) == 0


@pytest.mark.timeout(150)
async def test_with_a_try_at_once_a_refusal_is_the_clients_and_everything_else_arrives(tmp_path: Path):
    told = await walk_all(tmp_path, "pass-through-or-spool", once=True)
    for (verb, step), one in told.items():
        refused = step is NEVER and verb != "GREETING"
        assert one.code // 100 == (5 if refused else 2), (verb, step, one)
        assert one.waiting == one.reports == 0, (verb, step, one)
        seen_before_the_fault = verb == "."
        assert one.arrivals == (0 if refused else 1) + seen_before_the_fault, (verb, step, one)


@pytest.mark.timeout(150)
async def test_from_the_spool_a_refusal_is_reported_once_and_everything_else_arrives(tmp_path: Path):
    told = await walk_all(tmp_path, "spool", once=True)
    for (verb, step), one in told.items():
        refused = step is NEVER and verb != "GREETING"
        assert one.code == 250, (verb, step, one)
        assert (one.waiting, one.reports) == (0, 1 if refused else 0), (verb, step, one)
        assert one.arrivals == (0 if refused else 1) + (verb == "."), (verb, step, one)

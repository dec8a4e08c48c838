"""A milter as a process of its own, wired from a channels.yaml: ``python -m tests.milter.wiring channels.yaml``.

Prints one JSON object a line for every decision and every event.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import uvloop

from relay.events import Fault
from relay.milter.judging import Judgement, decision_on, judge_message
from relay.milter.server import Milter
from relay.milter.terms import Decision, Message, Terms
from relay.service.milter import milter_limits, milter_listeners
from relay.service.stamping import stamp_rules_of
from relay.settings.model import Settings
from relay.settings.parse import read_settings

Observe = Callable[[object], None]
Told = Callable[[Message, Judgement], None]


def terms_of(settings: Settings, observe: Observe, told: Told) -> Terms:
    book, rules, milter = settings.book(), stamp_rules_of(settings), settings.milter
    fallback = decision_on(milter.on_failure)

    def decide(message: Message) -> Decision:
        try:
            judgement = judge_message(message, book, rules, milter.mixed)
        except Exception as error:
            observe(Fault("judging for the milter", error))
            return fallback
        told(message, judgement)
        return judgement.decision

    return Terms(
        decide=decide,
        forged=rules.for_the_helpdesk,
        fallback=fallback,
        header_size=settings.limits.header_size,
    )


def _say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def _told(message: Message, judgement: Judgement) -> None:
    verdict = judgement.verdict
    if verdict is None:
        _say(verdict=None, id=message.queue_id)
        return
    _say(
        verdict=verdict.disposition.value,
        reason=verdict.reason.value,
        channel=verdict.channel.name if verdict.channel else None,
        author=str(verdict.author) if verdict.author else None,
        doubts=[doubt.value for doubt in verdict.doubts],
        recipients=[f"{seen.mailbox} in {seen.where}" for seen in verdict.recipients[:50]],
        id=message.queue_id,
        client=str(message.client.address),
        user=message.client.user,
        header=verdict.known.header.value,
        octets=len(message.head),
        seconds=time.monotonic() - message.began,
    )


def _quiet(_: Message, __: Judgement) -> None:
    return


async def serve(settings: Settings, told: Told = _told) -> None:
    def observe(event: object) -> None:
        _say(event=type(event).__name__, words=repr(event))

    milter = Milter(terms_of(settings, observe, told), observe, milter_limits(settings))
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await milter.listen(milter_listeners(settings))
    _say(event="ready", port=[port for _, port in milter.addresses])
    await stopping.wait()
    await milter.stop(settings.drain.total_seconds())


if __name__ == "__main__":
    uvloop.run(serve(read_settings(Path(sys.argv[1]), {}), _quiet if "--quiet" in sys.argv else _told))

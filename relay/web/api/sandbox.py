"""What the stand-in helpdesk got: for the tests of whoever builds a tool that sends mail."""

import asyncio
from dataclasses import dataclass

from relay.judge import Disposition
from relay.mail.text import unicode_text
from relay.sandbox.inbox import Message, SandboxInbox
from relay.settings.words import Right
from relay.web.answers import RefusedRequestError
from relay.web.api import fields
from relay.web.api.operation import Call, Operation
from relay.web.api.shapes import sandbox as shapes

LONGEST_WAIT = 60
"""Seconds."""
_NO_SANDBOX = "The helpdesk is a real one (`deliver.helpdesk` is not `sandbox`)."
_NOT_KEPT = "There is no such message (any more)."
_ID = fields.number("id", "Of a message.", 1, fields.LARGEST)
_QUERY = (
    fields.words("message_id", "Only this Message-ID, with or without angle brackets.", 998),
    fields.address("rcpt_to", "Only what arrived for this forward-path."),
    fields.words("subject", "Only what has this in its Subject, in any case.", 998),
    fields.VERDICT,
    fields.number("after", "Only what arrived behind the message with this `id`.", 0, fields.LARGEST, 0),
    fields.number("before", "Only what arrived in front of the message with this `id`.", 1, fields.LARGEST),
    fields.number(
        *("wait", "Wait so many seconds at most until as many as `count` are there.", 0, LONGEST_WAIT, 0)
    ),
    fields.number("count", "So many are waited for.", 1, 1000, 1),
    fields.number("limit", "So many at most.", 1, 1000, 1000),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages are meant."""

    message_id: str | None
    rcpt_to: str | None
    subject: str
    verdict: Disposition | None
    after: int
    before: int

    def means(self, message: Message) -> bool:
        """Tell whether a message is one of them."""
        paths = [path.lower() for path in message.forward_paths]
        return (
            self.after < message.id < self.before
            and self.message_id in (None, message.message_id)
            and (self.rcpt_to is None or self.rcpt_to in paths)
            and self.subject in message.subject.lower()
            and self.verdict in (None, message.verdict)
        )


async def _list(call: Call) -> object:
    inbox, values = _inbox(call), call.values
    wanted = Wanted(
        message_id=_bare(values["message_id"]),
        rcpt_to=values["rcpt_to"].lower() if values["rcpt_to"] is not None else None,
        subject=(values["subject"] or "").lower(),
        verdict=values["verdict"],
        after=values["after"],
        before=values["before"] or fields.LARGEST,
    )
    found = await _awaited(inbox, wanted, values["count"], values["wait"])
    return [_told(message) for message in found[: values["limit"]]]


async def _awaited(inbox: SandboxInbox, wanted: Wanted, count: int, seconds: int) -> list[Message]:
    """Return what is meant, the newest first, as soon as it is ``count`` or the time is over."""
    found = list(filter(wanted.means, inbox.messages()))
    try:
        async with asyncio.timeout(seconds):
            while len(found) < count:
                await inbox.next_arrival()
                found = list(filter(wanted.means, inbox.messages()))
    except TimeoutError:
        pass  # then there is only so much
    return found


async def _show(call: Call) -> object:
    message = _inbox(call).get(call.values["id"])
    if message is None:
        raise RefusedRequestError(404, _NOT_KEPT)
    return {
        **_told(message),
        "content": message.octets.decode(errors="replace"),
        "whole": len(message.octets) == message.size,
    }


async def _clear(call: Call) -> object:
    _inbox(call).clear()
    return None


def _told(message: Message) -> dict[str, object]:
    return {
        "id": message.id,
        "received_at": message.received_at.isoformat(timespec="seconds"),
        "message_id": message.message_id,
        "reverse_path": message.reverse_path,
        "forward_paths": list(message.forward_paths),
        "verdict": message.verdict,
        "reason": message.reason,
        "channel": message.channel or None,
        "decision": message.decision or None,
        "subject": message.subject,
        "from": message.author,
        "to": message.to,
        "size": message.size,
        "stamp": list(message.stamp),
    }


def _bare(message_id: str | None) -> str | None:
    return unicode_text(message_id.strip().removeprefix("<").removesuffix(">")) if message_id else None


def _inbox(call: Call) -> SandboxInbox:
    found = call.sources.inbox()
    if found is None:
        raise RefusedRequestError(404, _NO_SANDBOX)
    return found


OPERATIONS = (
    Operation(
        *("GET", "/sandbox/messages", "listSandboxMessages", "Sandbox"),
        "List what the stand-in helpdesk got, newest first, or wait for it",
        does=_list,
        answers=list[shapes.SandboxMessage],
        query=_QUERY,
        refusals={404: _NO_SANDBOX},
    ),
    Operation(
        *("GET", "/sandbox/messages/{id}", "showSandboxMessage", "Sandbox", "Show one message"),
        does=_show,
        answers=shapes.SandboxContent,
        inside=(_ID,),
        refusals={404: f"{_NOT_KEPT} Or: {_NO_SANDBOX}"},
    ),
    Operation(
        *("DELETE", "/sandbox/messages", "clearSandboxMessages", "Sandbox", "Forget everything that arrived"),
        does=_clear,
        answers=None,
        right=Right.OPERATE,
        here_by_anybody=True,
        refusals={404: _NO_SANDBOX},
    ),
)

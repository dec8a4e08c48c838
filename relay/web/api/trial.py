"""Try a message: the verdict that it would get; nothing is stored."""

from relay.judge.answer import answer
from relay.web.api import fields
from relay.web.api.operation import Body, Call, Operation
from relay.web.api.shapes import verdict as shapes
from relay.web.guard import LARGE
from relay.web.sources import Trial

_MESSAGE = fields.words(
    "message",
    "The message with its header section; the rest matters only to a signature of the platform. Octets that are no "
    "UTF-8 need message/rfc822.",
    LARGE,
)


async def _try(call: Call) -> object:
    values = call.values
    message = values["message"]
    tried = await call.sources.judge(
        Trial(
            octets=message if isinstance(message, bytes) else message.encode(),
            reverse_path=values["mail_from"],
            forward_paths=tuple(values["rcpt_to"]),
            address=values["client_ip"],
            user=values["auth_user"],
        )
    )
    return {"file": "-", **answer(tried.verdict, list(tried.stamp), values["lang"])}


OPERATIONS = (
    Operation(
        *(
            "POST",
            "/try",
            "tryMessage",
            "Trying",
            "Judge a message by the channels in force; nothing is stored",
        ),
        does=_try,
        answers=shapes.Tried,
        query=(*fields.ENVELOPE, fields.LANG),
        body=Body((_MESSAGE, *fields.ENVELOPE), ("message",), raw=True),
    ),
)

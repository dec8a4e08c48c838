"""The channels in force, and the book that they stand in."""

import asyncio

from relay.channels import Channel, ChannelBook
from relay.judge.closable import closable
from relay.judge.explain import Language
from relay.web.api import fields
from relay.web.api.operation import Call, Operation
from relay.web.api.shapes import relay as shapes
from relay.web.books import channels_like

_LIMIT = fields.number("limit", "So many at most.", 1, 1000, 200)
_Q = fields.words("q", "Only channels of whose name or addresses this is a part.", 254)


async def _channels(call: Call) -> object:
    values, book = call.values, call.sources.book()
    found = await asyncio.to_thread(channels_like, book, values["q"] or "")
    begin, most = int(values["cursor"] or 0), values["limit"]
    page = found[begin : begin + most]
    rule, platform = book.rule, book.platform
    return {
        "channels": [_channel(channel, book, values["lang"]) for channel in page],
        "next": str(begin + most) if len(found) > begin + most else None,
        "rule": {
            "bcc_evidence": sorted(each.value for each in rule.bcc_evidence),
            "when_in_doubt": rule.when_in_doubt.value,
            "subaddress_separator": rule.subaddress_separator,
        },
        "platform": {
            "networks": list(map(str, platform.networks.all)),
            "users": sorted(platform.users),
            "dkim_domains": sorted(platform.dkim_domains),
            "authserv_ids": sorted(platform.authserv_ids),
        },
        "trusted_trace": list(map(str, book.trusted_trace.all)),
        "domains": sorted(book.domains),
        "inside": sorted(book.inside),
        "header_size": book.header_size,
        "book": book.digest,
    }


def _channel(channel: Channel, book: ChannelBook, language: Language) -> dict[str, object]:
    return {
        "name": channel.name,
        "address": str(channel.address),
        "also": list(map(str, channel.also)),
        "inbound": list(map(str, channel.inbound)),
        "auto_close": channel.auto_close.value,
        "when_in_doubt": book.in_doubt(channel).value,
        "closable": closable(channel, book, language),
    }


OPERATIONS = (
    Operation(
        *("GET", "/channels", "listChannels", "Relay"),
        "List the channels in force, and all that a verdict depends on",
        does=_channels,
        answers=shapes.Channels,
        query=(_Q, fields.LANG, fields.CURSOR, _LIMIT),
    ),
)

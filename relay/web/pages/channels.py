"""The channels in force, how each is set, what each can close, and the digest of the book."""

import asyncio
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from relay.channels import Channel, ChannelBook
from relay.judge.closable import closable
from relay.web.access import require_read
from relay.web.books import channels_like
from relay.web.pages.rendering import Rendering

_MOST = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One channel."""

    channel: Channel
    when_in_doubt: str
    closable: str


async def channels(rendering: Rendering, request: Request) -> Response:
    """Show the channels, or those that a name or an address is a part of."""
    require_read(request)
    book = rendering.sources.book()
    wanted = request.query_params.get("q", "").strip().lower()
    found = await asyncio.to_thread(channels_like, book, wanted)
    language = rendering.language(request)
    return rendering.page(
        request,
        "channels.html",
        q=wanted,
        rows=[
            Row(channel, book.in_doubt(channel).value, closable(channel, book, language))
            for channel in found[:_MOST]
        ],
        more=max(0, len(found) - _MOST),
        rule=_rule(book),
        book=book.digest,
    )


def _rule(book: ChannelBook) -> list[tuple[str, str]]:
    """Return what besides the channels a verdict depends on, by the keys of channels.yaml."""
    platform = book.platform
    return [
        ("rule.bcc_evidence", ", ".join(sorted(book.rule.bcc_evidence))),
        ("rule.when_in_doubt", book.rule.when_in_doubt.value),
        ("rule.subaddress_separator", book.rule.subaddress_separator),
        ("platform.networks", ", ".join(map(str, platform.networks.all))),
        ("platform.users", ", ".join(sorted(platform.users))),
        ("platform.dkim_domains", ", ".join(sorted(platform.dkim_domains))),
        ("platform.authserv_ids", ", ".join(sorted(platform.authserv_ids))),
        ("trusted.trace", ", ".join(map(str, book.trusted_trace.all))),
        ("domains", ", ".join(sorted(book.domains))),
        ("inside", ", ".join(sorted(book.inside))),
        ("limits.header_size", str(book.header_size)),
    ]

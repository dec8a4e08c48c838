"""The web page wired: what it is handed, and where it is served."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from relay.channels import ChannelBook
from relay.events import Observe
from relay.journal.store import Journal
from relay.mail.hop import Way
from relay.pipeline.seams import Prove
from relay.sandbox.inbox import SandboxInbox
from relay.service.keys import web_key
from relay.service.reopening import Reopen
from relay.service.trying import tried
from relay.settings.model import Settings
from relay.spool.store import Store
from relay.stamp import StampRules
from relay.web.sources import Sources

if TYPE_CHECKING:
    from relay.web.server import WebServer


@dataclass(frozen=True, slots=True)
class Parts:
    """What the web page is made from; each callable returns what is in force now."""

    settings: Callable[[], Settings]
    book: Callable[[], ChannelBook]
    stamp: Callable[[], StampRules]
    journal: Callable[[], Journal | None]
    spool: Callable[[], Store | None]
    inbox: SandboxInbox
    hostname: Callable[[], str]
    now: Callable[[], datetime]
    poke: Callable[[], None]
    """Called where the spool has got something to do."""
    metrics: Callable[[], bytes]
    ready: Callable[[], bool]
    observe: Observe
    prove: Prove


class Web:
    """The web page, where ``listen.web`` wants it; its libraries are loaded only then."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._server: WebServer | None = None
        self._served: tuple[str, int, bytes] | None = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Where it is served, the port filled in; None where it is not."""
        return self._server.address if self._server is not None else None

    async def serve(self) -> None:
        """Serve what the settings in force want, and nothing else; RelayError where it cannot be had."""
        settings = self._parts.settings()
        web = settings.listen.web
        wanted = (web.host, web.port, await asyncio.to_thread(web_key, settings)) if web is not None else None
        if wanted == self._served:
            return
        await self.stop()
        if wanted is not None:
            from relay.web.server import WebServer

            host, port, key = wanted
            self._server = await WebServer.open(host, port, sources_of(self._parts, key))
            self._served = wanted

    async def stop(self) -> None:
        """Finish what is being answered, and close."""
        server, self._server, self._served = self._server, None, None
        if server is not None:
            await server.stop()


def sources_of(parts: Parts, key: bytes) -> Sources:
    """Return what the pages and the API are handed."""

    def inbox() -> SandboxInbox | None:
        return parts.inbox if parts.settings().deliver.helpdesk is Way.SANDBOX else None

    return Sources(
        settings=parts.settings,
        book=parts.book,
        journal=parts.journal,
        spool=parts.spool,
        inbox=inbox,
        judge=lambda trial: tried(trial, parts.book(), parts.stamp(), parts.observe, parts.prove),
        stamp=parts.stamp,
        reopen=Reopen(
            parts.settings, parts.journal, parts.spool, parts.hostname, parts.now, parts.observe, parts.poke
        ),
        metrics=parts.metrics,
        ready=parts.ready,
        key=key,
        observe=parts.observe,
    )

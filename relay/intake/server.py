"""The listeners: open, reload, drain.  What the service starts and stops."""

import asyncio
import errno
from collections.abc import Sequence

from relay.errors import BadSettingsError, Problem, UnavailableError
from relay.intake.reception import Reception
from relay.intake.session import Session
from relay.intake.terms import ListenerSettings, Terms

_LAST_PORT = 65535
_BACKLOG = 1024
"""Connections that may wait for us to accept them."""


class Intake:
    """All SMTP listeners of one relay; for one event loop."""

    def __init__(self, terms: Terms) -> None:
        self._reception = Reception(terms)
        self._listeners: dict[tuple[str, int], _Listener] = {}

    async def listen(self, wanted: Sequence[ListenerSettings]) -> None:
        """Listen on exactly these addresses; open ones stay open and take their new settings for new sessions.

        Raises UnavailableError when a port is in use, BadSettingsError when an address cannot be ours or the right
        is missing; then what was open before still is, and nothing else.
        """
        opened: dict[tuple[str, int], _Listener] = {}
        kept = {(s.host, s.port): s for s in wanted if s.port}
        try:
            for settings in wanted:
                if (key := (settings.host, settings.port)) not in self._listeners:
                    listener = _Listener(settings, self._reception)
                    await listener.open()
                    opened[key if settings.port else listener.addresses[0]] = listener
        except BaseException:
            for listener in opened.values():
                listener.close()
            raise
        for key in [key for key in self._listeners if key not in kept]:
            self._listeners.pop(key).close()
        for key, listener in self._listeners.items():
            listener.settings = kept[key]
        self._listeners.update(opened)

    def reload(self, terms: Terms) -> None:
        """Go by ``terms`` in sessions that begin from now on; a new certificate also at the next STARTTLS."""
        self._reception.terms = terms

    async def stop(self, drain: float) -> None:
        """Stop listening, send the idle away with 421, let mail transactions finish for ``drain`` seconds."""
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()
        await self._reception.clear(drain)

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Where we listen, ports filled in."""
        return tuple(address for listener in self._listeners.values() for address in listener.addresses)

    @property
    def sessions(self) -> int:
        """How many connections are open."""
        return self._reception.doors.inside


class _Listener:
    """One open address; its settings may be replaced."""

    def __init__(self, settings: ListenerSettings, reception: Reception) -> None:
        self.settings = settings
        self._reception = reception
        self._server: asyncio.Server | None = None
        self.addresses: tuple[tuple[str, int], ...] = ()

    async def open(self) -> None:
        settings, loop = self.settings, asyncio.get_running_loop()
        if settings.port > _LAST_PORT:  # uvloop would take it modulo 65536
            raise _refused(settings, None)
        try:
            self._server = await loop.create_server(
                lambda: Session(self._reception, self.settings, loop),
                settings.host,
                settings.port,
                backlog=_BACKLOG,
                reuse_port=settings.reuse_port or None,
            )
        except OSError as error:
            raise _refused(settings, error) from error
        self.addresses = tuple(socket.getsockname()[:2] for socket in self._server.sockets)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()


def _refused(settings: ListenerSettings, error: OSError | None) -> UnavailableError | BadSettingsError:
    where = f"{settings.host}:{settings.port}"
    number = error.errno if error is not None else None
    if number == errno.EADDRINUSE:
        return UnavailableError(
            f"{where} is in use by another program; stop it, or listen elsewhere (listen.smtp)"
        )
    if number in (errno.EACCES, errno.EPERM):
        words = f"{where} needs rights that this process has not; take a port from 1024 up, or grant CAP_NET_BIND_SERVICE"
    else:
        words = f"{where} is no address that this machine can listen on"
    return BadSettingsError((Problem("channels.yaml", 0, "listen.smtp", words),))

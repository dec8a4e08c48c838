"""Opening a listener, on a port or on a unix socket that an MTA in a chroot can reach."""

import asyncio
import contextlib
import errno
import grp
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from relay.errors import BadSettingsError, Problem, UnavailableError
from relay.milter.terms import MilterListener

_BACKLOG = 1024
"""Connections that may wait for us to accept them."""

Factory = Callable[[str], asyncio.Protocol]
"""Makes the protocol of one connection, given the listener's name."""


class Opened:
    """A listener that is open."""

    def __init__(self, server: asyncio.Server, path: str = "") -> None:
        self._server = server
        self._path = path
        self._is = _identity(path)
        self.addresses: tuple[tuple[str, int], ...] = (
            () if path else tuple(own.getsockname()[:2] for own in server.sockets)
        )

    def permit(self, listener: MilterListener) -> None:
        """Give the unix socket the mode and the group that ``listener`` asks for."""
        if self._path:
            _permit(Path(self._path), listener)

    def close(self) -> None:
        """Stop listening; a unix socket goes, unless another process has put its own there."""
        self._server.close()
        if self._path and _identity(self._path) == self._is:
            with contextlib.suppress(OSError):
                Path(self._path).unlink()


async def open_listener(listener: MilterListener, factory: Factory) -> Opened:
    """Open ``listener``; UnavailableError or BadSettingsError where that cannot be."""
    loop, name = asyncio.get_running_loop(), str(listener)
    if listener.path:
        own = _unix_socket(listener)
        try:
            server = await loop.create_unix_server(lambda: factory(name), sock=own, backlog=_BACKLOG)
        except BaseException:
            own.close()
            raise
        return Opened(server, listener.path)
    try:
        return Opened(
            await loop.create_server(lambda: factory(name), listener.host, listener.port, backlog=_BACKLOG)
        )
    except (OSError, OverflowError) as error:
        raise _refused(name, error) from error


def _unix_socket(listener: MilterListener) -> socket.socket:
    """Return a socket that listens at ``listener.path``, in the place of a dead one.

    It is made under another name and moved there, so that nobody sees it without its mode and group.
    """
    path = Path(listener.path)
    _make_room(path, str(listener))
    hidden = path.with_name(f"{path.name}.{os.getpid()}")
    own = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with contextlib.suppress(FileNotFoundError):
            hidden.unlink()
        own.bind(str(hidden))
        _permit(hidden, listener)
        own.listen(_BACKLOG)
        hidden.rename(path)
    except BaseException as error:
        own.close()
        with contextlib.suppress(OSError):
            hidden.unlink()
        if isinstance(error, OSError):
            raise _refused(str(listener), error) from error
        raise
    return own


def _make_room(path: Path, name: str) -> None:
    """Tell whether ``path`` is free, or holds a socket that nobody listens at."""
    try:
        kind = path.lstat().st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(kind):
        raise _bad(
            f"{name}: there is a file of that name that is no socket; move it away, or take another name"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(1)
        try:
            trial.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return
        except OSError as error:
            raise _in_use(name) from error
    raise _in_use(name)


def _permit(path: Path, listener: MilterListener) -> None:
    path.chmod(listener.mode)
    if listener.group is None:
        return
    try:
        group = grp.getgrnam(listener.group).gr_gid
    except KeyError:
        raise _bad(f"this machine has no group {listener.group}", "milter.socket_group") from None
    if (
        path.stat().st_gid == group
    ):  # its folder's, by the set-group-ID bit: a hardened service may not call chown at all
        return
    try:
        os.chown(path, -1, group)
    except PermissionError:
        words = f"this process may not give a socket to the group {listener.group}; make its user a member of that group"
        raise _bad(words, "milter.socket_group") from None


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _in_use(name: str) -> UnavailableError:
    return UnavailableError(
        f"{name} is in use by another program; stop it, or listen elsewhere (listen.milter)"
    )


def _refused(name: str, error: Exception) -> UnavailableError | BadSettingsError:
    match error.errno if isinstance(error, OSError) else None:
        case errno.EADDRINUSE:
            return _in_use(name)
        case errno.ENOENT | errno.ENOTDIR:
            return _bad(
                f"{name} is in a folder that does not exist; make it first, so that the MTA can enter it"
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return _bad(f"{name} is where this process may not listen; give it that folder, or another port")
    return _bad(f"{name} is no address that this machine can listen on")


def _bad(words: str, key: str = "listen.milter") -> BadSettingsError:
    return BadSettingsError((Problem("channels.yaml", 0, key, words),))

"""The spool's folder below ``state``: large contents as files, and the lock that says whether anybody else serves.

A file is written under a temporary name, brought to stable storage, renamed, and the folder is brought there too,
all before the commit that names it.  What a crash leaves without a name in the database is swept at the next start.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from relay.database.engine import free_share
from relay.database.files import bring_names_to_storage, give_to_owner
from relay.errors import DamagedItemError, NotDurableError, UnavailableError

_RESERVE = 32 * 1024 * 1024
"""Octets that new mail leaves free, or a tenth of a smaller disk: taking mail out of a spool needs room too."""

_RESERVE_OF_KEPT = 1024 * 1024 * 1024
"""Octets that closed mail leaves free which is only kept, or a fifth of a smaller disk: it must not keep mail out."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Folder:
    """Where the spool keeps what is not in the database."""

    def __init__(self, place: Path, disk: Callable[[Path], tuple[int, int]] = free_share) -> None:
        """``disk`` tells of a folder how many octets are free for us and how many there are in all."""
        self.place = place
        self._disk = disk
        self._contents = place / "contents"
        self._lock: int | None = None

    def make(self) -> None:
        """Make the folders; UnavailableError if that cannot be."""
        try:
            for folder in (self.place, self._contents):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(f"the folder {self.place} cannot be used: {error.strerror}") from error

    def enter(self, alone: Callable[[], None]) -> bool:
        """Say that we serve until ``leave``; if nobody else does, call ``alone`` first.  Tells whether we were alone."""
        number = os.open(self.place / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._lock = number
        was_alone = False
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            was_alone = True
            alone()
        fcntl.flock(number, fcntl.LOCK_SH)
        return was_alone

    def name_of_the_relay(self) -> str:
        """Return the name that the relay of this folder claims under, the same after a restart."""
        file = self.place / "name"
        with contextlib.suppress(FileNotFoundError):
            if name := file.read_text("ascii").strip():
                return name
        name = secrets.token_hex(8)
        file.write_text(f"{name}\n", "ascii")
        return name

    def leave(self) -> None:
        """Say that we no longer serve."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @asynccontextmanager
    async def unswept(self) -> AsyncIterator[None]:
        """Keep a relay that starts meanwhile from sweeping what a command has just written; nothing where we serve."""
        if self._lock is not None:
            yield
            return
        try:
            number = os.open(self.place / "lock", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:  # no relay has ever served from here
            yield
            return
        try:
            await asyncio.to_thread(fcntl.flock, number, fcntl.LOCK_SH)
            yield
        finally:
            os.close(number)

    def require_room(self, size: int, reusable: Callable[[], int] = lambda: 0) -> None:
        """Raise NotDurableError unless ``size`` more octets leave enough room on the disk.

        ``reusable``: octets that take no room, asked only where room is scarce.
        """
        free, whole = self._room()
        if not _fits(size, free, min(_RESERVE, whole // 10), reusable):
            raise NotDurableError("the disk that holds the spool is nearly full")

    def has_room_to_keep(self, size: int, reusable: Callable[[], int] = lambda: 0) -> bool:
        """Tell whether the disk is empty enough for ``size`` octets that nobody needs but who thinks better of it."""
        free, whole = self._room()
        return _fits(size, free, min(_RESERVE_OF_KEPT, whole // 5), reusable)

    def _room(self) -> tuple[int, int]:
        try:
            return self._disk(self.place)
        except OSError as error:
            raise NotDurableError(f"the spool's folder is gone: {error.strerror}") from error

    def write(self, chunks: Iterable[bytes], size: int) -> str:
        """Write ``size`` octets to a new file on stable storage and return its name; NotDurableError otherwise."""
        self.require_room(size)
        name = secrets.token_hex(16)
        temporary = self._contents / f"{name}.new"
        try:
            with os.fdopen(os.open(temporary, _NEW, 0o600), "wb", buffering=0) as file:
                give_to_owner(file.fileno(), self.place)
                _write_all(file, chunks, size)
                os.fsync(file.fileno())
            temporary.rename(self._contents / name)
            bring_names_to_storage(self._contents)
        except BaseException as error:
            self.remove([f"{name}.new", name])
            if isinstance(error, OSError):
                raise NotDurableError(f"the disk does not take a file: {error.strerror}") from error
            raise
        return name

    def open(self, name: str, size: int) -> BinaryIO:
        """Open a file of ``size`` octets; DamagedItemError if it is not there or not whole."""
        try:
            file = (self._contents / name).open("rb", buffering=0)
        except FileNotFoundError as error:
            raise DamagedItemError(f"the file {name} that holds its content is gone") from error
        found = os.fstat(file.fileno()).st_size
        if found != size:
            file.close()
            raise DamagedItemError(
                f"the file {name} that holds its content has {found} octets instead of {size}"
            )
        return file

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, as far as they are there."""
        for name in names:
            with contextlib.suppress(OSError):
                (self._contents / name).unlink()

    def sweep(self, needed: Collection[str]) -> int:
        """Remove every file that is not ``needed``; return how many went."""
        orphans = [file.name for file in self._contents.iterdir() if file.name not in needed]
        self.remove(orphans)
        return len(orphans)


def _fits(size: int, free: int, reserve: int, reusable: Callable[[], int]) -> bool:
    return free >= size + reserve or (free >= reserve // 2 and free + reusable() >= size + reserve)


def _write_all(file: BinaryIO, chunks: Iterable[bytes], size: int) -> None:
    written = 0
    for chunk in chunks:
        view = memoryview(chunk)
        while view:
            taken = file.write(view)
            written += taken
            view = view[taken:]
    if written != size:
        raise NotDurableError(f"a content of {size} octets gave {written}")

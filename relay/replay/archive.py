"""Archives of stored mail: an mbox, a Maildir, a folder of .eml files, one message; of each message the header section.

Streams: memory does not grow with the archive.  What cannot be read is a value, not an exception, once an archive is open.
"""

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Protocol

from relay.errors import NotAnArchiveError, UnreadableFileError
from relay.mail.fields import blank_line, names_and_values
from relay.mail.text import visible
from relay.replay.folder import Unread, files_of, is_maildir
from relay.replay.head import PIECE, head_of
from relay.replay.mbox import begins_mbox, header_sections

_MBOX_PIECE = 1024 * 1024
_GZIP = b"\x1f\x8b"
_MESSAGE = ".eml"
_FIELDS_OF_MAIL = frozenset(
    (b"from", b"to", b"date", b"subject", b"message-id", b"received", b"return-path", b"delivered-to")
)
_CANNOT_READ = (OSError, EOFError, zlib.error)


@dataclass(frozen=True, slots=True)
class Stored:
    """One message."""

    name: str
    """The path of its file; in an mbox with ``#`` and its number, from 1."""
    head: bytes
    """At least its header section, or more octets of it than the limit."""


class Archive(Protocol):
    """An archive that is open; read once."""

    @property
    def done(self) -> int:
        """How much of ``total`` has been read."""
        ...

    def total(self) -> int | None:
        """Return the octets of an mbox, or the number of files in a folder (which have to be counted); None: unknown."""
        ...

    def messages(self, limit: int) -> Iterator[Stored | Unread]:
        """Yield every message; header sections over ``limit`` octets (0: none) are cut somewhere behind it."""
        ...


@contextmanager
def open_archive(path: str) -> Iterator[Archive]:
    """Open an archive for as long as it is needed.

    UnreadableFileError where there is nothing that can be opened, NotAnArchiveError where it is something else.
    """
    with ExitStack() as closing:
        try:
            archive = FolderArchive(path) if Path(path).is_dir() else FileArchive(path, closing)
        except _CANNOT_READ as error:
            raise UnreadableFileError(f"{visible(path)} cannot be opened: {why(error)}") from None
        if not archive.is_one:
            raise NotAnArchiveError(f"{visible(path)} is no archive: {archive.lacks}")
        yield archive


class FileArchive:
    """An mbox, plain or compressed by gzip, or one message."""

    lacks = "neither an mbox nor a message"

    def __init__(self, path: str, closing: ExitStack) -> None:
        """Open a file and see what it is; OSError, EOFError or zlib.error where that fails."""
        self._path = path
        self._raw = closing.enter_context(io.BufferedReader(io.FileIO(path)))
        self._stored: io.BufferedIOBase = self._raw
        if self._raw.peek(len(_GZIP)).startswith(_GZIP):
            self._stored = closing.enter_context(gzip.GzipFile(fileobj=self._raw))
        self._beginning = self._stored.read(PIECE)
        self._size = os.fstat(self._raw.fileno()).st_size if self._raw.seekable() else 0
        named_message = path.lower().endswith(_MESSAGE)
        self._is_mbox = not named_message and _is_mbox(self._beginning)
        self.is_one = self._is_mbox or named_message or _is_message(self._beginning)
        self.done = 0

    def total(self) -> int | None:
        """Return the size of the file, compressed as it is; None for a pipe."""
        return self._size or None

    def messages(self, limit: int) -> Iterator[Stored | Unread]:
        """Yield every message."""
        try:
            if self._is_mbox:
                for number, head in enumerate(header_sections(self._pieces(_MBOX_PIECE), limit), 1):
                    yield Stored(f"{self._path}#{number}", head)
            else:
                yield Stored(self._path, head_of(self._pieces(PIECE), limit))
        except _CANNOT_READ as error:
            yield Unread(self._path, f"cannot be read to its end: {why(error)}")

    def _pieces(self, size: int) -> Iterator[bytes]:
        for piece in chain((self._beginning,), iter(partial(self._stored.read, size), b"")):
            if self._size:
                self.done = self._raw.tell()
            yield piece


class FolderArchive:
    """A Maildir, or a folder with .eml files or Maildirs somewhere in it."""

    lacks = "a folder that holds neither a Maildir nor an .eml file"

    def __init__(self, path: str) -> None:
        """Look into a folder; OSError where that fails."""
        self._path = path
        self.is_one = is_maildir(path) or next(files_of(path), None) is not None
        self.done = 0

    def total(self) -> int:
        """Count the files."""
        return sum(1 for _ in files_of(self._path))

    def messages(self, limit: int) -> Iterator[Stored | Unread]:
        """Yield every message."""
        for file in files_of(self._path):
            yield file if isinstance(file, Unread) else _message(file, limit)
            self.done += 1


def why(error: BaseException) -> str:
    """Return in a few words what is wrong with a file."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _message(path: str, limit: int) -> Stored | Unread:
    try:
        with io.FileIO(path) as stored:
            return Stored(path, head_of(iter(partial(stored.read, PIECE), b""), limit))
    except OSError as error:
        return Unread(path, f"cannot be opened: {why(error)}")


def _is_mbox(beginning: bytes) -> bool:
    return begins_mbox(beginning) or not beginning.strip(b"\r\n")


def _is_message(beginning: bytes) -> bool:
    rows = names_and_values(beginning, blank_line(beginning)[0])
    return bool(rows and rows[0][0]) and any(name.lower() in _FIELDS_OF_MAIL for name, _ in rows)

"""Folders of stored messages: which files in them are messages, in Maildirs and elsewhere."""

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

_MESSAGE = ".eml"
_MAIL_FOLDERS = ("new", "cur")
_UNFINISHED = "tmp"
_MOST_IN_ORDER = 10_000
"""Names of one folder that are held to be sorted; with more of them the rest comes as it comes."""


@dataclass(frozen=True, slots=True)
class Unread:
    """What could not be read."""

    name: str
    why: str


def is_maildir(folder: str) -> bool:
    """Tell whether a folder is a Maildir, with or without messages."""
    return all((Path(folder) / name).is_dir() for name in _MAIL_FOLDERS)


def files_of(top: str) -> Iterator[str | Unread]:
    """Yield the paths of all messages below a folder: what lies in new and cur of Maildirs, and .eml files elsewhere.

    OSError if ``top`` itself cannot be read.  Links to folders are not followed.
    """
    os.scandir(top).close()
    ahead = [_Folder(top)]
    while ahead:
        folder = ahead.pop()
        try:
            below = yield from _files_in(folder)
        except OSError as error:
            yield Unread(folder.path, f"cannot be read: {error.strerror}")
        else:
            ahead += reversed(below)


class _Folder(NamedTuple):
    path: str
    holds_mail: bool = False
    """It is new or cur of a Maildir: every file in it is a message."""


def _files_in(folder: _Folder) -> Generator[str, None, list[_Folder]]:
    """Yield the messages in a folder, and return the folders in it."""
    below: list[str] = []
    with os.scandir(folder.path) as entries:
        first = sorted(islice(entries, _MOST_IN_ORDER), key=attrgetter("name"))
        for entry in chain(first, entries):
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.name)
            elif _is_message(entry.name, folder) and _may_be_file(entry):
                yield entry.path
    return list(_folders(folder.path, sorted(below)))


def _may_be_file(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError:
        return True  # whoever opens it hears why


def _is_message(name: str, folder: _Folder) -> bool:
    return not name.startswith(".") if folder.holds_mail else name.lower().endswith(_MESSAGE)


def _folders(path: str, names: list[str]) -> Iterator[_Folder]:
    in_maildir = set(_MAIL_FOLDERS) <= set(names)
    for name in names:
        if not (in_maildir and name == _UNFINISHED):
            yield _Folder(os.path.join(path, name), in_maildir and name in _MAIL_FOLDERS)  # noqa: PTH118

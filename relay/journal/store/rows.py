"""Entries as rows and back."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from relay.channels import ChannelBook
from relay.database.columns import plain, to_number, to_time
from relay.journal.entry import LONGEST_TEXT, Entry, PathEntry, PathState, Reopening
from relay.journal.hashing import address_number, path_hashed, without_outsiders
from relay.journal.record import entry_of_text, text_of_entry
from relay.journal.store.place import JournalPlace
from relay.mail.address import Mailbox, parse_mailbox
from relay.mail.text import unicode_text, visible

_MOST_WORDS = 4000
"""Characters of an entry in which parts are looked for; every address is found whole besides."""
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

Row = dict[str, Any]


def fit(text: str) -> str:
    """Return text of the network's as it stands in a column and is looked for in it."""
    return visible(unicode_text(text))[:LONGEST_TEXT]


def day_of(entry: Entry) -> str:
    """Return the day on which an entry was made, by the machine's own clock."""
    return entry.at.astimezone().date().isoformat()


def prepared(entry: Entry, book: ChannelBook, place: JournalPlace) -> Entry:
    """Return the entry as it may be kept."""
    return without_outsiders(entry, book, place.key) if place.hashed else entry


def row_of(entry: Entry, numbers: dict[Mailbox, int]) -> Row:
    """Return the row of an entry; ``numbers`` are those of the addresses in it."""
    author = entry.view.author
    return {
        "number": entry.number,
        "at": to_number(entry.at),
        "ref": None if entry.ref == entry.queue_id else plain(entry.ref),
        "queue_id": plain(entry.queue_id),
        "message_id": fit(entry.message_id),
        "verdict": entry.verdict.disposition.value,
        "reason": entry.verdict.reason.value,
        "channel": entry.verdict.channel.name if entry.verdict.channel else None,
        "author": numbers[author] if author is not None else None,
        "doubtful": int(entry.doubtful),
        "words": _words(entry, numbers),
        "record": text_of_entry(entry),
    }


def numbers_of(entry: Entry, key: bytes) -> dict[Mailbox, int]:
    """Return every address that an entry is about, with the number by which it is found."""
    view = entry.view
    found: dict[Mailbox, None] = {}
    if view.author is not None:
        found[view.author] = None
    for recipient in view.recipients:
        found[recipient.mailbox] = None
    found.update(dict.fromkeys(view.reply_to))
    found.update(dict.fromkeys(view.originals))
    found.update(dict.fromkeys(_named_by_paths(entry)))
    return {address: address_number(address, key) for address in found}


def _named_by_paths(entry: Entry) -> Iterator[Mailbox]:
    for text in (entry.reverse_path, *(path.path for path in entry.paths), *_told(entry)):
        if text and (address := parse_mailbox(text)) is not None:
            yield address


def _told(entry: Entry) -> Iterator[str]:
    for path in entry.paths:
        if path.told is not None:
            yield path.told


def _words(entry: Entry, addresses: dict[Mailbox, int]) -> str:
    """Return what a person may type a part of: addresses, Message-ID, subject; in small letters."""
    texts = [f"{address.local}@{address.domain}" for address in addresses]
    words = " ".join([entry.message_id, entry.subject or "", *texts]).lower()
    return visible(unicode_text(words[:_MOST_WORDS]))


def entry_of_row(row: sa.Row[Any], paths: Sequence[PathEntry]) -> Entry:
    """Return the entry that a row holds; ``paths`` are what became of its forward-paths later."""
    reopened = None
    if row.reopened_at is not None:
        reopened = Reopening(to_time(row.reopened_at).astimezone(), row.reopened_by)
    entry = entry_of_text(
        row.record,
        number=row.number,
        at=to_time(row.at).astimezone(),
        ref=row.ref if row.ref is not None else row.queue_id,
        queue_id=row.queue_id,
        message_id=row.message_id,
        reopened=reopened,
    )
    return entry if not paths else with_paths(entry, paths)


def with_paths(entry: Entry, later: Sequence[PathEntry]) -> Entry:
    """Return the entry with what became of its forward-paths since."""
    by_path = {path.path: path for path in later}
    by_told = {path.told or path.path: path for path in later}
    paths = []
    for path in entry.paths:
        since = by_path.pop(path.path, None) or by_told.get(path.told or path.path)
        paths.append(path if since is None else replace(since, path=path.path, told=path.told))
    return replace(entry, paths=tuple(paths))


def path_row(queue_id: str, path: PathEntry, at: int, book: ChannelBook, place: JournalPlace) -> Row:
    """Return the row of what became of a forward-path later."""
    kept = path_hashed(path, book, place.key) if place.hashed else path
    record = _encode([kept.path, kept.state.value, kept.words, kept.hop, kept.told])
    return {"queue_id": plain(queue_id), "path": fit(kept.path), "at": at, "record": record}


def path_of_row(row: sa.Row[Any]) -> PathEntry:
    """Return what became of a forward-path later."""
    path, state, words, hop, told = json.loads(row.record)
    return PathEntry(path, PathState(state), words, hop, told, to_time(row.at).astimezone())


def day(text: str) -> date:
    """Return a day as the tables keep it."""
    return date.fromisoformat(text)

"""Entries as rows and back."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from relay.channels import ChannelBook
from relay.database.columns import plain, to_number, to_time
from relay.journal.entry import LONGEST_TEXT, Entry, PathEntry, PathState, Reopening, with_paths
from relay.journal.hashing import address_number, path_hashed, without_outsiders
from relay.journal.record import entry_of_text, text_of_entry
from relay.journal.store.place import JournalPlace
from relay.mail.address import Mailbox, parse_mailbox
from relay.mail.text import unicode_text, visible

_MOST_WORDS = 4000
"""Characters of an entry in which parts are looked for; every address is found whole besides."""
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

_MINUTE = 60_000_000
"""Microseconds."""

Row = dict[str, Any]


def fit(text: str) -> str:
    """Return text of the network's as it stands in a column and is looked for in it."""
    return _shown(text)[:LONGEST_TEXT]


def _shown(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return visible(unicode_text(text))


def day_of(entry: Entry) -> str:
    """Return the day on which an entry was made, by the machine's own clock."""
    return _day_of_minute(to_number(entry.at) // _MINUTE)


@lru_cache(maxsize=64)
def _day_of_minute(minute: int) -> str:
    """Return the day of a minute since 1970; no zone begins a day within one, and a batch is of few."""
    return to_time(minute * _MINUTE).astimezone().date().isoformat()


def prepared(entry: Entry, book: ChannelBook, place: JournalPlace) -> Entry:
    """Return the entry as it may be kept."""
    return without_outsiders(entry, book, place.key) if place.hashed else entry


ENTRY_COLUMNS = (
    "number", "at", "ref", "queue_id", "message_id", "verdict", "reason", "channel", "author", "doubtful", "words", "record",
)  # fmt: skip
"""In the order of ``row_of``."""


def row_of(entry: Entry, number: int, addresses: Mapping[Mailbox, int]) -> tuple[object, ...]:
    """Return the row of an entry; ``addresses`` are those in it and the numbers by which they are found."""
    verdict = entry.verdict
    author = entry.view.author
    queue_id = plain(entry.queue_id)
    return (
        number,
        to_number(entry.at),
        None if entry.ref == entry.queue_id else plain(entry.ref),
        queue_id,
        fit(entry.message_id),
        str(verdict.disposition),
        str(verdict.reason),
        verdict.channel.name if verdict.channel else None,
        addresses[author] if author is not None else None,
        int(entry.doubtful),
        _words(entry, addresses),
        text_of_entry(entry),
    )


def addresses_of(entry: Entry, key: bytes) -> dict[Mailbox, int]:
    """Return every address that an entry is about, with the number by which it is found."""
    view = entry.view
    found = {recipient.mailbox: 0 for recipient in view.recipients}
    if view.author is not None:
        found[view.author] = 0
    for address in (*view.reply_to, *view.originals):
        found[address] = 0
    for text in _envelope_of(entry):
        if text and (envelope := parse_mailbox(text)) is not None:
            found[envelope] = 0
    for address in found:
        found[address] = address_number(address, key)
    return found


def _envelope_of(entry: Entry) -> tuple[str, ...]:
    """Return the reverse-path, and the forward-paths where the view is not read; else they are its evidence."""
    if entry.view.unreadable is None:
        return (entry.reverse_path,)
    return (entry.reverse_path, *[path.path for path in entry.paths])


def _words(entry: Entry, addresses: Iterable[Mailbox]) -> str:
    """Return what a person may type a part of: addresses, Message-ID, subject; in small letters."""
    texts = [f"{address.local}@{address.domain}" for address in addresses]
    words = " ".join([entry.message_id, entry.subject or "", *texts]).lower()
    return _shown(words[:_MOST_WORDS])


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


def path_row(
    queue_id: str, path: PathEntry, book: ChannelBook, place: JournalPlace
) -> tuple[str, str, int, str]:
    """Return queue id, forward-path, time and record of what became of a forward-path later."""
    assert path.at is not None, "what comes later has a time"
    kept = path_hashed(path, book, place.key) if place.hashed else path
    record = _encode([kept.path, kept.state.value, kept.words, kept.hop, kept.told])
    return plain(queue_id), fit(kept.path), to_number(path.at), record


def path_of_row(row: sa.Row[Any]) -> PathEntry:
    """Return what became of a forward-path later."""
    path, state, words, hop, told = json.loads(row.record)
    return PathEntry(path, PathState(state), words, hop, told, to_time(row.at).astimezone())


def day(text: str) -> date:
    """Return a day as the tables keep it."""
    return date.fromisoformat(text)

"""The journal wired: where it is, by which key addresses are hashed, which events it takes."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from relay.channels import ChannelBook
from relay.events import PathOutcome, TransactionEnded
from relay.journal.entry import Later, PathEntry, PathState, path_entry
from relay.journal.recorder import Recorder, Terms
from relay.journal.store import JournalPlace
from relay.mail.envelope import ForwardPath
from relay.mail.outcome import Outcome
from relay.service.keys import web_key
from relay.settings.model import Settings
from relay.settings.words import JournalAddresses
from relay.spool.events import AttemptEnded, ItemHeld
from relay.spool.item import REPORTS, Item


def journal_place(settings: Settings) -> JournalPlace:
    """Return where the journal is; UnreadableFileError or UnavailableError where the key cannot be had."""
    return JournalPlace(
        folder=Path(settings.state) / "journal",
        url=settings.journal.url or settings.spool.url,
        key=hashlib.sha256(b"addresses in the journal\0" + web_key(settings)).digest(),
        hashed=settings.journal.addresses is JournalAddresses.HASHED,
    )


def recorder_terms(settings: Settings, book: ChannelBook) -> Terms:
    """Return by what entries are kept; errors as those of ``journal_place``."""
    journal = settings.journal
    return Terms(journal_place(settings), book, journal.keep_subject, journal.keep, journal.max_size)


def note(recorder: Recorder, now: Callable[[], datetime], event: object) -> None:
    """Let the journal have what an event tells of a judged message."""
    match event:
        case TransactionEnded():
            recorder.take(event)
        case AttemptEnded(item=item, outcomes=outcomes, held_because=why) if item.destination != REPORTS:
            recorder.later(Later(item.queue_id, _tried(item, outcomes, why, now())))
        case ItemHeld(item=item, why=why) if item.destination != REPORTS:
            recorder.later(Later(item.queue_id, _held(item, why, now())))
        case _:
            pass


def _tried(item: Item, outcomes: Sequence[Outcome], held: str, at: datetime) -> tuple[PathEntry, ...]:
    paths = [
        path_entry(PathOutcome(item.original(number), outcome, _told(item, number)), at=at)
        for number, outcome in enumerate(outcomes)
    ]
    if held:
        paths = [
            replace(path, state=PathState.HELD, words=f"{path.words}; {held}")
            if path.state is not PathState.DELIVERED
            else path
            for path in paths
        ]
    return tuple(paths)


def _held(item: Item, why: str, at: datetime) -> tuple[PathEntry, ...]:
    paths = enumerate(item.forward_paths)
    told = [_told(item, number) for number, _ in paths]
    return tuple(
        [
            PathEntry(
                item.original(number).text, PathState.HELD, why, told=path.text if path else None, at=at
            )
            for number, path in enumerate(told)
        ]
    )


def _told(item: Item, number: int) -> ForwardPath | None:
    """Return what the next hop is told, where that is not what the client said."""
    return item.forward_paths[number] if item.originals else None

"""An entry as values for JSON: what the API and ``journal --json`` say of it.  Pure.

No text in it has lone surrogates; what does not print is for whoever writes the JSON to escape.
"""

from collections.abc import Iterable

from relay.journal.entry import Entry, PathEntry
from relay.journal.query import Look
from relay.judge.answer import answer
from relay.judge.explain import Language
from relay.mail.text import unicode_text
from relay.mail.view import Evidence
from relay.stamp import StampRules, stamp

Values = dict[str, object]


def entry_values(entry: Entry) -> Values:
    """Return what a list says of an entry."""
    verdict = entry.verdict
    return {
        **_about(entry),
        "verdict": verdict.disposition.value,
        "reason": verdict.reason.value,
        "channel": verdict.channel.name if verdict.channel else None,
        "author": unicode_text(str(verdict.author)) if verdict.author else None,
        "doubts": [doubt.value for doubt in verdict.doubts],
        "forward_paths": [unicode_text(path) for path in _forward_paths(entry)],
    }


def decision_values(
    entry: Entry, stamp: list[str], same: Iterable[Entry], language: Language = Language.EN
) -> Values:
    """Return everything: the answer of ``explain --json``, and what else an entry knows.

    ``stamp`` are the fields that were set, as ``Name: value``; ``same`` are the entries of the same Message-ID.
    """
    client = entry.view.client
    return {
        **answer(entry.verdict, stamp, language),
        **_about(entry),
        "client": {
            "address": str(client.address) if client.address is not None else None,
            "helo": unicode_text(client.helo),
            "user": unicode_text(client.user) if client.user is not None else None,
            "tls": client.tls,
        },
        "size": entry.size,
        "paths": [_path_values(path) for path in entry.paths],
        "reply": unicode_text(entry.reply),
        "next_hop": unicode_text(entry.next_hop),
        "seconds": entry.seconds,
        "broken_signatures": list(map(unicode_text, entry.broken_signatures)),
        "same_message": [other.ref for other in same if other.ref != entry.ref],
    }


def _about(entry: Entry) -> Values:
    reopened = entry.reopened
    return {
        "ref": entry.ref,
        "number": entry.number,
        "at": entry.at.isoformat(),
        "queue_id": entry.queue_id,
        "entrance": entry.entrance.value,
        "message_id": unicode_text(entry.message_id) or None,
        "subject": unicode_text(entry.subject) if entry.subject is not None else None,
        "tool": unicode_text(entry.tool) or None,
        "reverse_path": unicode_text(entry.reverse_path),
        "doubtful": entry.doubtful,
        "would_close": entry.would_close,
        "reopened": {"at": reopened.at.isoformat(), "who": unicode_text(reopened.who)} if reopened else None,
    }


def _forward_paths(entry: Entry) -> Iterable[str]:
    """Return those that became something, else those that are evidence."""
    if entry.paths:
        return [path.path for path in entry.paths]
    return [str(seen.mailbox) for seen in entry.view.recipients if seen.evidence is Evidence.ENVELOPE]


def _path_values(path: PathEntry) -> Values:
    return {
        "path": unicode_text(path.path),
        "state": path.state.value,
        "words": unicode_text(path.words),
        "hop": unicode_text(path.hop) or None,
        "told": unicode_text(path.told) if path.told is not None else None,
        "at": path.at.isoformat() if path.at is not None else None,
    }


def look_values(looks: Iterable[Look]) -> list[Values]:
    """Return who looked at an entry."""
    return [{"at": look.at.isoformat(), "who": unicode_text(look.who)} for look in looks]


def stamp_lines(entry: Entry, rules: StampRules) -> list[str]:
    """Return what such a verdict is stamped with by ``rules``, as ``Name: value``; the journal does not keep stamps."""
    return stamp(entry.verdict, rules, entry.queue_id, entry.ref).lines

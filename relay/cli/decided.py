"""``explain --id``: what the journal remembers of a decision, told like a judgement of a file."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

from relay.cli.journal.opening import opened
from relay.cli.journal.show import besides
from relay.cli.words import told
from relay.journal.entry import Entry
from relay.journal.query import COMMAND_LINE
from relay.journal.values import decision_values, stamp_lines
from relay.judge.explain import Language
from relay.mail.text import unicode_text
from relay.settings.model import Settings
from relay.stamp import StampRules


def decided(settings: Settings, name: str) -> tuple[Entry, ...]:
    """Return the entries with this reference, queue id, number or Message-ID, newest first; each look is noted.

    UnavailableError where the journal is not there or cannot be read now.
    """

    async def ask() -> tuple[Entry, ...]:
        async with opened(settings) as journal:
            entries = await journal.get(name)
            for entry in entries:
                await journal.look(entry.ref, COMMAND_LINE, datetime.now(UTC))
            return entries

    return asyncio.run(ask())


def decision_object(entry: Entry, rules: StampRules, language: Language) -> dict[str, object]:
    """Return the object of ``explain --json``, with what else the journal knows."""
    values = decision_values(entry, stamp_lines(entry, rules), (), language)
    del values["same_message"]
    return {"file": unicode_text(entry.ref), **values}


def decision_lines(entry: Entry, rules: StampRules, language: Language) -> Iterator[str]:
    """Yield the lines of ``explain``, and below them what else the journal knows."""
    yield from told(entry.ref, entry.verdict, stamp_lines(entry, rules), language)
    yield from besides(entry, language)

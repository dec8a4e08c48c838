"""Looking at a decision: where it is found, and how the look is noted."""

from datetime import UTC, datetime

from relay.errors import NotDurableError, UnavailableError
from relay.journal.entry import Entry
from relay.journal.store import Journal
from relay.web.sources import Sources


def journal_of(sources: Sources) -> Journal:
    """Return the journal; UnavailableError while it is away."""
    journal = sources.journal()
    if journal is None:
        raise UnavailableError("the journal is away")
    return journal


async def meant(journal: Journal, name: str) -> tuple[Entry, ...]:
    """Return the entry that is meant by a reference, queue id, number or Message-ID; several if the name is that of several."""
    entries = await journal.get(name)
    exact = tuple(entry for entry in entries if entry.ref == name)
    return exact or entries


async def note(journal: Journal, entry: Entry, who: str) -> bool:
    """Note the look; False where the journal can be read but not written, which is no reason not to show it."""
    try:
        await journal.look(entry.ref, who, datetime.now(UTC))
    except NotDurableError:
        return False
    return True

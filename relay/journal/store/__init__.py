"""The journal's tables and everything that is done with them."""

from relay.journal.store.place import JournalPlace
from relay.journal.store.store import Journal

__all__ = ["Journal", "JournalPlace"]

"""Where a journal is."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class JournalPlace:
    """Where a journal is, and by which key addresses are hashed in it."""

    folder: Path
    """``<state>/journal``: for SQLite's file."""
    url: str | None = None
    """``postgresql://...``; None: SQLite in the folder."""
    key: bytes = b""
    """``web.key``."""
    hashed: bool = False
    """``journal.addresses: hashed``: outsiders are kept only as keyed hashes."""

    @property
    def file(self) -> Path:
        """SQLite's file."""
        return self.folder / "journal.sqlite"

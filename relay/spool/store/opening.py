"""Opening a spool: make or upgrade what is there, take dead claims back, sweep what a crash left."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from relay.database.database import Database, open_database
from relay.database.engine import trouble
from relay.database.writer import Step
from relay.errors import UnavailableError
from relay.spool.store import verbs
from relay.spool.store.folder import Folder


@dataclass(frozen=True, slots=True)
class SpoolPlace:
    """Where a spool is."""

    folder: Path
    """``<state>/spool``: for SQLite and large contents, or for PostgreSQL's temporary files."""
    url: str | None = None
    """``postgresql://...``; None: SQLite in the folder."""

    @property
    def file(self) -> Path:
        """SQLite's file."""
        return self.folder / "spool.sqlite"


def open_spool(place: SpoolPlace, step: Step, *, serving: bool) -> tuple[Database, Folder, str]:
    """Open what is there; blocks.  For ``serving`` see ``Store.open``.  The text is the name that claims go by."""
    folder = Folder(place.folder)
    if serving:
        folder.make()
    elif place.url is None and not place.file.exists():
        raise UnavailableError(
            f"there is no spool in {place.folder} yet; a relay makes one when it first needs it"
        )
    database = open_database("spool", file=place.file, url=place.url, step=step, may_upgrade=serving)
    me = secrets.token_hex(8)
    if serving:
        try:
            name = folder.name_of_the_relay()
            if folder.enter(lambda: _tidy(database, folder, name, in_files=place.url is None)):
                me = name  # a second relay on one folder is somebody else
        except BaseException as error:
            folder.leave()
            database.close()
            if (words := trouble(error)) is not None:
                raise UnavailableError(f"the spool in {place.folder} cannot be used: {words}") from error
            raise
    return database, folder, me


def _tidy(database: Database, folder: Folder, me: str, *, in_files: bool) -> None:
    """Do what only may be done where no other relay serves from this folder.

    On PostgreSQL other relays live elsewhere, so only our own claims of before return; theirs have their leases.
    """
    database.do_now(verbs.return_claims, None if in_files else me)
    folder.sweep(database.ask(verbs.files) if in_files else ())

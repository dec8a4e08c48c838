"""Opening a spool: make or upgrade what is there, take dead claims back, sweep what a crash left."""

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


def open_spool(place: SpoolPlace, step: Step, *, serving: bool) -> tuple[Database, Folder]:
    """Open what is there; blocks.  For ``serving`` see ``Store.open``."""
    folder = Folder(place.folder)
    if serving:
        folder.make()
    elif place.url is None and not place.file.exists():
        raise UnavailableError(
            f"there is no spool in {place.folder} yet; a relay makes one when it first needs it"
        )
    database = open_database("spool", file=place.file, url=place.url, step=step, may_upgrade=serving)
    if serving and place.url is None:
        try:
            folder.enter(lambda: _tidy(database, folder))
        except BaseException as error:
            folder.leave()
            database.close()
            if (words := trouble(error)) is not None:
                raise UnavailableError(f"the spool in {place.folder} cannot be used: {words}") from error
            raise
    return database, folder


def _tidy(database: Database, folder: Folder) -> None:
    """Do what only may be done where no other relay serves from this folder."""
    database.do_now(verbs.return_claims, None)
    folder.sweep(database.ask(verbs.files))

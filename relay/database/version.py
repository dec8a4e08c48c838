"""The version of a schema: asked with one statement, upgraded in place where it is older, refused where it is newer.

Every area (the spool, the journal) has its tables, its migrations and its version, alone or with others in one
database.
"""

import sqlalchemy as sa

from relay.database.engine import is_sqlite
from relay.errors import NewerSchemaError, UnavailableError

VERSIONS = {"spool": ("0001", "0002"), "journal": ("0001", "0002")}
"""The revisions of each area, oldest first; the last is what this program works with."""
_LOCK = 0x52_45_4C_41_59
"""Of PostgreSQL's advisory locks, so that relays that start together upgrade one after the other."""


def version_table(area: str) -> str:
    """Return the name of the table that holds the version of ``area``."""
    return f"{area}_version"


def version_of(connection: sa.Connection, area: str) -> str | None:
    """Return the version of ``area`` in this database; None where there is nothing yet."""
    table = version_table(area)
    if not sa.inspect(connection).has_table(table):
        return None
    found: str | None = connection.exec_driver_sql(f"SELECT version_num FROM {table}").scalar()  # noqa: S608
    return found


def is_current(found: str | None, area: str) -> bool:
    """Return whether ``found`` is the version that we work with; NewerSchemaError if we do not know it."""
    known = VERSIONS[area]
    if found is not None and found not in known:
        raise NewerSchemaError(
            f"the {area}'s database has schema {found} and this helpdesk-relay knows only up to {known[-1]}: "
            f"run the version that made it, or a newer one; nothing was changed"
        )
    return found == known[-1]


def make_current(connection: sa.Connection, area: str, *, may_upgrade: bool = True) -> None:
    """Bring the schema of ``area`` to our version, inside the transaction that ``connection`` is in."""
    if is_current(version_of(connection, area), area):
        return
    if not may_upgrade:
        raise UnavailableError(f"the {area}'s database is not of this version yet; start the relay once")
    if not is_sqlite(connection):
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        if is_current(version_of(connection, area), area):
            return
    from relay.database.upgrade import upgrade

    upgrade(connection, area)

"""Run the migrations of an area.  With ``relay.database.migrations`` the only importer of alembic."""

import threading
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from relay.database.version import version_table

_ONE_AT_A_TIME = threading.Lock()
"""alembic keeps the migration at hand in a module of its own, so two threads would do each other's."""
_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: sa.Connection, area: str, revision: str = "head") -> None:
    """Bring the tables of ``area`` to ``revision``, inside the transaction that ``connection`` is in."""
    with _ONE_AT_A_TIME:
        command.upgrade(_configured(connection, area), revision)


def _configured(connection: sa.Connection, area: str) -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    settings.set_main_option("version_locations", str(_MIGRATIONS / area).replace("%", "%%"))
    settings.attributes["connection"] = connection
    settings.attributes["version_table"] = version_table(area)
    return settings

"""Of which messages nothing more is noted, because an address in them was forgotten while they waited."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "journal_forgotten",
        sa.Column("queue_id", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )

"""Closed messages that are kept for a while, so that their tickets can be opened again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "spool_kept",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), primary_key=True),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("content_id", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("kept_at", sa.BigInteger, nullable=False),
        sa.Column("reopened_at", sa.BigInteger),
        sa.Column("reopened_by", sa.Text),
        sa.Column("envelope", sa.Text, nullable=False),
    )
    op.create_index("spool_kept_ref", "spool_kept", ["ref"])
    op.create_index("spool_kept_age", "spool_kept", ["kept_at"])

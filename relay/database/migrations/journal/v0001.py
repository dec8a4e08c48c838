"""Entries, what finds them, what became of them later, counts, looks, and the digests that went out."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    _make_entries()
    _make_paths()
    _make_counts()
    _make_looks()


def _make_entries() -> None:
    op.create_table(
        "journal_entry",
        sa.Column(
            "number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), primary_key=True
        ),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("ref", sa.Text),
        sa.Column("queue_id", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("channel", sa.Text),
        sa.Column("author", sa.BigInteger),
        sa.Column("doubtful", sa.Integer, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("reopened_at", sa.BigInteger),
        sa.Column("reopened_by", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("journal_entry_at", "journal_entry", ["at"])
    op.create_index("journal_entry_queue_id", "journal_entry", ["queue_id"])
    op.create_index("journal_entry_message_id", "journal_entry", ["message_id"])
    _index_where("journal_entry_ref", "ref", "ref IS NOT NULL")
    _index_where("journal_entry_doubtful", "number", "doubtful = 1")
    op.create_table(
        "journal_address",
        sa.Column("address", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_index("journal_address_number", "journal_address", ["number"])


def _make_paths() -> None:
    op.create_table(
        "journal_path",
        sa.Column("queue_id", sa.Text, primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("journal_path_at", "journal_path", ["at"])


def _make_counts() -> None:
    op.create_table(
        "journal_count",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("day", "channel", "verdict", "reason")),
        sa.Column("doubtful", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("messages", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def _make_looks() -> None:
    op.create_table(
        "journal_look",
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
    )
    op.create_index("journal_look_ref", "journal_look", ["ref"])
    op.create_index("journal_look_at", "journal_look", ["at"])
    op.create_table(
        "journal_digest",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("day", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )


def _index_where(name: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "journal_entry", [column], sqlite_where=where, postgresql_where=where)

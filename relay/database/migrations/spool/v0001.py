"""Items, their contents, and the pieces of large contents (PostgreSQL)."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_COUNT = sa.Integer
_TIME = sa.BigInteger


def upgrade() -> None:
    """Make the tables."""
    _make_contents()
    _make_items()


def _make_contents() -> None:
    op.create_table(
        "spool_content",
        sa.Column("id", _key(), sa.Identity(), primary_key=True),
        sa.Column("begins_at", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("uses", _COUNT, nullable=False),
        sa.Column("octets", sa.LargeBinary),
        sa.Column("file", sa.Text),
    )
    op.create_table(
        "spool_piece",
        sa.Column(
            "content_id",
            sa.BigInteger,
            sa.ForeignKey("spool_content.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("octets", sa.LargeBinary, nullable=False),
    )


def _make_items() -> None:
    op.create_table(
        "spool_item",
        sa.Column("id", _key(), sa.Identity(), primary_key=True),
        sa.Column("queue_id", sa.Text, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("content_id", sa.BigInteger, nullable=False),
        sa.Column("body_from", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("channel", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("accepted_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME),
        sa.Column("next_attempt_at", _TIME),
        sa.Column("claimed_by", sa.Text),
        sa.Column("held", _COUNT, nullable=False, server_default="0"),
        sa.Column("bounced", _COUNT, nullable=False, server_default="0"),
        sa.Column("warned", _COUNT, nullable=False, server_default="0"),
        sa.Column("attempts", _COUNT, nullable=False, server_default="0"),
        sa.Column("unknowns", _COUNT, nullable=False),
        sa.Column("crashes", _COUNT, nullable=False, server_default="0"),
        sa.Column("last_reply", sa.Text, nullable=False, server_default=""),
        sa.Column("envelope", sa.Text, nullable=False),
        sa.Column("head", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("spool_item_due", "spool_item", ["destination", "due_at"])
    op.create_index("spool_item_queue_id", "spool_item", ["queue_id"])
    op.create_index("spool_item_age", "spool_item", ["held", "accepted_at"])
    _index_where("spool_item_claimed", "claimed_by", "claimed_by IS NOT NULL")
    _index_where("spool_item_suspect", "due_at", "crashes >= 2")


def _index_where(name: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "spool_item", [column], sqlite_where=where, postgresql_where=where)


def _key() -> sa.BigInteger:
    """Return the type of a key that counts up: SQLite counts only where it reads INTEGER."""
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")

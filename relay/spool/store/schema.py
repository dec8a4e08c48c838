"""The spool's tables as they are now; ``relay.database.migrations.spool`` leads there (a test compares them).

A time is an integer of microseconds since 1970.  ``due_at`` is when an item may next be claimed: while it is
claimed that is the end of the lease, so that a dead relay's claims return by themselves, and while it is held
there is none.
"""

import sqlalchemy as sa

METADATA = sa.MetaData()

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")

CONTENT = sa.Table(
    "spool_content",
    METADATA,
    sa.Column("id", _KEY, sa.Identity(), primary_key=True),
    sa.Column("begins_at", sa.BigInteger, nullable=False),  # octets of the received content that are not kept
    sa.Column("size", sa.BigInteger, nullable=False),  # of what is kept
    sa.Column("uses", sa.Integer, nullable=False),  # by so many items and kept messages
    sa.Column("octets", sa.LargeBinary),  # with file and pieces: one of the three
    sa.Column("file", sa.Text),
)

PIECE = sa.Table(
    "spool_piece",
    METADATA,
    sa.Column(
        "content_id", sa.BigInteger, sa.ForeignKey("spool_content.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("octets", sa.LargeBinary, nullable=False),
)

ITEM = sa.Table(
    "spool_item",
    METADATA,
    sa.Column("id", _KEY, sa.Identity(), primary_key=True),
    sa.Column("queue_id", sa.Text, nullable=False),
    sa.Column("destination", sa.Text, nullable=False),
    sa.Column("content_id", sa.BigInteger, nullable=False),
    sa.Column("body_from", sa.BigInteger, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("channel", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("accepted_at", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.BigInteger),
    sa.Column("next_attempt_at", sa.BigInteger),
    sa.Column("claimed_by", sa.Text),
    sa.Column("held", sa.Integer, nullable=False, server_default="0"),
    sa.Column("bounced", sa.Integer, nullable=False, server_default="0"),
    sa.Column("warned", sa.Integer, nullable=False, server_default="0"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("unknowns", sa.Integer, nullable=False),
    sa.Column("crashes", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_reply", sa.Text, nullable=False, server_default=""),
    sa.Column("envelope", sa.Text, nullable=False),  # JSON in ASCII (see ``rows``)
    sa.Column("head", sa.LargeBinary, nullable=False),
    sqlite_autoincrement=True,  # an id is never given twice: an operator may have written it down
)


KEPT = sa.Table(
    "spool_kept",
    METADATA,
    sa.Column("id", _KEY, sa.Identity(), primary_key=True),
    sa.Column("ref", sa.Text, nullable=False),
    sa.Column("content_id", sa.BigInteger, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("kept_at", sa.BigInteger, nullable=False),
    sa.Column("reopened_at", sa.BigInteger),
    sa.Column("reopened_by", sa.Text),
    sa.Column("envelope", sa.Text, nullable=False),  # JSON in ASCII (see ``reopenable``)
)


def _index_where(name: str, column: sa.Column[int | None], condition: str) -> None:
    where = sa.text(condition)
    sa.Index(name, column, sqlite_where=where, postgresql_where=where)


sa.Index("spool_item_due", ITEM.c.destination, ITEM.c.due_at)
sa.Index("spool_item_queue_id", ITEM.c.queue_id)
sa.Index("spool_item_age", ITEM.c.held, ITEM.c.accepted_at)
_index_where("spool_item_claimed", ITEM.c.claimed_by, "claimed_by IS NOT NULL")
_index_where("spool_item_suspect", ITEM.c.due_at, "crashes >= 2")
sa.Index("spool_kept_ref", KEPT.c.ref)
sa.Index("spool_kept_age", KEPT.c.kept_at)

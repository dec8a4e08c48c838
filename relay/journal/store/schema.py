"""The journal's tables as they are now; ``relay.database.migrations.journal`` leads there (a test compares them).

A time is an integer of microseconds since 1970.  Text of the network's is made fit for a column first (``rows``).
"""

import sqlalchemy as sa

METADATA = sa.MetaData()

ENTRY = sa.Table(
    "journal_entry",
    METADATA,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("ref", sa.Text),  # none: the same as the queue id
    sa.Column("queue_id", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("channel", sa.Text),
    sa.Column("author", sa.BigInteger),  # as in ``ADDRESS``
    sa.Column("doubtful", sa.Integer, nullable=False),
    sa.Column("words", sa.Text, nullable=False),  # in small letters: what a person may type a part of
    sa.Column("record", sa.Text, nullable=False),  # JSON in ASCII (see ``relay.journal.record``)
    sa.Column("reopened_at", sa.BigInteger),
    sa.Column("reopened_by", sa.Text),
    sqlite_autoincrement=True,  # a number is never given twice: somebody may have written it down
)

ADDRESS = sa.Table(
    "journal_address",
    METADATA,
    sa.Column("address", sa.BigInteger, primary_key=True, autoincrement=False),  # a hash of it
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),  # of the entry
    sqlite_with_rowid=False,
)

PATH = sa.Table(
    "journal_path",
    METADATA,
    sa.Column("queue_id", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

COUNT = sa.Table(
    "journal_count",
    METADATA,
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("verdict", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, primary_key=True),
    sa.Column("doubtful", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("messages", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

LOOK = sa.Table(
    "journal_look",
    METADATA,
    sa.Column("ref", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
)

DIGEST = sa.Table(
    "journal_digest",
    METADATA,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
)

FORGOTTEN = sa.Table(
    "journal_forgotten",
    METADATA,
    sa.Column("queue_id", sa.Text, primary_key=True),  # of what waited still; nothing more is noted of it
    sqlite_with_rowid=False,
)

sa.Index("journal_entry_at", ENTRY.c.at)
sa.Index("journal_entry_queue_id", ENTRY.c.queue_id)
sa.Index("journal_entry_message_id", ENTRY.c.message_id)
_HAS_REF = sa.text("ref IS NOT NULL")
sa.Index("journal_entry_ref", ENTRY.c.ref, sqlite_where=_HAS_REF, postgresql_where=_HAS_REF)
_IS_DOUBTFUL = sa.text("doubtful = 1")
sa.Index("journal_entry_doubtful", ENTRY.c.number, sqlite_where=_IS_DOUBTFUL, postgresql_where=_IS_DOUBTFUL)
sa.Index("journal_address_number", ADDRESS.c.number)
sa.Index("journal_path_at", PATH.c.at)
sa.Index("journal_look_ref", LOOK.c.ref)
sa.Index("journal_look_at", LOOK.c.at)

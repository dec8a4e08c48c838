"""What was decided, summed up by the database: however many channels there are, few rows leave it."""

from datetime import date

import sqlalchemy as sa

from relay.journal.query import OTHERS, Count, Observed
from relay.journal.store.rows import day
from relay.journal.store.schema import COUNT
from relay.judge import Reason

_MESSAGES = sa.func.sum(COUNT.c.messages)


def counts(connection: sa.Connection, first: date, last: date, most: int) -> tuple[Count, ...]:
    """Return the counts of days: of the ``most`` busiest channels each, of the others together."""
    days = _between(first, last)
    busy = sa.select(COUNT.c.channel).where(days).group_by(COUNT.c.channel)
    busiest = connection.execute(busy.order_by(_MESSAGES.desc(), COUNT.c.channel).limit(most)).scalars().all()
    shown = sa.case((COUNT.c.channel.in_(busiest), COUNT.c.channel), else_=OTHERS).label("shown")
    kind = (COUNT.c.verdict, COUNT.c.reason, COUNT.c.doubtful)
    of_channels = sa.select(COUNT.c.day, shown, *kind, COUNT.c.messages).where(days).subquery()
    by = [of_channels.c[name] for name in ("day", "shown", "verdict", "reason", "doubtful")]
    sums = sa.select(*by, sa.func.sum(of_channels.c.messages).label("messages")).group_by(*by).order_by(*by)
    return tuple(
        [
            Count(day(row.day), row.shown, row.verdict, row.reason, bool(row.doubtful), int(row.messages))
            for row in connection.execute(sums)
        ]
    )


def observed(connection: sa.Connection, first: date, last: date) -> tuple[Observed, ...]:
    """Return what channels would have closed that only observed, the most first."""
    doubtful = sa.func.sum(COUNT.c.messages * COUNT.c.doubtful)
    sums = (
        sa.select(COUNT.c.channel, _MESSAGES.label("messages"), doubtful.label("doubtful"))
        .where(_between(first, last), COUNT.c.reason == Reason.OBSERVED.value)
        .group_by(COUNT.c.channel)
        .order_by(_MESSAGES.desc(), COUNT.c.channel)
    )
    return tuple(
        [Observed(row.channel, int(row.messages), int(row.doubtful)) for row in connection.execute(sums)]
    )


def _between(first: date, last: date) -> sa.ColumnElement[bool]:
    return COUNT.c.day.between(first.isoformat(), last.isoformat())

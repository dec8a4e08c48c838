"""Options that name a time: so long ago, or a moment."""

from datetime import UTC, datetime, timedelta

import click

from relay.journal.moment import moment
from relay.settings.values import duration


def age(_: click.Context, __: click.Parameter, value: str | None) -> timedelta | None:
    """Read ``2h``, ``30d``."""
    if value is None:
        return None
    try:
        found = duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if found is None:
        raise click.BadParameter(f"{value} is no time; write one such as 30m, 2h or 5d")
    return found


def since(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """Read ``24h`` (so long ago), ``2026-03-04`` or ``2026-03-04T12:00`` (by the machine's clock, if it names no zone)."""
    if value is None:
        return None
    try:
        return moment(value, datetime.now(UTC))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None

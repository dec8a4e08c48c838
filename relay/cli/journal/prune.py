"""``journal prune``: what the settings no longer keep goes now; a running relay does the same every minute."""

from datetime import UTC, datetime

import click

from relay.cli import exits
from relay.cli.app import config_option
from relay.cli.journal.opening import with_journal
from relay.cli.objects import object_line
from relay.journal.store import Journal
from relay.settings.model import Settings


@click.command(name="prune")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
def command(config: str | None, as_json: bool) -> int:
    """Remove what is older than journal.keep, and the oldest above journal.max_size."""

    async def go(journal: Journal, settings: Settings) -> int:
        limits = settings.journal
        removed = await journal.prune(limits.keep, limits.max_size, datetime.now(UTC))
        click.echo(object_line({"pruned": removed}) if as_json else f"pruned: {removed}")
        return exits.DONE

    return with_journal(config, go)

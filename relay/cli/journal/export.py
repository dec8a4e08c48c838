"""``journal export``: everything that is kept of decisions, for whoever asks for it (docs/privacy.md)."""

from typing import Any

import click

from relay.cli import exits
from relay.cli.journal.opening import filtered, query_of, with_journal
from relay.cli.objects import object_line
from relay.journal.store import Journal
from relay.journal.values import decision_values, look_values, stamp_lines
from relay.service.keys import web_key
from relay.service.stamping import stamp_rules_of
from relay.settings.model import Settings


@click.command(name="export")
@filtered
@click.option("--json", is_flag=True, hidden=True, expose_value=False)
def command(**options: Any) -> int:
    """Print all that is kept of decisions, oldest first, one JSON object a line."""
    query = query_of(options)

    async def go(journal: Journal, settings: Settings) -> int:
        rules = stamp_rules_of(settings, web_key(settings))
        async for entry in journal.entries(query):
            stamped = stamp_lines(entry, rules)
            looks = look_values(await journal.looks(entry.ref))
            values = {**decision_values(entry, stamped, ()), "looks": looks}
            del values["same_message"]
            click.echo(object_line(values))
        return exits.DONE

    return with_journal(options["config"], go)

"""``journal forget``: every decision that names an address goes, and what is left of it on the disk (docs/privacy.md)."""

import click

from relay.cli import exits
from relay.cli.app import config_option
from relay.cli.journal.opening import spool_beside, with_journal
from relay.cli.objects import object_line
from relay.journal.store import Journal
from relay.mail.address import parse_mailbox
from relay.settings.model import Settings


@click.command(name="forget")
@click.argument("address", metavar="ADDRESS")
@config_option
@click.option(
    "--ours", is_flag=True, help="Also where the address is one of ours: then a whole channel's decisions go."
)
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
def command(address: str, config: str | None, ours: bool, as_json: bool) -> int:
    """Remove every decision that names ADDRESS; what waits in the queue is not touched."""
    meant = parse_mailbox(address.strip().removeprefix("<").removesuffix(">"))
    if meant is None:
        raise click.BadParameter(f"{address} is no address; write one such as anna@customer.example")

    async def go(journal: Journal, settings: Settings) -> int:
        if not ours and not settings.book().is_outsider(meant):
            raise click.UsageError(
                f"{meant} is one of ours: that would remove what was decided for it; say --ours if you mean it"
            )
        async with spool_beside(
            settings
        ) as spool:  # before anything is forgotten, so that nothing is by halves
            gone = await journal.forget(meant)
            if spool is not None:
                await spool.forget_kept(gone)
        click.echo(object_line({"forgotten": len(gone)}) if as_json else f"forgotten: {len(gone)}")
        return exits.DONE

    return with_journal(config, go)

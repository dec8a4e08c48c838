"""``journal digest``: what was closed, by which tool, the doubtful ones first; the same that ``digest_to`` gets by mail."""

from collections.abc import Iterable
from datetime import datetime

import click

from relay.cli import exits
from relay.cli.app import config_option
from relay.cli.journal.opening import with_journal
from relay.cli.objects import object_line
from relay.cli.times import since as since_option
from relay.journal.digest import digest_values, text_of
from relay.journal.store import Journal
from relay.judge.explain import Language
from relay.mail.text import visible
from relay.service.digest import gathered
from relay.settings.model import Settings


@click.command(name="digest")
@config_option
@click.option(
    "--since",
    metavar="TIME",
    default="24h",
    show_default=True,
    callback=since_option,
    help="Not older, such as 24h, 7d or 2026-03-04.",
)
@click.option("--channel", "names", metavar="NAME", multiple=True, help="Only this one; may be given again.")
@click.option(
    "--lang",
    type=click.Choice([language.value for language in Language]),
    help="en or de  [default: digest.language]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
def command(
    config: str | None, since: datetime, names: tuple[str, ...], lang: str | None, as_json: bool
) -> int:
    """Say of each channel what was closed, by which tool, and what of it in doubt."""

    async def go(journal: Journal, settings: Settings) -> int:
        language = Language(lang or settings.digest.language)
        told = 0
        for name in _channels(settings, names):
            digest = await gathered(journal, name, since)
            if digest.nothing and not names:
                continue
            if as_json:
                click.echo(object_line(digest_values(digest)))
            else:
                if told:
                    click.echo()
                click.echo(text_of(digest, language, settings.web.url), nl=False)
            told += 1
        if not told and not as_json:
            click.echo(
                "Kein Ticket wurde geschlossen." if language is Language.DE else "No ticket was closed."
            )
        return exits.DONE

    return with_journal(config, go)


def _channels(settings: Settings, names: Iterable[str]) -> Iterable[str]:
    """Return the channels that are meant; UsageError for one that channels.yaml does not have."""
    known = [each.channel.name for each in settings.channels]
    for name in names:
        if name not in known:
            raise click.UsageError(f"channels.yaml has no channel {visible(name)}")
    return list(dict.fromkeys(names)) or known

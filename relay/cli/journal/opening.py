"""What every verb of ``journal`` does first: options to a query, and a journal that is open."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from relay.cli.app import config_option, config_path
from relay.cli.times import since
from relay.journal.query import Query
from relay.judge import Disposition, Reason
from relay.settings.model import Settings
from relay.settings.words import Mode

if TYPE_CHECKING:  # replay takes the options, and opens a journal only where one is asked for
    from relay.journal.store import Journal
    from relay.spool.store import Store

Options = Callable[..., Any]


def filtered(command: Options) -> Options:
    """Add the options that say which entries are meant."""
    for option in reversed(
        (
            config_option,
            click.option(
                "--verdict",
                type=click.Choice([each.value for each in Disposition]),
                help="open or auto-closed.",
            ),
            click.option("--reason", type=click.Choice([each.value for each in Reason]), help="Why."),
            click.option("--channel", metavar="NAME", help="The author's channel."),
            click.option("--author", metavar="ADDRESS", help="Who stands in From."),
            click.option(
                "--since", metavar="TIME", callback=since, help="Not older, such as 24h, 30d or 2026-03-04."
            ),
            click.option(
                "--about", metavar="ADDRESS", help="An address anywhere in it: author, recipients, envelope."
            ),
            click.option("--doubtful", is_flag=True, help="Only what was closed although there are doubts."),
        )
    ):
        command = option(command)
    return command


def query_of(options: dict[str, Any]) -> Query:
    """Return the query that the options of ``filtered`` mean; BadParameter for what is no address."""
    from relay.mail.address import parse_mailbox

    for name in ("author", "about"):
        if options[name] is not None and parse_mailbox(options[name]) is None:
            words = f"{options[name]} is no address; write one such as support@company.com"
            raise click.BadParameter(words, param_hint=f"--{name}")
    names = ("verdict", "reason", "channel", "author", "about", "since", "doubtful")
    return Query(**{name: options[name] for name in names})


def settings_of(config: str | None) -> Settings:
    """Return what channels.yaml says; BadSettingsError or UnreadableFileError."""
    from relay.settings.parse import read_settings

    return read_settings(config_path(config), os.environ)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator["Journal"]:
    """Give the journal as it is; nothing is made or upgraded.  UnavailableError where it cannot be had."""
    from relay.journal.store import Journal
    from relay.service.journal import journal_place

    journal = await Journal.open(journal_place(settings), may_upgrade=False)
    try:
        yield journal
    finally:
        await journal.close()


@asynccontextmanager
async def spool_beside(settings: Settings) -> AsyncIterator["Store | None"]:
    """Give the spool as it is; None where there is none.  UnavailableError where it cannot be had."""
    from relay.service.spool import spool_place
    from relay.spool.store import Store

    place = spool_place(settings)
    if not place.file.exists() and (place.url is None or settings.deliver.mode is Mode.PASS_THROUGH):
        yield None
        return
    store = await Store.open(place, now=lambda: datetime.now(UTC), serving=False)
    try:
        yield store
    finally:
        await store.close()


def with_journal(config: str | None, act: Callable[["Journal", Settings], Awaitable[int]]) -> int:
    """Do something with the journal, and return its exit code."""
    settings = settings_of(config)

    async def go() -> int:
        async with opened(settings) as journal:
            return await act(journal, settings)

    return asyncio.run(go())

"""``journal list``: decisions, one line each, newest first."""

from typing import Any

import click

from relay.cli import exits
from relay.cli.journal.opening import filtered, query_of, with_journal
from relay.cli.objects import object_line
from relay.journal.entry import Entry
from relay.journal.store import Journal
from relay.journal.values import entry_values
from relay.mail.text import unicode_text, visible
from relay.settings.model import Settings

_PAGE = 200


@click.command(name="list")
@filtered
@click.option("--most", metavar="N", type=click.IntRange(1), help="So many at most  [default: all]")
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
def command(most: int | None, as_json: bool, **options: Any) -> int:
    """List decisions, newest first."""
    query = query_of(options)

    async def go(journal: Journal, _: Settings) -> int:
        left = most
        before: int | None = None
        while left is None or left > 0:
            page = await journal.find(query, most=_PAGE if left is None else min(left, _PAGE), before=before)
            for entry in page:
                click.echo(object_line(entry_values(entry)) if as_json else line(entry))
            if len(page) < _PAGE:
                break
            before = page[-1].number
            left = None if left is None else left - len(page)
        return exits.DONE

    return with_journal(options["config"], go)


def line(entry: Entry) -> str:
    """Return a decision on one line."""
    verdict = entry.verdict
    channel = f" {verdict.channel.name}" if verdict.channel else ""
    doubts = f" in doubt: {','.join(verdict.doubts)}" if entry.doubtful else ""
    author = str(verdict.author) if verdict.author else "no author"
    paths = [path.path for path in entry.paths]
    to = f"{paths[0] if paths else '-'}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''}"
    name = f"<{entry.message_id}>" if entry.message_id else "no Message-ID"
    words = (
        f"{entry.at:%Y-%m-%d %H:%M:%S}  {entry.ref}  {verdict.disposition} ({verdict.reason}){channel}{doubts}  "
        f"{author} to {to}  {name}"
    )
    return visible(unicode_text(words))

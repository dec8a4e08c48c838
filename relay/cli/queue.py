"""``queue``: what waits in the spool, and what an operator may do about it, beside a running relay."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import click

from relay.cli import exits
from relay.cli.app import config_option, config_path
from relay.cli.objects import object_line
from relay.cli.times import age
from relay.database.columns import number_of
from relay.mail.text import visible
from relay.spool.item import Filter, Item, State
from relay.spool.store.store import Store
from relay.spool.values import item_values

Options = Callable[..., Any]
_BATCH = 500


def _filtered(command: Options) -> Options:
    """Add the options that say which items are meant."""
    for option in reversed(
        (
            config_option,
            click.option("--hop", metavar="WAY", help="helpdesk, helpdesk:CHANNEL, elsewhere or reports."),
            click.option("--channel", metavar="NAME", help="The author's channel."),
            click.option(
                "--reason", metavar="WORDS", help="The verdict's reason, or words of the last reply."
            ),
            click.option(
                "--older-than", metavar="TIME", callback=age, help="Accepted longer ago, such as 2h."
            ),
            click.option("--newer-than", metavar="TIME", callback=age, help="Accepted since, such as 2h."),
            click.option(
                "--state", type=click.Choice([state.value for state in State]), help="Waiting or held."
            ),
            click.option("--json", "as_json", is_flag=True, help="Print one object a line."),
        )
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the options and the arguments say."""

    filters: Filter
    names: tuple[str, ...]
    as_json: bool
    config: str | None

    @property
    def anything(self) -> bool:
        """Some items are meant, and not just all of them by default."""
        return bool(self.names) or self.filters != Filter()


def _wanted(options: dict[str, Any], names: tuple[str, ...] = ()) -> _Wanted:
    now = datetime.now(UTC)
    older, newer = options["older_than"], options["newer_than"]
    filters = Filter(
        destination=options["hop"],
        channel=options["channel"],
        reason=options["reason"],
        accepted_before=now - older if older is not None else None,
        accepted_after=now - newer if newer is not None else None,
        state=State(options["state"]) if options["state"] else None,
    )
    return _Wanted(filters, names, options["as_json"], options["config"])


@click.group(name="queue")
def command() -> None:
    """Show and steer what waits in the spool, also beside a running relay."""


@command.command(name="list")
@_filtered
def list_(**options: Any) -> int:
    """List what waits, one line each."""
    wanted = _wanted(options)

    async def go(store: Store) -> int:
        async for item in store.list(wanted.filters):
            click.echo(object_line(item_values(item)) if wanted.as_json else _line(item))
        return exits.DONE

    return _run(wanted, go)


@command.command()
@click.argument("name", metavar="ID")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
def show(name: str, config: str | None, as_json: bool) -> int:
    """Show one item; ID is its number or its queue id."""
    wanted = _Wanted(Filter(), (name,), as_json, config)

    async def go(store: Store) -> int:
        items = [item async for item in _meant(store, wanted)]
        for item in items:
            if as_json:
                click.echo(object_line(item_values(item)))
            else:
                for key, value in item_values(item).items():
                    shown = ", ".join(value) if isinstance(value, list) else str(value)
                    click.echo(f"{key:<16} {visible(shown)}")
        return _found(len(items), wanted)

    return _run(wanted, go)


def _verb(name: str, text: str, change: Callable[[Store, Collection[int]], Awaitable[int]]) -> None:
    @command.command(name=name, help=text)
    @click.argument("ids", metavar="[ID]...", nargs=-1)
    @click.option("--all", "everything", is_flag=True, help="All items.")
    @_filtered
    def verb(ids: tuple[str, ...], everything: bool, **options: Any) -> int:
        wanted = _wanted(options, ids)
        if not wanted.anything and not everything:
            raise click.UsageError("say which: numbers or queue ids, filters such as --hop, or --all")

        async def go(store: Store) -> int:
            numbers = [item.id async for item in _meant(store, wanted)]
            changed = 0
            with click.progressbar(length=len(numbers), label=name, hidden=len(numbers) <= _BATCH) as bar:
                for start in range(0, len(numbers), _BATCH):
                    batch = numbers[start : start + _BATCH]
                    changed += await change(store, batch)
                    bar.update(len(batch))
            click.echo(
                object_line({name: changed}) if wanted.as_json else f"{name}: {changed} of {len(numbers)}"
            )
            return _found(len(numbers), wanted)

        return _run(wanted, go)


_verb("retry", "Make waiting items due now.", lambda store, ids: store.retry(ids))
_verb("hold", "Keep items where they are until they are released.", lambda store, ids: store.hold(ids))
_verb("release", "Let held items wait again, due now.", lambda store, ids: store.release(ids))
_verb("bounce", "Let items fail now, with the report that is due.", lambda store, ids: store.bounce(ids))
_verb("delete", "Delete items without a word to anybody.", lambda store, ids: store.delete(ids))


async def _meant(store: Store, wanted: _Wanted) -> AsyncIterator[Item]:
    """Yield the items that arguments and options name; one that is named twice comes once."""
    if not wanted.names:
        async for item in store.list(wanted.filters):
            yield item
        return
    seen: set[int] = set()
    for name in wanted.names:
        number = number_of(name)
        one = await store.show(number) if number is not None else None
        by_queue_id = store.list(replace(wanted.filters, queue_id=name))
        for item in [one] if one else [item async for item in by_queue_id]:
            if item.id not in seen:
                seen.add(item.id)
                yield item


def _found(count: int, wanted: _Wanted) -> int:
    if count == 0 and wanted.names:
        click.echo(
            f"helpdesk-relay: nothing in the queue is called {' or '.join(map(visible, wanted.names))}",
            err=True,
        )
    return exits.DONE if count else exits.NO


def _run(wanted: _Wanted, go: Callable[[Store], Awaitable[int]]) -> int:
    async def inside() -> int:
        async with _store(wanted.config) as store:
            return await go(store)

    return asyncio.run(inside())


@asynccontextmanager
async def _store(config: str | None) -> AsyncIterator[Store]:
    from relay.service.spool import spool_place
    from relay.settings.parse import read_settings

    settings = read_settings(config_path(config), os.environ)
    store = await Store.open(spool_place(settings), now=lambda: datetime.now(UTC), serving=False)
    try:
        yield store
    finally:
        await store.close()


def _line(item: Item) -> str:
    paths: Sequence[str] = [path.text for path in item.forward_paths]
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    when = item.next_attempt_at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if item.next_attempt_at else "held"
    return (
        f"{item.id:>8}  {item.queue_id}  {item.destination}  {when}  tries {item.attempts}  "
        f"<{visible(item.reverse_path.text)}> to <{visible(paths[0])}>{more}  {visible(item.last_reply)}"
    ).rstrip()

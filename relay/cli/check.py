"""``check``: validate channels.yaml, print what it means, and look whether the world around it is right."""

import os
from collections.abc import Collection, Iterator, Sequence

import click

from relay.channels import ChannelBook
from relay.cli import exits
from relay.cli.app import config_option, config_path
from relay.cli.objects import object_line
from relay.cli.tables import table
from relay.mail.text import visible
from relay.service.survey.point import Answer, Point
from relay.settings.model import Settings
from relay.settings.words import ListenerTls


@click.command(name="check")
@config_option
@click.option(
    "--dns", is_flag=True, help="Look at DNS and at the servers, too; exit with 1 if something is not right."
)
@click.option("--json", "as_json", is_flag=True, help="With --dns: print what was found, one object a line.")
def command(config: str | None, dns: bool, as_json: bool) -> int:
    """Validate channels.yaml; print the channels, what each can close, the routes and the listeners."""
    from relay.settings.parse import read_settings

    if as_json and not dns:
        raise click.UsageError("--json needs --dns")
    path = config_path(config)
    settings = read_settings(path, os.environ, serving=True)
    book = settings.book()
    if not as_json:
        _print_settings(settings, book)
    points = _surveyed(settings) if dns else ()
    if as_json:
        for point in points:
            click.echo(object_line(_told(point)))
    elif dns:
        _print_points(points)
    wrong = sum(point.answer is Answer.NO for point in points)
    if not as_json:
        found = (
            f", but {wrong} {'thing is' if wrong == 1 else 'things are'} not right around it" if wrong else ""
        )
        click.echo(f"\n{visible(str(path))}: valid{found}, book {book.digest}")
    return exits.NO if wrong else exits.DONE


def _print_settings(settings: Settings, book: ChannelBook) -> None:
    from relay.service.review import closing, warnings
    from relay.service.stamping import stamped

    table(
        "Channels", ("name", "address", "also", "inbound", "auto_close", "when_in_doubt"), _channels(settings)
    )
    table("Routes", ("for", "next hop"), _routes(settings))
    table("Listeners", ("what", "where", "TLS", "AUTH"), _listeners(settings))
    if proofs := tuple(_platform(book)):
        table("Platform", ("proved by", "which"), proofs)
    table("Stamp", ("on", "field"), stamped(settings))
    click.echo("What can be closed")
    told = closing(book)
    for sentence in told:
        click.echo(f"  {visible(sentence)}")
    rest = [warning for warning in warnings(settings, book) if warning not in told]
    if rest:
        click.echo("\nGood to know")
        for warning in rest:
            click.echo(f"  {visible(warning)}")


def _surveyed(settings: Settings) -> tuple[Point, ...]:
    import asyncio

    from relay.service.survey.survey import surveyed

    return asyncio.run(surveyed(settings))


def _print_points(points: Sequence[Point]) -> None:
    click.echo("")
    rows = ((point.answer, point.about, point.of, point.because) for point in points)
    table("DNS and servers", ("right", "what", "of", "found"), rows)
    wanted = dict.fromkeys(
        line for point in points if point.answer is not Answer.HINT for line in point.publish
    )
    _print_records("What to publish, where it is yours to say", wanted)
    if wanted:
        click.echo("")
    maybe = dict.fromkeys(line for point in points for line in point.publish if line not in wanted)
    _print_records("Only if all mail of that domain is to arrive here", maybe)


def _print_records(heading: str, records: Collection[str]) -> None:
    if records:
        click.echo(heading)
    for line in records:
        click.echo(f"  {visible(line)}")


def _told(point: Point) -> dict[str, object]:
    return {
        "about": point.about,
        "of": point.of,
        "answer": point.answer,
        "because": point.because,
        "publish": list(point.publish),
    }


def _channels(settings: Settings) -> Iterator[tuple[str, ...]]:
    for own in settings.channels:
        channel = own.channel
        yield (
            channel.name,
            str(channel.address),
            ", ".join(map(str, channel.also)),
            ", ".join(map(str, channel.inbound)),
            channel.auto_close.value,
            (channel.when_in_doubt or settings.rule.when_in_doubt).value,
        )


def _routes(settings: Settings) -> Iterator[tuple[str, ...]]:
    deliver = settings.deliver
    yield "the helpdesk", str(deliver.helpdesk or "-")
    for own in settings.channels:
        if own.helpdesk is not None:
            yield f"channel {own.channel.name}", str(own.helpdesk)
    for domain in sorted(settings.domains):
        yield f"anybody at {domain}", str(deliver.helpdesk or "-")
    yield "elsewhere", str(deliver.elsewhere)
    yield "reports", str(deliver.reports)


def _platform(book: ChannelBook) -> Iterator[tuple[str, str]]:
    platform = book.platform
    proofs = {
        "client in": map(str, platform.networks.all),
        "login": sorted(platform.users),
        "DKIM signature of": sorted(platform.dkim_domains),
        "by milter, said by": sorted(platform.authserv_ids),
    }
    for proved_by, which in proofs.items():
        if told := ", ".join(which):
            yield proved_by, told


def _listeners(settings: Settings) -> Iterator[tuple[str, ...]]:
    for smtp in settings.listen.smtp:
        offered = smtp.tls is not ListenerTls.OPPORTUNISTIC or settings.tls.certificate is not None
        tls = smtp.tls.value if offered else "opportunistic (not offered: there is no certificate)"
        yield "SMTP", str(smtp.address), tls, smtp.auth.value
    for milter in settings.listen.milter:
        yield "milter", str(milter), "", ""
    if settings.listen.web is not None:
        yield "web page", str(settings.listen.web), "", ""

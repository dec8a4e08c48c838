"""``check``: validate channels.yaml, and print what it means."""

import os
from collections.abc import Iterator

import click

from relay.cli import exits
from relay.cli.app import config_option, config_path
from relay.cli.tables import table
from relay.mail.hop import NextHop
from relay.settings.model import Settings
from relay.settings.words import ListenerTls


@click.command(name="check")
@config_option
@click.option("--dns", is_flag=True, help="Look the routes up; exit with 1 if one cannot be found.")
def command(config: str | None, dns: bool) -> int:
    """Validate channels.yaml; print the channels, what each can close, the routes and the listeners."""
    from relay.service.review import closing, warnings
    from relay.service.stamping import stamped
    from relay.settings.parse import read_settings

    path = config_path(config)
    settings = read_settings(path, os.environ, serving=True)
    book = settings.book()
    table(
        "Channels", ("name", "address", "also", "inbound", "auto_close", "when_in_doubt"), _channels(settings)
    )
    table("Routes", ("for", "next hop"), _routes(settings))
    table("Listeners", ("what", "where", "TLS", "AUTH"), _listeners(settings))
    table("Stamp", ("on", "field"), stamped(settings))
    click.echo("What can be closed")
    told = closing(book)
    for sentence in told:
        click.echo(f"  {sentence}")
    rest = [warning for warning in warnings(settings, book) if warning not in told]
    if rest:
        click.echo("\nGood to know")
        for warning in rest:
            click.echo(f"  {warning}")
    found = _look_up(settings) if dns else True
    click.echo(f"\n{path}: {'valid' if found else 'valid, but a route cannot be found'}, book {book.digest}")
    return exits.DONE if found else exits.NO


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


def _listeners(settings: Settings) -> Iterator[tuple[str, ...]]:
    for smtp in settings.listen.smtp:
        offered = smtp.tls is not ListenerTls.OPPORTUNISTIC or settings.tls.certificate is not None
        tls = smtp.tls.value if offered else "opportunistic (not offered: there is no certificate)"
        yield "SMTP", str(smtp.address), tls, smtp.auth.value
    for milter in settings.listen.milter:
        yield "milter", str(milter), "", ""
    if settings.listen.web is not None:
        yield "web page", str(settings.listen.web), "", ""


def _look_up(settings: Settings) -> bool:
    from relay.delivery.resolver import addresses_of

    destinations = [settings.deliver.helpdesk, settings.deliver.elsewhere, settings.deliver.reports]
    destinations += [own.helpdesk for own in settings.channels]
    hosts = dict.fromkeys(hop.host for hop in destinations if isinstance(hop, NextHop) and hop.host)
    answers = {host: addresses_of(host) for host in hosts}
    table("DNS", ("host", "addresses"), ((host, answer.words) for host, answer in answers.items()))
    return all(answer.found for answer in answers.values())

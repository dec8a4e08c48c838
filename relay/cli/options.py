"""Values of options that several commands take."""

from ipaddress import ip_address

import click

from relay.mail.address import Mailbox, parse_mailbox
from relay.mail.envelope import plain_address


def mailboxes(ctx: click.Context, _: click.Parameter, values: tuple[str, ...]) -> tuple[Mailbox, ...]:
    """Read addresses."""
    parsed = {value: parse_mailbox(value.strip().removeprefix("<").removesuffix(">")) for value in values}
    for value, mailbox in parsed.items():
        if mailbox is None:
            raise click.BadParameter(f"{value} is no address; write one such as support@company.com", ctx)
    return tuple(mailbox for mailbox in parsed.values() if mailbox)


def ip(ctx: click.Context, _: click.Parameter, value: str | None) -> object:
    """Read the address of a client."""
    if value is None:
        return None
    try:
        return plain_address(ip_address(value.strip().removeprefix("[").removesuffix("]")))
    except ValueError:
        raise click.BadParameter(f"{value} is no IP address; write one such as 192.0.2.1", ctx) from None

"""Values of options that several commands take."""

import click

from relay.mail.address import Mailbox
from relay.mail.typed import typed_ip, typed_mailbox


def mailboxes(ctx: click.Context, _: click.Parameter, values: tuple[str, ...]) -> tuple[Mailbox, ...]:
    """Read addresses."""
    parsed = {value: typed_mailbox(value) for value in values}
    for value, mailbox in parsed.items():
        if mailbox is None:
            raise click.BadParameter(f"{value} is no address; write one such as support@company.com", ctx)
    return tuple(mailbox for mailbox in parsed.values() if mailbox)


def ip(ctx: click.Context, _: click.Parameter, value: str | None) -> object:
    """Read the address of a client."""
    if value is None:
        return None
    found = typed_ip(value)
    if found is None:
        raise click.BadParameter(f"{value} is no IP address; write one such as 192.0.2.1", ctx)
    return found

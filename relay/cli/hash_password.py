"""``hash-password``: make a hash for the key ``users``; the password never is an argument."""

import sys

import click

from relay.cli import exits


@click.command(name="hash-password")
def command() -> int:
    """Make a password hash for the key users.  Asks on a terminal, else reads one line from stdin."""
    from relay.passwords import hash_password

    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt="The same again", err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.UsageError("an empty password is no password: type one, or send it as a line on stdin")
    click.echo(hash_password(password))
    return exits.DONE

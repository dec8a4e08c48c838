"""``serve``: run all listeners."""

import os

import click

from relay.cli import exits
from relay.cli.app import config_option, config_path


@click.command(name="serve")
@config_option
def command(config: str | None) -> int:
    """Run all listeners.  SIGTERM finishes what is in hand; SIGHUP, or a change of the file, reloads it."""
    from relay.service.run import run
    from relay.settings.parse import read_settings

    path = config_path(config)
    run(
        read_settings(path, os.environ, serving=True),
        lambda: read_settings(path, os.environ, serving=True),
        path,
    )
    return exits.DONE

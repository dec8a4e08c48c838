"""``sandbox``: a local test endpoint for whoever sets up a CRM or a web form."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import click

from relay.cli import exits
from relay.cli.app import config_option, config_path
from relay.settings.entrances import Endpoint, ListenSettings, SmtpListener
from relay.settings.model import Settings
from relay.settings.words import Mode


@click.command(name="sandbox")
@config_option
@click.option(
    "--smtp", default="127.0.0.1:1025", show_default=True, metavar="HOST:PORT", help="Where to take mail."
)
@click.option(
    "--web", default="127.0.0.1:8025", show_default=True, metavar="HOST:PORT", help="Where to show it."
)
def command(config: str | None, smtp: str, web: str) -> int:
    """Take every message, forward nothing, and show each with its verdict and reason."""
    from relay.service.run import run
    from relay.settings.parse import read_settings

    def endpoint(text: str, option: str) -> Endpoint:
        host, _, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if (
            not host
            or not port.isascii()
            or not port.isdigit()
            or len(port) > 5
            or not 0 <= int(port) <= 65535
        ):
            raise click.BadParameter(f"{text} is no address to listen on; write host:port", param_hint=option)
        found = Endpoint(host, int(port))
        if not found.loopback:
            raise click.BadParameter(
                f"{text} can be reached from outside; the sandbox is for loopback", param_hint=option
            )
        return found

    listen = ListenSettings(
        smtp=(SmtpListener(endpoint(smtp, "--smtp")),), milter=(), web=endpoint(web, "--web")
    )
    path = config_path(config)
    with tempfile.TemporaryDirectory(prefix="helpdesk-relay-") as folder:

        def load() -> Settings:
            return _as_sandbox(read_settings(path, os.environ), listen, folder)

        settings = load()
        click.echo(
            f"SMTP on {smtp}, every address is accepted; the page is http://{web}/; Ctrl-C ends it", err=True
        )
        run(settings, load, Path(path), accept_everything=True)
    return exits.DONE


def _as_sandbox(settings: Settings, listen: ListenSettings, folder: str) -> Settings:
    """Return the same settings with every way out turned to the stand-in helpdesk."""
    from relay.mail.hop import Way

    deliver = replace(
        settings.deliver,
        helpdesk=Way.SANDBOX,
        elsewhere=Way.REFUSE,
        reports=Way.HOLD,
        mode=Mode.PASS_THROUGH,
    )
    channels = tuple(
        replace(channel, helpdesk=None, forward_to=None, digest_to=None) for channel in settings.channels
    )
    return replace(settings, channels=channels, listen=listen, state=folder, deliver=deliver)

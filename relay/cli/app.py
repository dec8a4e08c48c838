"""The command group: finds the command, and turns every exception into one sentence and an exit code."""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from relay.cli import exits
from relay.errors import (
    BadSettingsError,
    NewerSchemaError,
    NotDurableError,
    RelayError,
    UnavailableError,
    UnreadableFileError,
)
from relay.mail.text import visible

COMMANDS = {
    "serve": "Run all listeners.",
    "sandbox": "Run a local test endpoint that shows each message with its verdict.",
    "check": "Validate channels.yaml and print what it means.",
    "explain": "Judge messages and say why.",
    "replay": "Judge stored mail or the journal again.",
    "journal": "Show what was decided and why; prune it, forget addresses.",
    "queue": "Show and steer what waits in the spool.",
    "hash-password": "Make a password hash for the key users.",
}
"""Names and one sentence each; the module of a command is named like it, with ``_`` for ``-``."""


class LazyGroup(click.Group):
    """Imports a command's module when the command is asked for."""

    def __init__(self, *, modules: str, sentences: Mapping[str, str], **attributes: Any) -> None:
        """Take the package of the commands' modules, and the commands: names and one sentence each."""
        super().__init__(**attributes)
        self._modules = modules
        self._sentences = sentences

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of the documentation."""
        return list(self._sentences)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return a command; None if there is none of that name."""
        if cmd_name not in self._sentences:
            return None
        command = import_module(f"{self._modules}.{cmd_name.replace('-', '_')}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._sentences.items()))


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"helpdesk-relay {version('helpdesk-relay')}")
        ctx.exit()


config_option = click.option(
    "--config",
    metavar="FILE",
    help="channels.yaml to use  [default: $HELPDESK_RELAY_CONFIG, else channels.yaml]",
)
"""The option that every command that reads channels.yaml takes, before or behind the command's name."""


@click.group(
    cls=LazyGroup,
    modules="relay.cli",
    sentences=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@config_option
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version."
)
@click.pass_context
def app(ctx: click.Context, config: str | None) -> None:
    """Relay mail to a helpdesk, mark outbound copies as auto-closed, and say why."""
    ctx.obj = config


def config_path(config: str | None) -> Path:
    """Return the channels.yaml to use: the option behind the command, before it, the environment, the default."""
    before = click.get_current_context().find_root().obj
    return Path(config or before or os.environ.get("HELPDESK_RELAY_CONFIG") or "channels.yaml")


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors go to stderr in one sentence, never a traceback."""
    try:
        code = app.main(list(arguments), prog_name="helpdesk-relay", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        return exits.INTERRUPTED
    except click.ClickException as error:
        return _usage(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.DONE
    except RelayError as error:
        return _expected(error)
    except Exception as error:
        return _unexpected(error)
    return code if isinstance(code, int) else exits.DONE


def _usage(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return exits.USAGE
    hint = f"  (see 'helpdesk-relay {command} --help')" if (command := _command_of(error)) else ""
    click.echo(f"helpdesk-relay: {visible(error.format_message())}{hint}", err=True)
    return exits.USAGE


def _command_of(error: click.ClickException) -> str | None:
    ctx = getattr(error, "ctx", None)
    return ctx.command_path.partition(" ")[2] or None if ctx is not None else None


def _expected(error: RelayError) -> int:
    match error:
        case BadSettingsError():
            for problem in error.problems:
                click.echo(visible(str(problem)), err=True)
            count = len(error.problems)
            click.echo(f"helpdesk-relay: {count} problem{'s' if count != 1 else ''} to mend", err=True)
            return exits.BAD_SETTINGS
        case UnreadableFileError():
            code = exits.NO_INPUT
        case UnavailableError() | NotDurableError():
            code = exits.TRY_AGAIN
        case NewerSchemaError():
            code = exits.BAD_SETTINGS
        case _:
            code = exits.OUR_BUG
    click.echo(f"helpdesk-relay: {visible(str(error))}", err=True)
    return code


def _unexpected(error: Exception) -> int:
    if os.environ.get("HELPDESK_RELAY_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    click.echo(
        f"helpdesk-relay: this is a bug of ours ({type(error).__name__}); "
        "set HELPDESK_RELAY_TRACEBACK=1 and run it again to see where",
        err=True,
    )
    return exits.OUR_BUG

"""``journal``: what was decided; one module per verb, imported when it is asked for."""

import click

from relay.cli.app import LazyGroup

VERBS = {
    "list": "List decisions, newest first.",
    "show": "Show one decision with everything that is known of it.",
    "export": "Print all that is kept of decisions, oldest first, one JSON object a line.",
    "digest": "Say what was closed, by which tool, and what of it in doubt.",
    "prune": "Remove what the settings no longer keep, now.",
    "reopen": "Tell the helpdesk to open a closed ticket again.",
    "forget": "Remove every decision that names an address.",
}
"""Names and one sentence each."""


@click.group(name="journal", cls=LazyGroup, modules="relay.cli.journal", sentences=VERBS)
def command() -> None:
    """Show what was decided and why, also beside a running relay."""

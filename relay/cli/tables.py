"""Tables for a terminal or a pipe: never cut, never wrapped in a pipe, nothing from the network raw."""

import sys
from collections.abc import Iterable, Sequence

from relay.mail.text import visible

_WIDE = 10_000


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on stdout."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(
        width=None if sys.stdout.isatty() else _WIDE, highlight=False, soft_wrap=not sys.stdout.isatty()
    )
    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, title_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text(visible(cell)) for cell in row))
    with console.capture() as printed:
        console.print(made)
    for line in printed.get().splitlines():
        sys.stdout.write(line.rstrip() + "\n")

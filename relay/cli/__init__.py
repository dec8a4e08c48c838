"""The command line: one module per command; parse, call, print, exit code.

Commands are imported when they are asked for, so that each starts as quickly as what it needs allows.
"""

from relay.cli.app import run

__all__ = ["run"]

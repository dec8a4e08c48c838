"""A YAML document as plain values that know their lines.  Pure."""

import re
from typing import NamedTuple

Path = tuple[str | int, ...]
"""Keys, and positions in lists, from the top of the document."""

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
_NUMBER = re.compile(
    r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|0x[0-9a-fA-F_]+|0o[0-7_]+"
)


class Scalar(NamedTuple):
    """One value."""

    text: str
    line: int
    plain: bool
    """Written without quotes, so that YAML may take it for a boolean, a number or nothing."""


class Listing(NamedTuple):
    """A list."""

    items: tuple["Node", ...]
    line: int


class Block(NamedTuple):
    """Keys with values."""

    entries: dict[str, "Entry"]
    line: int


class Entry(NamedTuple):
    """The value of a key, and the key's line."""

    line: int
    node: "Node"


Node = Scalar | Listing | Block


def is_null(node: Node) -> bool:
    """Tell whether nothing stands there."""
    return isinstance(node, Scalar) and node.plain and node.text in NULLS


def truth_of(node: Node) -> bool | None:
    """Return the boolean that YAML 1.1 reads there, if it reads one."""
    if not isinstance(node, Scalar) or not node.plain:
        return None
    word = node.text.lower()
    return True if word in _TRUE else False if word in _FALSE else None


def is_number(node: Scalar) -> bool:
    """Tell whether YAML reads a number there."""
    return node.plain and _NUMBER.fullmatch(node.text) is not None


def line_of(root: Node, path: Path) -> int:
    """Return the line of the key or item at ``path``, or of the nearest thing above it that is written down."""
    node, line = root, 0
    for part in path:
        match node:
            case Block(entries) if isinstance(part, str) and part in entries:
                line, node = entries[part]
            case Listing(items) if isinstance(part, int) and part < len(items):
                node = items[part]
                line = node.line
            case _:
                break
    return line

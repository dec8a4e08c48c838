"""Put a document together from what a YAML parser meets, with lines, aliases and merge keys.  Without I/O.

Every place is visited once, however deep; what aliases repeat is bounded.
"""

from dataclasses import dataclass, field
from sys import intern

from relay.settings.nodes import Block, Entry, Listing, Node, Path, Scalar, is_null
from relay.settings.wording import shown

_MOST_REPEATED = 1_000_000
"""Values that aliases may repeat in all."""


class MalformedError(Exception):
    """The text is no YAML that we read; one sentence, and the line (0: none)."""

    def __init__(self, words: str, line: int) -> None:
        super().__init__(words)
        self.line = line


@dataclass(slots=True)
class _Unfinished:
    """A list or a group of keys whose end has not come yet."""

    line: int
    anchor: str | None
    before: int
    """Values counted before it."""
    items: list[Node] | None
    """None for a group of keys."""
    entries: dict[str, Entry] = field(default_factory=dict)
    merged: list[Block] = field(default_factory=list)
    key: Scalar | None = None
    """A key that waits for its value."""

    def finished(self) -> Node:
        """Return the node; what merge keys bring never replaces what stands here."""
        if self.items is not None:
            return Listing(tuple(self.items), self.line)
        for block in self.merged:
            for key, entry in block.entries.items():
                self.entries.setdefault(key, entry)
        return Block(self.entries, self.line)


class Composer:
    """Told what comes, in order; then ``root`` is the document."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.problems: list[tuple[Path, int, str]] = []
        """Mistakes that leave the rest readable."""
        self._unfinished: list[_Unfinished] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._count = 0
        self._repeated = 0

    def scalar(self, node: Scalar, anchor: str | None) -> None:
        """Take one value or key."""
        self._count += 1
        if anchor is not None:
            self._anchors[anchor] = (node, 1)
        self._add(node, node.line)

    def begin(self, line: int, anchor: str | None, *, listing: bool) -> None:
        """Take the begin of a list or of a group of keys."""
        self._count += 1
        self._unfinished.append(_Unfinished(line, anchor, self._count - 1, [] if listing else None))

    def end(self) -> None:
        """Take the end of what began last."""
        done = self._unfinished.pop()
        node = done.finished()
        if done.anchor is not None:
            self._anchors[done.anchor] = (node, self._count - done.before)
        self._add(node, done.line)

    def alias(self, name: str, line: int) -> None:
        """Take what stands at the anchor ``name``."""
        if name not in self._anchors:
            raise MalformedError(
                f"*{name} repeats nothing; write &{name} where the value stands, above, or put the text in quotes",
                line,
            )
        node, size = self._anchors[name]
        self._count += size
        self._repeated += size
        if self._repeated > _MOST_REPEATED:
            raise MalformedError(f"aliases repeat more than {_MOST_REPEATED} values; write them out", line)
        self._add(node, line)

    def report(self, line: int, words: str) -> None:
        """Keep a problem of the place where the next value goes."""
        path = [
            len(each.items) if each.items is not None else each.key.text if each.key else ""
            for each in self._unfinished
        ]
        self.problems.append((tuple(part for part in path if part != ""), line, words))

    def _add(self, node: Node, line: int) -> None:
        if not self._unfinished:
            self.root = node
            return
        inside = self._unfinished[-1]
        if inside.items is not None:
            inside.items.append(node)
        elif inside.key is None:
            inside.key = self._key(node, line)
        else:
            self._value(inside, inside.key, node)
            inside.key = None

    def _key(self, node: Node, line: int) -> Scalar:
        """Return the key; one that cannot be a key is reported, and has an empty text."""
        if isinstance(node, Scalar) and node.text and not is_null(node):
            return Scalar(intern(node.text), line, node.plain)
        self.report(line, "something else stands where a key should; write one word before the colon")
        return Scalar("", line, plain=False)

    def _value(self, inside: _Unfinished, key: Scalar, node: Node) -> None:
        if key.text == "<<" and key.plain:
            blocks = node.items if isinstance(node, Listing) else (node,)
            if not all(isinstance(block, Block) for block in blocks):
                self.report(key.line, "<< takes the keys of something with an anchor; write <<: *name")
            inside.merged += [block for block in blocks if isinstance(block, Block)]
        elif key.text in inside.entries:
            first = inside.entries[key.text].line
            self.report(
                key.line,
                f"the key {shown(key.text)} stands twice, the first time in line {first}; write it once",
            )
        elif key.text:
            inside.entries[key.text] = Entry(key.line, node)

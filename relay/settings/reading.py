"""Readers: from a node of channels.yaml to a value, or to problems with their lines.  Without I/O.

A reader returns the value, raises ValueError with the words of one problem, or returns ``NOTHING``: it has reported
all there is to say, or a list or group is empty as if its key were not there.  Readers are values, so that a schema
can be walked as well as read by.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from keyword import iskeyword
from typing import Any, Final, NamedTuple, Protocol

from relay.settings.nodes import Block, Listing, Node, Path, Scalar, is_null, is_number, truth_of
from relay.settings.wording import did_you_mean, shown

NOTHING: Final = object()
"""Instead of a value: the key stays at its default."""

_LONGEST_NUMBER = 15


class WrongError(ValueError):
    """What is wrong with a value, and what would be right: one sentence."""


@dataclass(slots=True)
class Reading:
    """What one pass over a file is given, and what it finds."""

    environ: Mapping[str, str]
    folder: str
    """Beside which relative paths are; absolute."""
    homes: Mapping[str, str]
    """The last part of each key, and the key: for keys that stand in the wrong place."""
    problems: list[tuple[Path, int, str]] = field(default_factory=list)
    kept: dict[Path, list[int]] = field(default_factory=dict)
    """For lists with bad items: where the others stood."""


class Place(NamedTuple):
    """Where a reader is."""

    reading: Reading
    path: Path
    line: int

    def below(self, part: str | int, line: int) -> "Place":
        """Return the place one step further down."""
        return Place(self.reading, (*self.path, part), line)

    def report(self, words: str) -> None:
        """Keep a problem of this place."""
        self.reading.problems.append((self.path, self.line, words))


class Reader(Protocol):
    """Reads a node."""

    def read(self, node: Node, place: Place, /) -> Any:
        """Return the value; ValueError with the words of the problem, or ``NOTHING``."""


def attempt(reader: Reader, node: Node, place: Place) -> Any:
    """Read; what is wrong is reported, and ``NOTHING`` returned."""
    try:
        return reader.read(node, place)
    except ValueError as wrong:
        at = node.line if isinstance(node, Scalar) else place.line
        Place(place.reading, place.path, at).report(str(wrong))
        return NOTHING


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value made from text; ``convert`` returns None, or raises ValueError, where the text is wrong."""

    right: str
    convert: Callable[[str, Reading], Any]
    text: bool = True
    """What YAML takes for a boolean or a number must stand in quotes."""

    def read(self, node: Node, place: Place) -> Any:
        """Return the value."""
        text = self._text(node)
        value = self.convert(text, place.reading)
        if value is None:
            raise WrongError(f"{shown(text)} is not right here; write {self.right}")
        return value

    def _text(self, node: Node) -> str:
        if not isinstance(node, Scalar):
            raise WrongError(f"{_kind(node)} stands here; write {self.right}")
        if is_null(node):
            raise WrongError(f"no value stands here; write {self.right}")
        if self.text and (truth_of(node) is not None or is_number(node)):
            kind = "a number" if is_number(node) else "yes or no"
            raise WrongError(
                f'YAML takes {node.text} for {kind}; write {self.right}, in quotes: "{node.text}"'
            )
        return node.text


@dataclass(frozen=True, slots=True)
class Word:
    """One of the values of an enumeration."""

    words: type[StrEnum]

    def read(self, node: Node, _place: Place, /) -> StrEnum:
        """Return the member."""
        right = ", ".join(self.words)
        if not isinstance(node, Scalar) or is_null(node):
            raise WrongError(f"{_kind(node)} stands here; write one of {right}")
        try:
            return self.words(node.text)
        except ValueError:
            guess = did_you_mean(node.text, list(self.words))
            raise WrongError(f"{shown(node.text)} is not one of {right}{guess}") from None


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean."""

    def read(self, node: Node, _place: Place, /) -> bool:
        """Return it."""
        truth = truth_of(node)
        if truth is None:
            raise WrongError(f"{_kind(node)} stands here; write true or false, without quotes")
        return truth


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number."""

    least: int = 0

    def read(self, node: Node, _place: Place, /) -> int:
        """Return it."""
        text = node.text if isinstance(node, Scalar) and node.plain else ""
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else -1
        if number < self.least or (text.startswith("0") and text != "0"):
            what = shown(node.text) if isinstance(node, Scalar) and node.text else _kind(node)
            raise WrongError(
                f"{what} is not right here; write a whole number from {self.least}, without quotes"
            )
        return number


@dataclass(frozen=True, slots=True)
class Nullable:
    """What may also be null."""

    of: Reader

    def read(self, node: Node, place: Place) -> Any:
        """Return the value or None."""
        return None if is_null(node) else self.of.read(node, place)


@dataclass(frozen=True, slots=True)
class Either:
    """One value, or keys with values."""

    one: Reader
    keys: "Section"

    def read(self, node: Node, place: Place) -> Any:
        """Return what either gives."""
        return (self.keys if isinstance(node, Block) else self.one).read(node, place)


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list."""

    of: Reader
    make: Callable[[list[Any]], Any] = tuple
    least: int = 0

    def read(self, node: Node, place: Place) -> Any:
        """Return what ``make`` makes of the good items."""
        if is_null(node) and not self.least:
            return NOTHING
        if not isinstance(node, Listing):
            example = (
                f", such as [{shown(node.text)[1:-1]}]" if isinstance(node, Scalar) and node.text else ""
            )
            raise WrongError(f"{_kind(node)} stands here; write a list{example}")
        if len(node.items) < self.least:
            raise WrongError("the list is empty; it needs at least one item")
        values = [attempt(self.of, item, place.below(at, item.line)) for at, item in enumerate(node.items)]
        good = [at for at, value in enumerate(values) if value is not NOTHING]
        if len(good) < len(values):
            place.reading.kept[place.path] = good
        return self.make([values[at] for at in good])


@dataclass(frozen=True, slots=True)
class Named:
    """Keys that the operator chooses, such as the names of channels."""

    label: str
    name: Callable[[str], str | None]
    """What is wrong with a name."""
    of: Reader
    make: Callable[[str, Any], Any]
    least: int = 0

    def read(self, node: Node, place: Place) -> Any:
        """Return what ``make`` makes of each name and value."""
        if is_null(node) and not self.least:
            return NOTHING
        entries = _entries(node, f"each {self.label} with its value")
        if len(entries) < self.least:
            raise WrongError(f"nothing stands here; write at least one {self.label} with its value")
        made = []
        for name, (line, value) in entries.items():
            inside = place.below(name, line)
            if wrong := self.name(name):
                inside.report(wrong)
            elif (result := attempt(self.of, value, inside)) is not NOTHING:
                made.append(self.make(name, result))
        return tuple(made)


@dataclass(frozen=True, slots=True)
class Section:
    """Keys that the schema names."""

    make: Callable[..., Any]
    keys: Mapping[str, Reader]
    required: tuple[str, ...] = ()

    def read(self, node: Node, place: Place) -> Any:
        """Return what ``make`` makes of the good values."""
        entries = _entries(node, f"some of {', '.join(self.keys)}, each with its value")
        values = {}
        for key, (line, value) in entries.items():
            inside = place.below(key, line)
            reader = self.keys.get(key)
            if reader is None:
                inside.report(self._unknown(key, place.reading))
            elif (result := attempt(reader, value, inside)) is not NOTHING:
                values[attribute(key)] = result
        for key in self.required:
            if key not in entries:
                place.below(key, place.line).report(f'the key "{key}" is missing; it must be set here')
        if any(attribute(key) not in values for key in self.required):
            return NOTHING
        return self.make(**values)

    def _unknown(self, key: str, reading: Reading) -> str:
        guess = did_you_mean(key, list(self.keys))
        if not guess and key in reading.homes:
            guess = f"; it belongs elsewhere: {reading.homes[key]}"
        return f"there is no such key{guess or '; right are ' + ', '.join(self.keys)}"


@cache
def attribute(key: str) -> str:
    """Return the name of the attribute for ``key``."""
    name = key.replace("-", "_")
    return f"{name}_" if iskeyword(name) else name


def _entries(node: Node, right: str) -> dict[str, Any]:
    if is_null(node):
        return {}
    if not isinstance(node, Block):
        raise WrongError(f"{_kind(node)} stands here; write {right}")
    return node.entries


def _kind(node: Node) -> str:
    match node:
        case Listing():
            return "a list"
        case Block():
            return "a group of keys"
        case _:
            return "nothing" if is_null(node) else "one value"

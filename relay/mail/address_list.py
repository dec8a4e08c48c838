"""Address lists as they stand in fields: mailboxes, groups, and the parts that are neither.  Pure.

Reads RFC 5322 3.4 with its obsolete forms (4.4), comments and quotes included, in time linear in the
length.  A part that is no mailbox is kept as a broken part; it does not spoil its neighbours.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from relay.mail.address import ATEXT, DOMAIN, DOT_ATOM, LOCAL, QUOTED, Mailbox, mailbox

_GAP = r"[ \t]*+"
_ROUTE = r'(?:[@,][^<>":;]*+:)?+'
_ANGLE = rf"<{_GAP}{_ROUTE}{_GAP}({LOCAL}){_GAP}@{_GAP}({DOMAIN}){_GAP}>"
_BARE = rf"({LOCAL}){_GAP}@{_GAP}({DOMAIN})"
_PHRASE = rf'(?:{QUOTED}|[^\x00-\x08\x0a-\x1f\x7f"<>@,;:()\\]++)*+'

_BARE_PART = re.compile(rf"{_GAP}{_BARE}{_GAP}", re.DOTALL)
_NAMED_PART = re.compile(rf"{_GAP}{_PHRASE}{_ANGLE}{_GAP}", re.DOTALL)
_PLAIN_PART = re.compile(rf"{_GAP}(?:{_PHRASE}(<))?({DOT_ATOM})@({DOT_ATOM})(?(1)>){_GAP}(?:,|\Z)", re.DOTALL)
_TWICE_PART = re.compile(rf"{_GAP}{_BARE}{_GAP}{_ANGLE}{_GAP}", re.DOTALL)
_GROUP_NAME = re.compile(_PHRASE, re.DOTALL)
_SEPARATORS = re.compile(rf"{QUOTED}|\\.|{_ANGLE}|@{_GAP}\[[^\[\]\\]*+\]|([,;:])", re.DOTALL)
_OUTSIDE_COMMENTS = re.compile(rf"{QUOTED}|\\.|[()]", re.DOTALL)
_INSIDE_COMMENTS = re.compile(r"\\.|[()]", re.DOTALL)
_QUOTED = re.compile(rf"{QUOTED}|\\.", re.DOTALL)

_NAME_OCTET = r"[A-Za-z0-9_\-\u0080-\U0010ffff]"
_STANDING = re.compile(
    rf'(?<!{ATEXT})(?<!\.)((?:{ATEXT}|\.)++|"(?:[^"\\]|\\.){{0,320}}+")'
    rf'@({_NAME_OCTET}++(?:\.{_NAME_OCTET}++)*+)(?!"?@)',
    re.DOTALL,
)
"""An address that stands anywhere in a text and is no piece of a longer one."""


@dataclass(frozen=True, slots=True)
class BrokenPart:
    """A part of an address list that is no mailbox."""

    text: str
    """As it stands, quotes and comments included."""
    plain: str
    """The same without its comments."""
    ends_with: Mailbox | None
    """The ``<address>`` at its end, if any."""

    def standing(self) -> tuple[Mailbox, ...]:
        """Return every address that stands in the part, in quotes and comments too."""
        return tuple(_addresses_in(self.text))

    @property
    def names_somebody(self) -> bool:
        """An address stands in the part outside quotes and comments."""
        return (
            self.ends_with is not None or next(_addresses_in(_QUOTED.sub('""', self.plain)), None) is not None
        )


class AddressList(NamedTuple):
    """What a field such as From or To says."""

    mailboxes: tuple[Mailbox, ...] = ()
    """In order, those of groups included."""
    broken: tuple[BrokenPart, ...] = ()
    groups: int = 0
    semicolons: bool = False
    """A semicolon stood outside a group; it was read like a comma."""


def read_address_list(text: str) -> AddressList:
    """Read the unfolded value of a field; never raises."""
    if (plain := _plain_list(text)) is not None:
        return AddressList(plain)
    reader = _Reader(text)
    reader.read()
    return AddressList(tuple(reader.mailboxes), tuple(reader.broken), reader.groups, reader.semicolons)


def _plain_list(text: str) -> tuple[Mailbox, ...] | None:
    """Return the mailboxes of a list of nothing but dot-atoms, bare or in angle brackets, as most lists are."""
    make: Callable[[str, str], Mailbox] = mailbox
    if text.isascii():  # then lower case is all that makes them mailboxes
        text, make = text.lower(), Mailbox
    mailboxes = []
    end, length = 0, len(text)
    while end < length:
        part = _PLAIN_PART.match(text, end)
        if part is None:
            return None
        mailboxes.append(make(part[2], part[3]))
        end = part.end()
    return tuple(mailboxes)


class _Reader:
    """Cuts one field's text into parts and reads each."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.plain = _without_comments(text) if "(" in text else text
        self.mailboxes: list[Mailbox] = []
        self.broken: list[BrokenPart] = []
        self.groups = 0
        self.semicolons = False
        self._in_group = False
        self._may_name_group = True
        self._start = 0

    def read(self) -> None:
        last: re.Match[str] | None = None
        for found in _SEPARATORS.finditer(self.plain):
            separator = found[3]
            if separator is None:
                last = found
            elif separator != ":":
                self._part(found.start(), last)
                last = None
                self.semicolons = self.semicolons or (separator == ";" and not self._in_group)
                self._begin_part(found.end(), in_group=self._in_group and separator == ",")
            elif self._begins_group(found.start()):
                self.groups += 1
                self._begin_part(found.end(), in_group=True)
        self._part(len(self.plain), last)

    def _begin_part(self, start: int, *, in_group: bool) -> None:
        self._start = start
        self._in_group = in_group
        self._may_name_group = not in_group

    def _begins_group(self, colon: int) -> bool:
        """Tell whether what stands before ``colon`` is a group's name; asked once a part, to stay linear."""
        asked = self._may_name_group
        self._may_name_group = False
        return asked and _GROUP_NAME.fullmatch(self.plain, self._start, colon) is not None

    def _part(self, end: int, last: re.Match[str] | None) -> None:
        plain = self.plain[self._start : end]
        text = self.text[self._start : end]
        if address := _whole(plain):
            self.mailboxes.append(address)
        elif text.strip(" \t"):
            at_end = last and last[1] and not self.plain[last.end() : end].strip(" \t")
            self.broken.append(
                BrokenPart(text, plain, mailbox(last[1], last[2]) if last and at_end else None)
            )


def _whole(part: str) -> Mailbox | None:
    """Return what a part without comments names, if it is a mailbox from end to end."""
    if found := _BARE_PART.fullmatch(part) or _NAMED_PART.fullmatch(part):
        return mailbox(found[1], found[2])
    if found := _TWICE_PART.fullmatch(part):
        address = mailbox(found[1], found[2])
        return address if address == mailbox(found[3], found[4]) else None
    return None


def _without_comments(text: str) -> str:
    """Return ``text`` with every comment replaced by as many blanks; a bracket without its fellow stays."""
    pieces = []
    position = 0
    for begin, end in sorted(_bracketed(text)):
        if begin >= position:  # else it stands inside the comment before
            pieces += [text[position:begin], " " * (end - begin)]
            position = end
    return "".join(pieces) + text[position:]


def _bracketed(text: str) -> Iterator[tuple[int, int]]:
    """Yield begin and end of every comment, nested ones too."""
    opened: list[int] = []
    position = 0
    while found := (_INSIDE_COMMENTS if opened else _OUTSIDE_COMMENTS).search(text, position):
        position = found.end()
        if found[0] == "(":
            opened.append(found.start())
        elif found[0] == ")" and opened:
            yield opened.pop(), position


def _addresses_in(text: str) -> Iterator[Mailbox]:
    for found in _STANDING.finditer(text):
        local = found[1]
        yield mailbox(local, found[2])
        if (bare := local.lstrip("'.")) and bare != local:
            yield mailbox(bare, found[2])

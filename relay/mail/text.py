"""Text from the network made fit to be shown: nothing in it can move a cursor, paint over its neighbours or hide what it is.  Pure."""

import unicodedata

_MARKS = frozenset({"Mn", "Me"})
_MOST_MARKS = 5
"""Combining marks on one character that are shown; points, vowel and accent of one Hebrew letter are as many."""
_FIRST_MARK = "\u0300"
"""Of all marks and of what is in ``_BLANK``."""
_BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and a symbol that show nothing, though Unicode has them among those that print."""

_SELECTORS = frozenset(
    map(chr, (0x034F, *range(0x180B, 0x180E), 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
"""Marks that show nothing and choose among forms of the character before them; nothing in ASCII has any."""
_KEYCAP = "\u20e3"
"""Makes one character of a digit and a selector before it."""


def visible(text: str) -> str:
    """Return ``text`` with every character that does not print written as an escape, as Python writes it.

    So are those that print but show nothing, where they have no use, and the marks above and below one character from the sixth on,
    which would stand in the lines around it.
    """
    if text.isprintable() and (text.isascii() or max(text) < _FIRST_MARK or _is_plain(text)):
        return text
    shown: list[str] = []
    marks = 0
    for place, c in enumerate(text):
        kind = unicodedata.category(c)
        if kind in _MARKS:
            marks += 1
        elif kind != "Mc":  # a mark beside its letter; those above and below go on
            marks = 0
        plain = c.isprintable() and c not in _BLANK and marks <= _MOST_MARKS
        if c in _SELECTORS and not text.startswith(_KEYCAP, place + 1):
            plain = plain and bool(shown) and not shown[-1].isascii()
        shown.append(c if plain else c.encode("unicode_escape").decode("ascii"))
    return "".join(shown)


def _is_plain(text: str) -> bool:
    return _BLANK.isdisjoint(text) and _MARKS.isdisjoint(map(unicodedata.category, text))


def visible_json(text: str) -> str:
    """Return JSON with every character that does not print escaped as JSON has it, lone surrogates too."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _in_json(c) for c in text)


def _in_json(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def unicode_text(text: str) -> str:
    """Return ``text`` without lone surrogates: octets that were no UTF-8 are written as escapes."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")

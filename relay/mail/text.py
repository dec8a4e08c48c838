"""Text from the network made fit to be shown: nothing in it can move a cursor or hide what it is.  Pure."""


def visible(text: str) -> str:
    """Return ``text`` with every character that does not print written as an escape, as Python writes it."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def unicode_text(text: str) -> str:
    """Return ``text`` without lone surrogates: octets that were no UTF-8 are written as escapes."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")

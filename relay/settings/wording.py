"""How problems are put into words.  Without I/O."""

import difflib
import re

from relay.mail.text import visible
from relay.settings.nodes import Path

_ORDINARY = re.compile(r"[\w@.+-]{1,80}")
_LONGEST_SHOWN = 60


def dotted(path: Path) -> str:
    """Return ``path`` as it is shown to the operator: ``listen.smtp[0].address``."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in path]
    return "".join(parts).removeprefix(".")


def shown(text: str) -> str:
    """Return ``text`` fit for a sentence: short, and without control characters."""
    short = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
    return f'"{visible(short)}"'


def did_you_mean(text: str, right: list[str]) -> str:
    """Return a question that may follow the words of a problem; empty where nothing is near."""
    near = difflib.get_close_matches(text.lower(), right, 1)
    return f"; did you mean {near[0]}?" if near else ""


def _key(text: str) -> str:
    return text if _ORDINARY.fullmatch(text) else shown(text)

"""Whether whoever asks can do with a media type (RFC 9110 12.5.1).  Pure."""

import re
from collections.abc import Iterator

_RANGE = re.compile(r"\s*([\w!#$&^.+*-]+)/([\w!#$&^.+*-]+)\s*(;.*)?", re.DOTALL)
_WEIGHT = re.compile(r";\s*q\s*=\s*([0-9](?:\.[0-9]{0,3})?)\s*(?:;|\Z)", re.IGNORECASE)


def accepts(field: str | None, kind: str) -> bool:
    """Tell whether an Accept field takes ``kind``; without one, or with nothing in it that can be read, it does.

    The most specific range decides, so that ``application/json;q=0, */*`` refuses JSON.
    """
    ranges = list(_ranges(field or ""))
    if not ranges:
        return True
    main, _, part = kind.partition("/")
    for wanted in ((main, part), (main, "*"), ("*", "*")):
        weights = [weight for found, weight in ranges if found == wanted]
        if weights:
            return max(weights) > 0
    return False


def _ranges(field: str) -> Iterator[tuple[tuple[str, str], float]]:
    for each in field.split(","):
        found = _RANGE.fullmatch(each)
        if found:
            weight = _WEIGHT.search(found[3] or "")
            yield (found[1].lower(), found[2].lower()), float(weight[1]) if weight else 1.0

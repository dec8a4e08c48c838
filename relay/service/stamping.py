"""The key ``stamp`` as rules; apart from the rest of the translation, so that ``explain`` starts quickly."""

from collections.abc import Iterator
from functools import partial

from relay.links import why_link
from relay.presets import with_preset
from relay.settings.model import Settings
from relay.stamp import REASON, STATUS, WHY, Link, StampRules, stamp_rules


def stamp_rules_of(settings: Settings, key: bytes | None = None) -> StampRules:
    """Return the rules of the key ``stamp``; ``key`` signs the links, and without it there are none."""
    stamp, url = with_preset(settings.stamp), settings.web.url
    why: Link | None = None
    if stamp.link and url is not None and key is not None:
        why = partial(_why, url, key)
    return stamp_rules(stamp.auto_closed, stamp.open, reason=stamp.reason, strip=stamp.strip, why=why)


def stamped(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield what the stamp does: on which tickets which field is set, and last the names that are removed from all mail."""
    stamp = with_preset(settings.stamp)
    for when, fields in (("auto-closed", stamp.auto_closed), ("open", stamp.open)):
        yield from ((when, f"{name}: {value}") for name, value in fields)
    for name, is_set in ((REASON, stamp.reason), (WHY, stamp.link)):
        if is_set:
            yield "every ticket", f"{name}: …"
    names = (STATUS, REASON, WHY, *(name for name, _ in (*stamp.auto_closed, *stamp.open)), *stamp.strip)
    first = {name.lower(): name for name in reversed(names)}
    yield "removed", ", ".join(name for name in dict.fromkeys(names) if first[name.lower()] == name)


def _why(url: str, key: bytes, ref: str) -> str:
    return why_link(url, ref, key)

"""The key ``stamp`` as rules; apart from the rest of the translation, so that ``explain`` starts quickly."""

from functools import partial

from relay.links import why_link
from relay.settings.model import Settings
from relay.stamp import Link, StampRules, stamp_rules


def stamp_rules_of(settings: Settings, key: bytes | None = None) -> StampRules:
    """Return the rules of the key ``stamp``; ``key`` signs the links, and without it there are none."""
    stamp, url = settings.stamp, settings.web.url
    why: Link | None = None
    if stamp.link and url is not None and key is not None:
        why = partial(_why, url, key)
    return stamp_rules(stamp.auto_closed, stamp.open, reason=stamp.reason, strip=stamp.strip, why=why)


def _why(url: str, key: bytes, ref: str) -> str:
    return why_link(url, ref, key)

"""The key ``stamp`` as rules; apart from the rest of the translation, so that ``explain`` starts quickly."""

from relay.settings.model import Settings
from relay.stamp import StampRules, stamp_rules


def stamp_rules_of(settings: Settings) -> StampRules:
    """Return the rules of the key ``stamp``."""
    stamp = settings.stamp
    return stamp_rules(stamp.auto_closed, stamp.open, reason=stamp.reason, strip=stamp.strip)

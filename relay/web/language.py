"""Which language a page is in: what was asked for, what was chosen before, what the browser prefers.  Pure."""

from collections.abc import Sequence

from relay.judge.explain import Language

_MOST_READ = 20
"""Languages of an Accept-Language field that are looked at."""


def chosen(asked: str, before: str, accepted: str, offered: Sequence[Language]) -> Language:
    """Return the language; ``accepted`` is the field Accept-Language (RFC 9110 12.5.4), the first offered is the default."""
    for name in (asked, before, *_preferred(accepted)):
        found = next((language for language in offered if language == name), None)
        if found is not None:
            return found
    return offered[0]


def _preferred(accepted: str) -> list[str]:
    """Return the languages without their regions, those liked best first."""
    liked: list[tuple[float, str]] = []
    for part in accepted.split(",")[:_MOST_READ]:
        name, _, parameter = part.strip().lower().partition(";")
        weight = _weight(parameter)
        if weight > 0:
            liked.append((-weight, name.strip().partition("-")[0]))
    return [name for _, name in sorted(liked, key=lambda pair: pair[0])]


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0

"""Which keys are set although the feature behind them is not active yet, and what happens instead.  Without I/O.

A row goes when its feature lands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter

from relay.mail.hop import Way
from relay.settings.model import Settings
from relay.settings.reading import attribute
from relay.settings.words import Mode


@dataclass(frozen=True, slots=True)
class Dormant:
    """A key whose feature is not active in this version."""

    key: str
    instead: str
    is_set: Callable[[Settings], object] | None = None
    """Tells whether the key asks for the feature; None: when it is not as it is by default."""


_MX = (Way.MX, Way.MX_STARTTLS)


def _passes_through(settings: Settings) -> bool:
    return settings.deliver.mode is Mode.PASS_THROUGH


DORMANT = (
    Dormant(
        "channels.<name>.helpdesk",
        "in pass-through a channel whose helpdesk is found by MX is answered with 451",
        lambda settings: (
            _passes_through(settings) and any(each.helpdesk in _MX for each in settings.channels)
        ),
    ),
    Dormant(
        "deliver.helpdesk",
        "in pass-through mail for a helpdesk found by MX is answered with 451; name a host, or take a mode with a spool",
        lambda settings: _passes_through(settings) and settings.deliver.helpdesk in _MX,
    ),
    Dormant(
        "deliver.elsewhere",
        "in pass-through mail for others by MX is refused; name a host, or take a mode with a spool",
        lambda settings: _passes_through(settings) and settings.deliver.elsewhere in _MX,
    ),
)
"""In the order of the file."""


_DEFAULT = Settings(channels=(), state="")


def inactive(settings: Settings) -> tuple[str, ...]:
    """Return a line for each key that asks for a feature that is not active in this version."""
    return tuple(
        f"{row.key}{_shown(row, settings)} is not active yet: {row.instead}"
        for row in DORMANT
        if _asks(row, settings)
    )


def _asks(row: Dormant, settings: Settings) -> bool:
    if row.is_set is not None:
        return bool(row.is_set(settings))
    return value_of(row.key, settings) != value_of(row.key, _DEFAULT)


def _shown(row: Dormant, settings: Settings) -> str:
    """Name the value where it is one of several words."""
    value = None if "<" in row.key else value_of(row.key, settings)
    return f": {value}" if isinstance(value, StrEnum) else ""


def value_of(key: str, settings: Settings) -> object:
    """Return the value of ``key``, such as ``deliver.mode``."""
    return attrgetter(".".join(map(attribute, key.split("."))))(settings)

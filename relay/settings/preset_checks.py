"""What a stamp may not take from the helpdesk that ``stamp.preset`` names: the signs of mail that it must not answer.  Pure."""

import re
from collections.abc import Iterator, Mapping

from relay.settings.model import Settings
from relay.settings.nodes import Path
from relay.settings.words import Preset

_OTRS = ("Mailing-List", "Precedence", "X-Loop", "X-No-Loop", "Auto-Submitted")
SIGNS: Mapping[Preset, tuple[str, ...]] = {
    Preset.ZAMMAD: ("List-Unsubscribe", "X-Loop", "Precedence", "Auto-Submitted", "X-Auto-Response-Suppress"),
    Preset.ZNUNY: _OTRS,
    Preset.OTOBO: _OTRS,
    Preset.RT: ("X-RT-Loop-Prevention", "Precedence", "Auto-Submitted", "X-FC-Machinegenerated"),
}
"""By these each helpdesk knows automatic mail, its own first of all; without them two machines answer each other for ever."""


def signs_taken(settings: Settings) -> Iterator[tuple[Path, str]]:
    """Yield where the stamp strips such a sign from everybody's mail, or sets one, which strips it first."""
    stamp = settings.stamp
    if stamp.preset is None:
        return
    for at, pattern in enumerate(stamp.strip):
        taken = [sign for sign in SIGNS[stamp.preset] if _matches(pattern, sign)]
        if taken:
            yield (
                ("stamp", "strip", at),
                f"{pattern} would strip {taken[0]}, by which {stamp.preset} knows what it must not answer; write narrower names",
            )
    for key, fields in (("auto-closed", stamp.auto_closed), ("open", stamp.open)):
        for name, _ in fields:
            if any(_matches(name, sign) for sign in SIGNS[stamp.preset]):
                yield (
                    ("stamp", key, name),
                    (
                        f"whatever the stamp sets is first removed from all mail, and by {name} {stamp.preset} knows "
                        "what it must not answer; take it out"
                    ),
                )


def _matches(pattern: str, name: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name, re.IGNORECASE) is not None

"""docs/channels.md and the channels.yaml at the top are executed."""

import re
from pathlib import Path

import pytest

from relay.settings.dormant import inactive
from relay.settings.parse import read_settings
from relay.settings.schema import KEYS
from tests.settings.documents import HASH, document, settings_of, value_in

TOP = Path(__file__).parents[2]
REFERENCE = (TOP / "docs" / "channels.md").read_text()
ROWS = re.findall(r"^\| `([^`]+)` \| (nothing|`[^`]+`) \| (.+) \|$", REFERENCE, re.MULTILINE)
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", REFERENCE, re.MULTILINE | re.DOTALL)
DEFAULTS = [(key, default.strip("`")) for key, default, _ in ROWS if default != "nothing"]


def test_the_reference_names_every_key_once_and_no_other() -> None:
    assert [key for key, _, _ in ROWS] == sorted(
        {key for key, _, _ in ROWS}, key=[key for key, _, _ in ROWS].index
    )
    assert {key for key, _, _ in ROWS} == set(KEYS)


@pytest.mark.parametrize(("key", "default"), DEFAULTS)
def test_setting_a_key_to_the_default_in_the_reference_changes_nothing(key: str, default: str) -> None:
    assert settings_of(document(key, default)) == settings_of(document("drain", "30s"))


@pytest.mark.parametrize("key", [key for key, default, _ in ROWS if default == "nothing"])
def test_a_key_without_a_default_is_nothing_or_must_be_set(key: str) -> None:
    if key in ("channels.<name>.address", "users.<name>.password", "users.<name>.may"):
        return
    parts = key.removesuffix(".open").removesuffix(".auto-closed") if "forward_to" in key else key
    assert value_in(settings_of(document("drain", "30s")), parts) in (None, ())


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_in_the_reference_is_right(block: str) -> None:
    assert settings_of(block, {"DESK_PASSWORD": "p@ss/word", "CRM_HASH": HASH}).channels


def test_the_shipped_file_is_right_and_asks_for_nothing_that_is_not_active() -> None:
    settings = read_settings(TOP / "channels.yaml", {}, serving=True)
    assert inactive(settings) == ()
    assert [each.channel.name for each in settings.channels] == ["support", "orders"]

"""``queue`` beside no relay: what a person may type, and what is printed of hostile paths and replies."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relay.service.spool import spool_place
from relay.settings.parse import read_settings
from relay.spool.item import Settlement
from relay.spool.store import Store
from tests.cli.conftest import CHANNELS, Run
from tests.spool.mail import content, new, path, reverse

EVIL = "x\x1b[2J\x9b2j\x7f\u202e"


@pytest.fixture
def waiting(folder: Path) -> None:
    """One item whose paths and last reply are evil."""
    (folder / "channels.yaml").write_text(CHANNELS.replace("mode: pass-through", "mode: spool"))
    place = spool_place(read_settings(folder / "channels.yaml", {}))
    now = datetime.now(UTC)

    async def go() -> None:
        store = await Store.open(place, now=lambda: now)
        item = new(
            "Q1",
            reverse_path=replace(reverse("b@x.example"), text=EVIL),
            forward_paths=(replace(path("a@x.example"), text=EVIL),),
        )
        await store.put([item], content())
        for each in await store.claim(10, now):
            await store.settle(each, Settlement(frozenset(), now, EVIL))
        await store.close()

    asyncio.run(go())


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("verb", [("list",), ("show", "Q1"), ("show", "1")])
@pytest.mark.parametrize("as_json", [True, False])
def test_nothing_that_a_terminal_obeys_is_printed(relay: Run, verb: tuple[str, ...], as_json: bool) -> None:
    code, out, err = relay("queue", *verb, *(["--json"] if as_json else []))
    assert (code, err) == (0, "")
    assert out.count("2j") == 3
    assert [c for c in out if not c.isprintable() and c != "\n"] == []
    if as_json:
        assert EVIL in json.loads(out).values()


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("name", ["2", "²", "9" * 30, "9" * 5000, "\udcff", "x\x1b"])
def test_a_name_that_nothing_has_is_said_and_exits_with_1(relay: Run, name: str) -> None:
    for verb in ("show", "hold"):
        code, _, err = relay("queue", verb, name)
        assert code == 1
        assert err.startswith("helpdesk-relay: nothing in the queue is called ")
        assert err[:-1].isprintable()

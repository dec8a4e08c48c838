"""``journal reopen`` and what ``journal forget`` does to kept contents: one sentence and the right exit code each."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from relay.mail.content import HeldContent
from relay.service.spool import spool_place
from relay.settings.model import Settings
from relay.settings.parse import read_settings
from relay.spool.reopenable import OpenWay, ToKeep
from relay.spool.store import Store
from tests.cli.conftest import CHANNELS, COPY, Keep, Run, made
from tests.samples import box
from tests.spool.mail import items_of, path

CLOSED = ("From: support@company.com", "To: anna@customer.example")
Spooled = Callable[[Callable[[Store], Coroutine[Any, Any, Any]]], Any]


@pytest.fixture
def settings(folder: Path) -> Settings:
    kept = CHANNELS.replace("mode: pass-through", "mode: spool") + "journal: {keep_closed: 7d}\n"
    (folder / "channels.yaml").write_text(kept)
    return read_settings(folder / "channels.yaml", {})


@asynccontextmanager
async def spool(settings: Settings) -> AsyncIterator[Store]:
    store = await Store.open(spool_place(settings), now=lambda: datetime.now(UTC))
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
def kept(keep: Keep, settings: Settings) -> Spooled:
    """Q1 is closed and kept, Q2 is open, Q3 and Q4 are closed and not kept, and have one Message-ID."""
    keep(
        made(1, *CLOSED),
        made(2, "From: eva@customer.example", "To: support@company.com"),
        made(3, *CLOSED),
        made(3, *CLOSED, ref="Q4"),
    )

    def inside(act: Callable[[Store], Coroutine[Any, Any, Any]]) -> Any:
        async def go() -> Any:
            async with spool(settings) as store:
                return await act(store)

        return asyncio.run(go())

    own = box("support@company.com")
    what = ToKeep("Q1", own, "support", own, (OpenWay("helpdesk", (path("in@relay.company.net"),)),))
    inside(lambda store: store.put([], HeldContent(COPY), what))
    return inside


def test_a_ticket_is_reopened_once(relay: Run, kept: Spooled) -> None:
    assert relay("journal", "reopen", "Q1") == (
        0,
        "reopened Q1: the message to the helpdesk is in the queue\n",
        "",
    )
    code, out, err = relay("journal", "reopen", "m1@x.example")
    assert (code, out) == (1, "")
    assert err.startswith("helpdesk-relay: Q1 was reopened before, at 20")
    assert err.endswith("by command line; nothing was done\n")
    code, out, _ = relay("queue", "list", "--json")
    (item,) = map(json.loads, out.splitlines())
    assert (item["queue_id"], item["reason"], item["hop"]) == ("Q1-R", "reopened", "helpdesk")
    _, out, _ = relay("journal", "show", "Q1")
    assert "by command line" in out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Q2", "the ticket of Q2 was not closed, so there is nothing to open again"),
        ("Q3", "the content of Q3 is not kept (any more), so nothing was done; see journal.keep_closed"),
        ("Q\x1b9", "nothing in the journal is called Q\\x1b9"),
    ],
)
@pytest.mark.usefixtures("kept")
def test_what_cannot_be_reopened_is_one_sentence_and_exits_with_1(relay: Run, name: str, words: str) -> None:
    assert relay("journal", "reopen", name) == (1, "", f"helpdesk-relay: {words}\n")


@pytest.mark.usefixtures("kept")
def test_a_name_of_several_closed_messages_is_asked_about(relay: Run) -> None:
    code, out, err = relay("journal", "reopen", "<m3@x.example>")
    assert (code, out) == (64, "")
    assert "2 closed messages are called so; say which: " in err
    assert "Q3" in err
    assert "Q4" in err


@pytest.mark.usefixtures("kept")
def test_json_is_one_object_a_line(relay: Run) -> None:
    code, out, _ = relay("journal", "reopen", "--json", "Q1")
    told = json.loads(out)
    assert (code, told["ref"], told["answer"], told["reopened"]["who"]) == (0, "Q1", "done", "command line")
    code, out, _ = relay("journal", "reopen", "--json", "Q2")
    assert (code, json.loads(out)) == (1, {"ref": "Q2", "answer": "not-closed", "reopened": None})


def test_where_nothing_was_ever_spooled_nothing_is_kept(relay: Run, keep: Keep, folder: Path) -> None:
    keep(made(1, *CLOSED))
    code, _, err = relay("journal", "reopen", "Q1")
    assert (code, "is not kept" in err) == (1, True)
    assert not (folder / "var" / "spool").exists()


def test_a_spool_of_an_older_version_is_said_and_exits_with_75(
    relay: Run, kept: Spooled, folder: Path
) -> None:
    import sqlite3

    with sqlite3.connect(folder / "var" / "spool" / "spool.sqlite") as raw:
        raw.execute("UPDATE spool_version SET version_num = '0001'")
    raw.close()
    code, _, err = relay("journal", "reopen", "Q1")
    assert (code, "start the relay once" in err) == (75, True)


def test_forgetting_an_address_removes_what_is_kept_of_it(relay: Run, kept: Spooled) -> None:
    assert kept(lambda store: store.kept("Q1")) is not None
    assert relay("journal", "forget", "anna@customer.example")[0] == 0
    assert kept(lambda store: store.kept("Q1")) is None
    assert kept(items_of) == []

"""Closed messages that are kept, on every engine: how long they stay, and that they are reopened once."""

import asyncio
from datetime import timedelta

import pytest

from relay.mail.content import HeldContent
from relay.spool.item import Depth, Settlement
from relay.spool.reopenable import Kept, OpenWay
from relay.spool.store import SpoolPlace, Store
from tests.samples import box
from tests.spool.mail import HEAD, NOON, STAMPED, Time, content, items_of, new, octets, path, to_keep

ALL_GONE = Settlement(frozenset({0}))
SIZES = (10, 131_072 - len(HEAD), 131_073, 700_001)


async def found(store: Store, ref: str = "Q-1") -> Kept:
    kept = await store.kept(ref)
    assert kept is not None
    return kept


async def original(store: Store, ref: str = "Q-1") -> bytes:
    kept = await found(store, ref)
    async with store.original(kept) as octets:
        first = b"".join(octets.chunks_from(0))
        assert b"".join(octets.chunks_from(3)) == first[3:]
    assert len(first) == kept.size
    return first


async def reopened(store: Store, ref: str = "Q-1", who: str = "anna", body: bytes = b"again\r\n") -> bool:
    item = new(f"{ref}-R", head=b"", body_from=0)
    return await store.reopen(await found(store, ref), who, [item], HeldContent(body))


@pytest.mark.parametrize("size", SIZES)
async def test_what_was_delivered_at_once_is_kept_as_it_was_received(store: Store, size: int):
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert await store.put([], content(body), to_keep())
    assert await original(store) == HEAD + body
    assert await store.depth() == Depth()
    assert await items_of(store) == []


@pytest.mark.parametrize("size", SIZES)
async def test_a_content_that_waits_and_is_kept_is_there_once_until_both_are_over(store: Store, size: int):
    body = b"x" * size
    assert await store.put([new()], content(body), to_keep())
    (item,) = await store.claim(1, NOON)
    assert await octets(store, item) == STAMPED + body
    assert await store.settle(item, ALL_GONE)
    assert await original(store) == HEAD + body
    assert await store.forget_kept(["Q-1"]) == 1
    assert await left(store) == [0, 0, 0]


async def test_a_content_that_is_not_kept_any_more_is_still_delivered(store: Store):
    await store.put([new()], content(b"x" * 200_000), to_keep())
    await store.forget_kept(["Q-1"])
    (item,) = await store.claim(1, NOON)
    assert await octets(store, item) == STAMPED + b"x" * 200_000


async def test_everything_that_is_known_comes_back_as_it_was(store: Store):
    told = to_keep(
        "Q-7",
        author=box("jörg@shop.example"),
        ways=(
            OpenWay("helpdesk", (path("a@desk.example", notify="NEVER"), path("b@desk.example"))),
            OpenWay("helpdesk:care", (path("\udcff@desk.example", orcpt="rfc822;x"),)),
        ),
    )
    await store.put([], content(), told)
    kept = await found(store, "Q-7")
    assert (kept.what, kept.kept_at, kept.reopened_at, kept.reopened_by) == (told, NOON, None, "")
    assert await store.kept("Q-8") is None


async def test_without_anything_to_keep_nothing_is_kept(store: Store):
    assert not await store.put([new()], content())
    assert not await store.put([], content())
    assert await store.kept("Q-1") is None


@pytest.mark.parametrize("size", [10, 200_000])
async def test_only_the_first_wish_is_fulfilled(store: Store, size: int, time: Time):
    await store.put([], content(), to_keep())
    time.pass_(hours=1)
    body = b"y" * size
    answers = await asyncio.gather(*(reopened(store, who=who, body=body) for who in ("jörg", "bob", "eve")))
    assert sorted(answers) == [False, False, True]
    (item,) = await items_of(store)
    assert await octets(store, item) == body
    kept = await found(store)
    assert kept.reopened_at == NOON + timedelta(hours=1)
    assert kept.reopened_by == ("jörg", "bob", "eve")[answers.index(True)]
    assert not await reopened(store)
    assert await original(store) == HEAD + b"How are you?\r\n"


async def test_a_wish_for_what_is_forgotten_meanwhile_does_nothing(store: Store):
    await store.put([], content(), to_keep())
    kept = await found(store)
    await store.forget_kept(["Q-1"])
    for body in (b"small", b"x" * 200_000):
        assert not await store.reopen(kept, "anna", [new(head=b"", body_from=0)], HeldContent(body))
    assert await left(store) == [0, 0, 0]


async def test_what_is_forgotten_is_what_was_named_and_nothing_else(store: Store):
    for ref in ("Q-1", "Q-2", "Q-3"):
        await store.put([], content(b"x" * 140_000), to_keep(ref))
    assert await store.forget_kept([]) == 0
    assert await store.forget_kept(["Q-1", "Q-3", "Q-9"]) == 2
    assert [await store.kept(ref) is None for ref in ("Q-1", "Q-2", "Q-3")] == [True, False, True]
    assert await original(store, "Q-2") == HEAD + b"x" * 140_000


async def test_what_was_kept_for_long_enough_goes_a_few_at_a_time_and_the_oldest_first(
    store: Store, time: Time
):
    for number in range(5):
        await store.put([], content(b"x" * 140_000), to_keep(f"Q-{number}"))
        time.pass_(days=1)
    before = NOON + timedelta(days=3)
    assert [await store.expire_kept(before, 2) for _ in range(3)] == [2, 1, 0]
    assert [await store.kept(f"Q-{number}") is None for number in range(5)] == [True] * 3 + [False] * 2


async def test_a_commands_store_finds_and_reopens_what_a_relay_kept(
    store: Store, place: SpoolPlace, time: Time
):
    await store.put([], content(b"x" * 200_000), to_keep())
    beside = await Store.open(place, now=time.now, serving=False)
    assert await original(beside) == HEAD + b"x" * 200_000
    assert await reopened(beside, body=b"y" * 200_000)
    await beside.close()
    (item,) = await store.claim(1, NOON)
    assert await octets(store, item) == b"y" * 200_000
    assert not await reopened(store)


async def left(store: Store) -> list[int]:
    """Count items, contents and pieces."""
    tables = ("spool_item", "spool_content", "spool_piece")
    return await store._database.read(
        lambda connection: [
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() for table in tables
        ]
    )

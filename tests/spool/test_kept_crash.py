"""Killed while closed messages are kept or reopened: what was kept is there whole, what was reopened waits once.

PostgreSQL's tests take these rules over.
"""

import pytest

from relay.mail.content import HeldContent
from relay.spool.store import SpoolPlace, Store
from tests.spool.crash_driver import PUTTERS, body_of
from tests.spool.crashes import KILLED, begin, end, opened
from tests.spool.mail import HEAD, items_of, octets, to_keep
from tests.spool.test_kept import original


@pytest.mark.parametrize("step", ["before-commit", "after-commit"])
@pytest.mark.parametrize("number", [1, 5])
async def test_what_was_kept_before_a_crash_is_there_whole(place: SpoolPlace, step: str, number: int):
    process = begin(place, "keep", step, number)
    said = set(end(process).about("kept"))
    assert process.returncode == KILLED
    async with opened(place) as store:
        for ref in said:
            assert await original(store, ref) == HEAD + body_of(number_of(ref))
        waiting = {item.queue_id for item in await items_of(store)}
        assert {ref for ref in said if number_of(ref) % 2} <= waiting
        more = waiting - said
        assert len(more) <= PUTTERS * 2
        for ref in more:
            assert await original(store, ref) == HEAD + body_of(number_of(ref)), (
                "with what waits, or not at all"
            )


@pytest.mark.parametrize("step", ["before-commit", "after-commit"])
@pytest.mark.parametrize("number", [1, 4, 8])
async def test_a_ticket_is_reopened_once_whenever_a_process_dies(place: SpoolPlace, step: str, number: int):
    names = [f"K-{n}" for n in range(9)]
    async with opened(place) as store:
        for name in names:
            await store.put([], HeldContent(HEAD), to_keep(name))
    process = begin(place, "reopen", step, number)
    said = end(process).about("reopened")
    assert process.returncode == KILLED
    async with opened(place) as store:
        waiting = [item.queue_id for item in await items_of(store)]
        assert set(said) <= set(waiting)
        assert len(waiting) == len(said) + (step == "after-commit")
        assert {name for name in names if await is_reopened(store, name)} == set(waiting)
    assert set(end(begin(place, "reopen")).about("reopened")) == set(names) - set(waiting)
    async with opened(place) as store:
        items = await items_of(store)
        assert sorted(item.queue_id for item in items) == names
        for item in items:
            assert await octets(store, item) == body_of(number_of(item.queue_id))


async def is_reopened(store: Store, ref: str) -> bool:
    kept = await store.kept(ref)
    assert kept is not None
    return kept.reopened_at is not None


def number_of(ref: str) -> int:
    return int(ref.rpartition("-")[2])

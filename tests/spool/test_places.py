"""What is put with a place in hand is delivered at once; what has none waits for its turn, and nothing is passed over."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from relay.errors import NotDurableError
from relay.spool.item import ELSEWHERE, Depth, Draw, NewItem
from relay.spool.places import Places
from relay.spool.store import SpoolPlace, Store
from tests.spool.mail import NOON, STAMPED, Time, content, items_of, new
from tests.spool.runners import LATER, OK, UNREACHABLE, House

SMALL, LARGE = b"small", b"x" * 200_000


@pytest_asyncio.fixture
async def house(store: Store, time: Time) -> AsyncIterator[House]:
    made = House(store, time)
    made.runner.start()
    await made.quiet()
    yield made
    await made.stop()


async def put(house: House, *items: NewItem, body: bytes = SMALL) -> tuple[bool, ...]:
    """Put without a word to the runner; return which have a place."""
    places = house.runner.places(items)
    await house.store.put(items, content(body), None, places)
    return tuple(places.taken)


@pytest.mark.parametrize("body", [SMALL, LARGE])
async def test_what_has_a_place_is_delivered_without_being_looked_for(house: House, body: bytes):
    asked: list[object] = []
    draw = house.store.draw

    async def counted(*args: object, **keys: object) -> Draw:
        asked.append(args)
        return await draw(*args, **keys)  # type: ignore[arg-type]

    house.store.draw = counted  # type: ignore[method-assign, assignment]
    assert await put(house, new(), body=body) == (True,)
    assert await house.begun() == ["Q-1"]
    while house.runner.in_hand:
        await asyncio.sleep(0.01)
    assert house.courier.octets == {"Q-1": STAMPED + body}
    assert await house.store.depth() == Depth()
    assert asked == []


async def test_what_is_deferred_at_once_is_tried_again_by_the_schedule(house: House):
    house.courier.answer = lambda item: LATER
    await put(house, new())
    await house.begun()
    await house.quiet()
    (item,) = await items_of(house.store)
    assert (item.attempts, item.crashes, item.in_hand) == (1, 0, False)
    assert item.next_attempt_at == NOON + timedelta(minutes=1)
    house.courier.answer = lambda item: OK
    await house.quiet(minutes=1)
    assert house.courier.tried == ["Q-1"] * 2
    assert await house.store.depth() == Depth()


async def test_a_destination_takes_no_more_than_it_has_room_for(house: House):
    house.courier.gates["*"] = gate = asyncio.Event()
    several = [new(f"Q-{n:02}") for n in range(14)]
    taken = await put(house, *several, new("E-1", destination=ELSEWHERE))
    assert taken == (*[True] * 12, *[False] * 2, True)  # four are tried, eight stand in line
    house.runner.poke()
    assert sorted(await house.begun(5)) == ["E-1", "Q-00", "Q-01", "Q-02", "Q-03"]
    gate.set()
    await house.quiet()
    assert house.courier.most_in_hand == 5
    assert [name for name in house.courier.tried if name != "E-1"] == [item.queue_id for item in several]
    assert await house.store.depth() == Depth()


async def test_nothing_passes_what_waits(house: House):
    await house.store.put([new("Q-00")], content())
    house.runner.poke()
    assert await put(house, new("Q-01")) == (True,)  # nobody knows of the other yet
    await house.quiet()
    house.courier.gates["*"] = gate = asyncio.Event()
    names = [f"Q-{n:02}" for n in range(2, 16)]
    await put(house, *map(new, names))
    house.runner.poke()
    await house.begun(2 + 4)
    assert await put(house, new("Q-16")) == (False,)
    house.runner.poke()
    gate.set()
    await house.quiet()
    assert house.courier.tried[2:] == [*names, "Q-16"]
    assert await put(house, new("Q-17")) == (True,)


async def test_what_stands_in_line_is_given_back_when_its_server_vanishes(house: House):
    house.courier.answer = lambda item: UNREACHABLE
    house.courier.gates["*"] = gate = asyncio.Event()
    assert await put(house, *(new(f"Q-{n}") for n in range(6))) == (True,) * 6
    await house.begun(4)
    gate.set()
    await house.quiet()
    items = await items_of(house.store)
    assert [(item.attempts, item.crashes, item.in_hand) for item in items] == [(1, 0, False)] * 4 + [
        (0, 0, False)
    ] * 2
    house.courier.answer = lambda item: OK
    await house.quiet(seconds=31)
    await house.quiet(minutes=1)
    assert await house.store.depth() == Depth()


async def test_what_rests_or_is_to_wait_gets_no_place(house: House):
    house.courier.answer = lambda item: UNREACHABLE
    await put(house, new("Q-1"))
    await house.begun()
    await house.quiet()
    assert await put(house, new("Q-2")) == (False,)
    await house.quiet()
    assert await put(house, new("Q-3", destination=ELSEWHERE, not_before=NOON + timedelta(hours=1))) == (
        False,
    )
    assert house.courier.tried == ["Q-1"]


@pytest.mark.parametrize("body", [SMALL, LARGE])
async def test_a_put_that_fails_gives_its_place_back(house: House, body: bytes):
    bad = new(body_from=1 << 70)  # more than a column holds
    for _ in range(13):
        places = house.runner.places([bad])
        assert places.taken == (True,)
        with pytest.raises(Exception, match="too large"):
            await house.store.put([bad], content(body), None, places)
    assert await put(house, *(new(f"Q-{n}") for n in range(12))) == (True,) * 12
    await house.quiet()


async def test_a_put_to_a_closed_store_gives_its_place_back(house: House, place: SpoolPlace, time: Time):
    closed = await Store.open(place, now=time.now, serving=False)
    await closed.close()
    for body in (SMALL, LARGE):
        for _ in range(13):
            places = house.runner.places([new()])
            assert places.taken == (True,)
            with pytest.raises(NotDurableError):
                await closed.put([new()], content(body), None, places)
            places.landed(())


@pytest.mark.parametrize("body", [SMALL, LARGE])
async def test_a_client_that_goes_away_meanwhile_leaves_nothing_undelivered(house: House, body: bytes):
    putting = asyncio.create_task(put(house, new(), body=body))
    await asyncio.sleep(0)
    putting.cancel()
    await asyncio.gather(putting, return_exceptions=True)
    assert putting.cancelled()
    assert await house.begun() == ["Q-1"]
    await house.quiet()
    assert await house.store.depth() == Depth()
    assert await put(house, *(new(f"Q-{n}") for n in range(12))) == (True,) * 12


async def test_a_runner_that_stops_gives_no_places_and_gives_back_what_still_lands(house: House):
    house.courier.gates["*"] = asyncio.Event()
    places = house.runner.places([new("Q-1")])
    await house.stop()
    assert house.runner.places([new("Q-2")]).taken == (False,)
    await house.store.put([new("Q-1")], content(), None, places)
    while house.runner.in_hand:
        await asyncio.sleep(0.01)
    (item,) = await items_of(house.store)
    assert (item.crashes, item.in_hand) == (0, False)


async def test_after_a_crash_what_had_a_place_is_due_at_once(place: SpoolPlace, time: Time):
    store = await Store.open(place, now=time.now)
    await store.put([new()], content(), None, Places((True,), lambda _: None))
    assert await store.claim(9, time.now()) == []
    await store.close()
    again = await Store.open(place, now=time.now)
    (item,) = await again.claim(9, time.now())
    assert (item.queue_id, item.crashes) == ("Q-1", 1)
    await again.close()

"""The retry loop, minute by minute."""

import asyncio
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from relay.errors import NotDurableError
from relay.events import Fault
from relay.mail.outcome import Failed, Unknown
from relay.spool.events import AttemptEnded, ItemHeld, RunnerTrouble
from relay.spool.item import ELSEWHERE, HELPDESK, REPORTS, Depth, State
from relay.spool.runner import MOST_IN_HAND
from relay.spool.seams import Terms
from relay.spool.store import SpoolPlace, Store
from tests.spool.mail import NOON, STAMPED, Time, content, items_of, new, reverse
from tests.spool.runners import LATER, NO, OK, SCHEDULE, UNREACHABLE, House


@pytest_asyncio.fixture
async def house(store: Store, time: Time) -> AsyncIterator[House]:
    made = House(store, time)
    yield made
    await made.stop()


async def test_what_waits_is_delivered_with_all_its_octets(house: House):
    await house.store.put([new("Q-1")], content(b"small"))
    await house.store.put([new("Q-2")], content(b"x" * 200_000))
    house.runner.start()
    await house.quiet()
    assert house.courier.octets == {"Q-1": STAMPED + b"small", "Q-2": STAMPED + b"x" * 200_000}
    assert await house.store.depth() == Depth()
    ended = house.said(AttemptEnded)
    assert len(ended) == 2


async def test_what_is_put_is_delivered_when_the_runner_is_poked(house: House):
    house.runner.start()
    await house.settled()
    await house.store.put([new()], content())
    house.runner.poke()
    assert await house.begun() == ["Q-1"]
    await house.quiet()


async def test_what_another_process_puts_is_noticed_within_seconds(house: House):
    house.runner.start()
    await house.settled()
    await house.store.put([new()], content())
    house.clock.pass_(seconds=5)
    assert await house.begun() == ["Q-1"]
    await house.quiet()


async def test_what_is_deferred_is_tried_again_by_the_schedule(house: House):
    house.courier.answer = lambda item: LATER
    await house.store.put([new()], content())
    house.runner.start()
    await house.quiet()
    assert len(house.courier.tried) == 1
    await house.quiet(seconds=59)
    assert len(house.courier.tried) == 1
    await house.quiet(seconds=1)
    assert len(house.courier.tried) == 2
    await house.quiet(minutes=5)
    assert len(house.courier.tried) == 3
    house.courier.answer = lambda item: OK
    await house.quiet(minutes=5)
    assert await house.store.depth() == Depth()


async def test_what_failed_for_good_is_reported_once_and_the_report_is_delivered(house: House):
    house.courier.answer = lambda item: OK if item.destination == REPORTS else NO
    await house.store.put([new()], content())
    house.runner.start()
    await house.quiet()
    assert house.courier.tried == ["Q-1", "R-Q-1"]
    assert house.courier.octets["R-Q-1"] == b"About: " + house.courier.octets["Q-1"]
    assert await house.store.depth() == Depth()


async def test_what_is_deferred_for_days_fails_and_is_reported(house: House):
    house.courier.answer = lambda item: OK if item.destination == REPORTS else LATER
    await house.store.put([new()], content())
    house.runner.start()
    await house.quiet()
    assert house.reports.told == []
    await house.quiet(days=4, hours=23)
    await house.quiet(hours=1)
    (_, warned, late), (_, failed, not_late) = [told for told in house.reports.told if told[0] == "Q-1"]
    assert (warned, late, not_late) == ((LATER,), True, False)
    assert isinstance(failed[0], Failed)
    assert house.courier.tried == ["Q-1", "Q-1", "R-Q-1", "Q-1", "R-Q-1"]
    assert await house.store.depth() == Depth()


async def test_a_report_that_fails_is_held_and_nobody_is_told(house: House):
    house.courier.answer = lambda item: NO
    await house.store.put([new(destination=REPORTS, reverse_path=reverse(""))], content())
    house.runner.start()
    await house.quiet()
    (item,) = await items_of(house.store)
    assert (item.state, item.last_reply) == (State.HELD, "desk:25: 550 5.1.1 No such user")
    assert house.reports.told == []


async def test_where_reports_are_on_hold_what_fails_is_held_and_reports_are_never_tried(house: House):
    house.terms = Terms(SCHEDULE, 4, on_hold=frozenset({REPORTS}))
    house.courier.answer = lambda item: NO
    await house.store.put([new("Q-1")], content())
    await house.store.put([new("Q-2", destination=REPORTS)], content())
    house.runner.start()
    await house.quiet()
    assert house.courier.tried == ["Q-1"]
    assert await house.store.depth() == Depth(held=2)
    (held,) = house.said(ItemHeld)
    assert isinstance(held, ItemHeld)
    assert "nothing is sent to reports" in held.why


async def test_a_report_that_cannot_be_made_leaves_the_failed_item_to_the_operator(house: House):
    house.reports.error = ValueError("a bug")
    house.courier.answer = lambda item: NO
    await house.store.put([new()], content())
    house.runner.start()
    await house.quiet()
    assert await house.store.depth() == Depth(held=1)
    assert len(house.said(Fault)) == 1


async def test_a_fault_of_ours_while_delivering_is_a_deferral(house: House):
    house.courier.answer = lambda item: ValueError("a bug")
    await house.store.put([new()], content())
    house.runner.start()
    await house.quiet()
    (item,) = await items_of(house.store)
    assert (item.attempts, item.crashes, item.in_hand) == (1, 0, False)
    assert "4.3.0" in item.last_reply
    assert len(house.said(Fault)) == 1


async def test_two_doubts_are_held(house: House):
    house.courier.answer = lambda item: Unknown("silence", "desk:25")
    await house.store.put([new()], content())
    house.runner.start()
    await house.quiet()
    assert (await house.store.depth()).waiting == 1
    await house.quiet(minutes=29)
    assert len(house.courier.tried) == 1
    await house.quiet(minutes=1)
    assert len(house.courier.tried) == 2
    assert (await house.store.depth()).held == 1


async def test_a_doubt_from_before_the_spool_counts(house: House):
    house.courier.answer = lambda item: Unknown("silence", "desk:25")
    await house.store.put([new(unknown=True)], content())
    house.runner.start()
    await house.quiet()
    assert (await house.store.depth()).held == 1


async def test_no_more_is_tried_at_once_than_there_may_be_connections(house: House):
    await house.store.put([new(f"Q-{n}") for n in range(30)], content())
    await house.store.put([new(f"C-{n}", destination="helpdesk:care") for n in range(3)], content())
    house.courier.gates["*"] = asyncio.Event()
    house.runner.start()
    begun = await house.begun(7)
    await house.settled()
    assert sorted(name[0] for name in begun) == ["C"] * 3 + ["Q"] * 4
    assert house.courier.in_hand == 7
    house.courier.gates["*"].set()
    await house.quiet()
    assert house.courier.most_in_hand == 7
    assert len(house.courier.tried) == 33


async def test_a_destination_of_many_servers_has_more_room_and_no_back_off(house: House):
    house.terms = Terms(SCHEDULE, 4, by_mx=frozenset({ELSEWHERE}))
    house.courier.answer = lambda item: UNREACHABLE
    await house.store.put([new(f"Q-{n}", destination=ELSEWHERE) for n in range(50)], content())
    house.runner.start()
    await house.quiet()
    assert house.courier.most_in_hand == 20
    assert len(house.courier.tried) == 50


async def test_a_dead_server_is_left_alone_and_stops_no_other(house: House):
    house.courier.answer = lambda item: UNREACHABLE if item.destination == HELPDESK else OK
    await house.store.put([new(f"Q-{n}") for n in range(50)], content())
    await house.store.put([new(f"C-{n}", destination="helpdesk:care") for n in range(50)], content())
    house.runner.start()
    await house.quiet()
    assert sum(name.startswith("C") for name in house.courier.tried) == 50
    assert sum(name.startswith("Q") for name in house.courier.tried) == 4
    await house.quiet(seconds=29)
    assert len(house.courier.tried) == 54
    await house.quiet(seconds=1)
    assert len(house.courier.tried) == 55, "one item asks whether it is back"
    house.courier.answer = lambda item: OK
    await house.quiet(seconds=30)
    assert sum(name.startswith("Q") for name in house.courier.tried) == 4 + 1 + 46 + 3
    await house.quiet(minutes=2)
    assert await house.store.depth() == Depth()


async def test_what_grows_too_old_for_a_dead_server_fails_although_it_is_not_tried(house: House):
    house.courier.answer = lambda item: UNREACHABLE if item.destination == HELPDESK else OK
    await house.store.put([new(f"Q-{n}") for n in range(120)], content())
    house.runner.start()
    await house.quiet(days=5)
    tried = [name for name in house.courier.tried if name.startswith("Q")]
    assert len(tried) <= 5
    assert sum(name.startswith("R") for name in house.courier.tried) == 120
    assert await house.store.depth() == Depth()


async def test_what_was_in_hand_at_three_crashes_is_held_unopened(house: House, time: Time):
    await house.store.put([new("Q-1"), new("Q-2")], content())
    for _ in range(2):
        await house.store.claim(9, time.now())
        time.pass_(minutes=11)
    suspect = await house.store.claim_suspect(time.now())
    time.pass_(minutes=11)
    assert suspect is not None
    house.runner.start()
    await house.quiet()
    assert len(house.courier.tried) == 1
    assert suspect.queue_id not in house.courier.tried
    (held,) = house.said(ItemHeld)
    assert isinstance(held, ItemHeld)
    assert "ended 3 times" in held.why
    assert await house.store.depth() == Depth(held=1)


async def test_suspects_are_never_in_hand_together(house: House, time: Time):
    await house.store.put([new(f"Q-{n}") for n in range(4)], content())
    for _ in range(2):
        await house.store.claim(9, time.now())
        time.pass_(minutes=11)
    house.runner.start()
    await house.quiet()
    assert house.courier.most_in_hand == 1
    assert len(house.courier.tried) == 4
    assert await house.store.depth() == Depth()


async def test_a_damaged_item_is_held_and_the_others_go_on(house: House, place: SpoolPlace):
    await house.store.put([new("Q-1")], content(b"x" * 200_000))
    (file,) = (place.folder / "contents").iterdir()
    file.unlink()
    await house.store.put([new("Q-2")], content())
    house.runner.start()
    await house.quiet()
    assert house.courier.tried == ["Q-2"]
    (item,) = await items_of(house.store)
    assert item.state is State.HELD
    assert "damaged" in item.last_reply


async def test_octets_that_cannot_be_read_now_are_read_later(house: House, place: SpoolPlace):
    await house.store.put([new("Q-1")], content(b"x" * 200_000))
    (file,) = (place.folder / "contents").iterdir()
    octets = file.read_bytes()
    file.unlink()
    file.symlink_to(file)  # opening it fails, and not because it is not there
    house.runner.start()
    await house.quiet()
    (item,) = await items_of(house.store)
    assert (item.attempts, item.state) == (0, State.WAITING)
    file.unlink()
    file.write_bytes(octets)
    await house.quiet(seconds=30)
    assert house.courier.tried == ["Q-1"]


async def test_what_the_operator_bounces_is_reported_without_being_tried(house: House):
    await house.store.put([new("Q-1"), new("Q-2")], content())
    await house.store.bounce([1])
    await house.store.hold([2])
    house.runner.start()
    await house.quiet()
    assert house.courier.tried == ["R-Q-1"]
    (_, (outcome,), _) = house.reports.told[0]
    assert isinstance(outcome, Failed)
    assert "operator" in outcome.reply.text


async def test_a_long_delivery_keeps_its_claim(house: House):
    await house.store.put([new()], content())
    house.courier.gates["*"] = asyncio.Event()
    house.runner.start()
    await house.begun()
    for _ in range(12):
        await house.settled()
        house.clock.pass_(minutes=4)
    await house.settled()
    assert list(await house.store.claim(5, house.clock.now())) == []
    house.courier.gates["*"].set()
    await house.quiet()
    assert house.courier.tried == ["Q-1"]
    assert await house.store.depth() == Depth()


async def test_a_claim_that_ran_out_while_we_slept_is_not_delivered_beside_itself(house: House):
    await house.store.put([new()], content())
    house.courier.gates["*"] = asyncio.Event()
    house.runner.start()
    await house.begun()
    house.clock.time.pass_(hours=1)
    await house.settled()
    house.courier.gates["*"].set()
    await house.quiet()
    assert house.courier.tried == ["Q-1"]


async def test_stopping_lets_what_is_in_hand_finish_and_takes_nothing_more(house: House):
    await house.store.put([new(f"Q-{n}") for n in range(9)], content())
    house.courier.gates["*"] = asyncio.Event()
    house.runner.start()
    await house.begun(4)
    stopping = asyncio.ensure_future(house.runner.stop(30))
    await asyncio.sleep(0)
    house.courier.gates["*"].set()
    async with asyncio.timeout(5):
        await stopping
    assert len(house.courier.tried) == 4
    assert await house.store.depth() == Depth(waiting=5, oldest_at=NOON)


async def test_what_does_not_finish_in_time_is_given_back_as_it_was(house: House):
    await house.store.put([new("Q-1"), new("Q-2")], content())
    house.courier.gates["Q-1"] = asyncio.Event()
    house.runner.start()
    await house.begun(2)
    stopping = asyncio.ensure_future(house.runner.stop(30))
    while not stopping.done():
        await asyncio.sleep(0.001)
        house.clock.pass_(seconds=31)
    (item,) = await items_of(house.store)
    assert (item.queue_id, item.in_hand, item.attempts, item.crashes) == ("Q-1", False, 0, 0)


async def test_a_spool_in_trouble_is_tried_again_and_what_was_delivered_is_noted_then(
    house: House, place: SpoolPlace
):
    await house.store.put([new()], content())
    house.courier.gates["*"] = asyncio.Event()
    house.runner.start()
    await house.begun()
    away = place.folder.with_name("away")
    place.folder.rename(away)
    house.courier.gates["*"].set()
    await house.settled()
    assert house.said(RunnerTrouble)
    away.rename(place.folder)
    for _ in range(3):
        await house.settled()
        house.clock.pass_(seconds=6)
    await house.quiet(seconds=6)
    assert house.courier.tried == ["Q-1"]
    assert await house.store.depth() == Depth()


async def test_a_fault_in_the_loop_does_not_end_it(store: Store, time: Time):
    class Broken(Store):
        broken = True

        async def draw(self, *args: object, **more: object):
            if self.broken:
                self.broken = False
                raise ValueError("a bug")
            return await store.draw(*args, **more)

        async def claim_suspect(self, *args: object):
            return await store.claim_suspect(*args)

    broken = object.__new__(Broken)
    broken.__dict__.update(store.__dict__)
    house = House(broken, time)
    await store.put([new()], content())
    house.runner.start()
    await house.settled()
    house.clock.pass_(seconds=5)
    await house.quiet()
    assert house.courier.tried == ["Q-1"]
    assert len(house.said(Fault)) == 1
    await house.stop()


async def test_however_much_waits_only_so_much_is_in_hand(house: House):
    house.terms = Terms(SCHEDULE, 1000)
    for _ in range(6):
        await house.store.put([new(f"Q-{n}") for n in range(200)], content())
    house.courier.gates["*"] = asyncio.Event()
    house.runner.start()
    await house.begun(MOST_IN_HAND)
    await house.settled()
    assert house.runner.in_hand == MOST_IN_HAND
    house.courier.gates["*"].set()
    await house.quiet()
    assert house.courier.most_in_hand == MOST_IN_HAND
    assert await house.store.depth() == Depth()


async def test_a_store_that_goes_for_good_does_not_keep_us_from_stopping(place: SpoolPlace, time: Time):
    store = await Store.open(place, now=time.now)
    house = House(store, time)
    await store.put([new()], content())
    house.runner.start()
    house.courier.gates["*"] = asyncio.Event()
    await house.begun()
    shutil.rmtree(place.folder)
    house.courier.gates["*"].set()
    await house.settled()
    await house.stop()
    with pytest.raises(NotDurableError):
        await store.put([new()], content())
    await store.close()

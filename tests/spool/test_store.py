"""What a store promises, on every engine: PostgreSQL's tests take these rules over (tests/peers)."""

import asyncio
from dataclasses import fields, replace
from datetime import timedelta

import pytest

from relay.errors import DamagedItemError
from relay.intake.limits import Memory
from relay.intake.stored import Keeper
from relay.mail.content import HeldContent
from relay.spool.item import (
    ELSEWHERE,
    HELPDESK,
    REPORTS,
    Depth,
    Filter,
    NewItem,
    Settlement,
    State,
    helpdesk_of,
)
from relay.spool.store import SpoolPlace, Store
from tests.spool.mail import HEAD, NOON, STAMPED, Time, content, items_of, new, octets, path, reverse

ALL_GONE = Settlement(frozenset({0}))
SIZES = (0, 1, 131_071, 131_072, 131_073, 262_144, 700_001)


async def test_the_spool_is_empty_at_first(store: Store):
    assert await store.depth() == Depth()
    assert await store.next_due() is None
    assert list(await store.claim(10, NOON)) == []
    assert await store.claim_suspect(NOON) is None


@pytest.mark.parametrize("size", SIZES)
async def test_what_was_put_comes_back_octet_for_octet(store: Store, size: int):
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    await store.put([new()], content(body))
    (item,) = await store.claim(10, NOON)
    assert await octets(store, item) == STAMPED + body
    (listed,) = await items_of(store)
    assert listed.octets is None
    assert await octets(store, listed) == STAMPED + body


async def test_an_item_keeps_everything_that_it_was_put_with(store: Store):
    put = NewItem(
        "Q-7",
        helpdesk_of("care"),
        reverse(
            "jörg@mail.example", size=5, body="8BITMIME", smtputf8=True, ret="HDRS", envid="x+2B", auth="<>"
        ),
        (path("a@desk.example", notify="NEVER"), path("b@desk.example", orcpt="rfc822;b")),
        new().client,
        STAMPED,
        len(HEAD),
        NOON + timedelta(minutes=3, microseconds=1),
        True,
        (path("a@shop.example"), path("b@shop.example")),
        "care",
        "outbound-copy",
    )
    await store.put([put], content())
    item = await store.show(1)
    assert item is not None
    same = {field.name for field in fields(NewItem)} - {"not_before", "unknown", "head"}
    assert {name: getattr(item, name) for name in same} == {name: getattr(put, name) for name in same}
    assert item.next_attempt_at == put.not_before
    assert (item.unknowns, item.attempts, item.crashes, item.state) == (1, 0, 0, State.WAITING)
    assert item.accepted_at == NOON
    assert item.destination == "helpdesk:care"
    assert item.original(1) == put.originals[1]
    assert replace(item, originals=()).original(1) == put.forward_paths[1]


@pytest.mark.parametrize("size", [10, 200_000])
async def test_items_of_one_put_share_a_content_and_each_has_its_own_head(store: Store, size: int):
    plain = new("Q-1", destination=ELSEWHERE, head=HEAD)
    cut = new("Q-1", head=b"X: y\r\n", body_from=7)
    await store.put([new(), plain, cut], content(b"x" * size))
    first, second, third = await items_of(store)
    for item in await store.claim(10, NOON):
        if item.id != third.id:
            await store.settle(item, ALL_GONE)
    assert await store.show(first.id) is None
    assert await store.show(second.id) is None
    assert await octets(store, third) == b"X: y\r\n" + (HEAD + b"x" * size)[7:]


async def test_a_content_kept_in_a_file_by_intake_is_put_like_any_other(store: Store, tmp_path):
    keeper = Keeper(tmp_path, 0, Memory())
    await keeper.keep(HEAD)
    for number in range(20):
        await keeper.keep(bytes([number]) * 200_000)
    kept = await keeper.content()
    assert not isinstance(kept, HeldContent)
    await store.put([new()], kept)
    kept.close()
    keeper.drop()
    (item,) = await items_of(store)
    assert await octets(store, item) == STAMPED + b"".join(bytes([number]) * 200_000 for number in range(20))


async def test_nothing_to_put_is_nothing_put(store: Store):
    await store.put([], content())
    assert await store.depth() == Depth()


async def test_many_puts_at_once_are_all_there(store: Store):
    await asyncio.gather(*(store.put([new(f"Q-{n}")], content(b"%d" % n)) for n in range(300)))
    assert sorted([item.queue_id for item in await items_of(store)]) == sorted(f"Q-{n}" for n in range(300))
    assert (await store.depth()).waiting == 300


async def test_what_is_claimed_is_not_claimed_again(store: Store):
    await store.put([new("Q-1"), new("Q-2")], content())
    first, second = await asyncio.gather(store.claim(1, NOON), store.claim(10, NOON))
    assert sorted(item.queue_id for item in (*first, *second)) == ["Q-1", "Q-2"]
    assert all(item.in_hand for item in first)
    assert list(await store.claim(10, NOON)) == []
    assert await store.depth() == Depth(waiting=2, in_hand=2, oldest_at=NOON)


async def test_the_one_due_first_is_claimed_first(store: Store):
    for minutes in (3, 1, 2):
        await store.put([new(f"Q-{minutes}", not_before=NOON + timedelta(minutes=minutes))], content())
    assert await store.next_due() == NOON + timedelta(minutes=1)
    assert list(await store.claim(10, NOON)) == []
    claimed = [(await store.claim(1, NOON + timedelta(minutes=2)))[0].queue_id for _ in range(2)]
    assert claimed == ["Q-1", "Q-2"]
    assert list(await store.claim(1, NOON + timedelta(minutes=2))) == []


async def test_no_destination_takes_the_share_of_another(store: Store):
    await store.put([new(f"E-{n}", destination=ELSEWHERE) for n in range(20)], content())
    await store.put([new(f"H-{n}", destination=HELPDESK) for n in range(3)], content())
    claimed = await store.claim(10, NOON)
    assert sorted(item.destination for item in claimed) == [ELSEWHERE] * 5 + [HELPDESK] * 3
    rest = [len(await store.claim(10, NOON)) for _ in range(4)]
    assert sum(rest) == 15


async def test_a_destination_is_passed_over_or_given_as_much_as_it_has_room_for(store: Store):
    for way in (ELSEWHERE, HELPDESK, REPORTS):
        await store.put([new(destination=way) for _ in range(9)], content())
    claimed = await store.claim(30, NOON, {REPORTS}, room={ELSEWHERE: 2}, room_else=4)
    assert sorted(item.destination for item in claimed) == [ELSEWHERE] * 2 + [HELPDESK] * 4
    assert list(await store.claim(30, NOON, room={ELSEWHERE: -1, HELPDESK: 0, REPORTS: 0})) == []
    assert await store.next_due({ELSEWHERE, HELPDESK, REPORTS}) is None
    assert await store.next_due({ELSEWHERE}) == NOON


async def test_a_claim_returns_when_its_lease_ends_and_not_before(store: Store):
    await store.put([new()], content())
    await store.claim(1, NOON)
    assert list(await store.claim(1, NOON + store.lease - timedelta(seconds=1))) == []
    assert await store.next_due() == NOON + store.lease
    (again,) = await store.claim(1, NOON + store.lease)
    assert again.crashes == 1


async def test_a_renewed_claim_stays(store: Store):
    await store.put([new()], content())
    (item,) = await store.claim(1, NOON)
    await store.renew([item.id], NOON + 2 * store.lease)
    assert list(await store.claim(1, NOON + store.lease)) == []


async def test_who_lost_its_claim_changes_nothing(store: Store, place: SpoolPlace, time: Time):
    await store.put([new()], content())
    (item,) = await store.claim(1, NOON)
    other = await Store.open(place, now=time.now, serving=False)
    (taken,) = await other.claim(1, NOON + store.lease)
    report = (new("R-1", head=b"", body_from=0), b"A report\r\n")
    assert not await store.settle(item, ALL_GONE, [report])
    await store.renew([item.id], NOON + 9 * store.lease)
    await store.give_back([item])
    assert (await store.depth()).in_hand == 1
    assert await other.settle(taken, ALL_GONE, [report])
    await other.close()
    assert [left.queue_id for left in await items_of(store)] == ["R-1"]


async def test_claims_that_are_given_back_leave_no_trace(store: Store):
    await store.put([new()], content())
    before = await store.show(1)
    await store.give_back(await store.claim(1, NOON))
    assert await store.show(1) == before
    assert len(await store.claim(1, NOON)) == 1


async def test_forward_paths_that_are_done_go_and_the_others_stay_in_order(store: Store):
    to = [f"p{n}@desk.example" for n in range(4)]
    originals = tuple(path(f"o{n}@shop.example") for n in range(4))
    await store.put([new("Q-1", *to, originals=originals)], content())
    (item,) = await store.claim(1, NOON)
    later = NOON + timedelta(minutes=1)
    assert await store.settle(item, Settlement(frozenset({0, 2}), later, "x: 451 4.2.1 not\nnow é"))
    (left,) = await items_of(store)
    assert [one.text for one in left.forward_paths] == [to[1], to[3]]
    assert left.originals == (originals[1], originals[3])
    assert (left.attempts, left.unknowns, left.crashes, left.in_hand) == (1, 0, 0, False)
    assert left.next_attempt_at == later
    assert left.last_reply == r"x: 451 4.2.1 not\nnow \xe9"
    assert list(await store.claim(1, NOON)) == []
    assert len(await store.claim(1, later)) == 1


async def test_what_is_counted_is_what_was_asked_to_be_counted(store: Store):
    await store.put([new()], content())
    for settlement in (
        Settlement(frozenset(), NOON, attempted=False),
        Settlement(frozenset(), NOON, unknown=True),
        Settlement(frozenset(), NOON, warned=True),
        Settlement(frozenset(), NOON),
    ):
        (item,) = await store.claim(1, NOON)
        assert await store.settle(item, settlement)
    (item,) = await items_of(store)
    assert (item.attempts, item.unknowns, item.warned) == (3, 1, True)


@pytest.mark.parametrize("size", [20, 140_000])
async def test_a_report_comes_in_with_the_end_of_what_it_is_about(store: Store, size: int):
    await store.put([new()], content())
    (item,) = await store.claim(1, NOON)
    report = new("R-1", destination=REPORTS, reverse_path=reverse(""), head=b"", body_from=0)
    assert await store.settle(item, ALL_GONE, [(report, b"r" * size)])
    assert not await store.settle(item, ALL_GONE, [(report, b"r" * size)])
    (left,) = await store.claim(10, NOON)
    assert (left.queue_id, left.reverse_path) == ("R-1", reverse(""))
    assert await octets(store, left) == b"r" * size


async def test_many_ends_at_once_are_kept_apart(store: Store):
    await store.put([new(f"Q-{n}") for n in range(60)], content(b"x" * 200_000))
    claimed = await store.claim(60, NOON)
    ends = [
        ALL_GONE if item.id % 3 == 0 else Settlement(frozenset(), NOON, f"reply {item.id}")
        for item in claimed
    ]
    assert all(await asyncio.gather(*map(store.settle, claimed, ends)))
    left = await items_of(store)
    assert [item.id for item in left] == [item.id for item in claimed if item.id % 3]
    assert all(item.last_reply == f"reply {item.id}" for item in left)


async def crash(store: Store, time: Time) -> None:
    """Let every claim run out."""
    time.pass_(minutes=11)


async def test_what_was_in_hand_at_two_crashes_is_left_to_those_who_look_for_the_guilty_one(
    store: Store, time: Time
):
    await store.put([new("Q-1"), new("Q-2")], content())
    for _ in range(2):
        assert len(await store.claim(5, time.now())) == 2
        await crash(store, time)
    assert list(await store.claim(5, time.now())) == []
    assert await store.claim_suspect(time.now(), {HELPDESK}) is None
    first = await store.claim_suspect(time.now())
    second = await store.claim_suspect(time.now())
    assert first is not None
    assert second is not None
    assert {first.queue_id, second.queue_id} == {"Q-1", "Q-2"}
    assert await store.claim_suspect(time.now()) is None
    assert (first.crashes, second.crashes) == (2, 2)
    await store.settle(first, Settlement(frozenset(), time.now()))
    await crash(store, time)
    (cleared,) = await store.claim(5, time.now())
    assert (cleared.id, cleared.crashes) == (first.id, 0)
    guilty = await store.claim_suspect(time.now())
    assert guilty is not None
    assert guilty.crashes == 3


async def test_what_waited_too_long_can_be_taken_before_it_is_due(store: Store):
    await store.put(
        [new("Q-1", not_before=NOON + timedelta(hours=9)), new("Q-2", destination=ELSEWHERE)], content()
    )
    assert list(await store.claim_expired(5, NOON, NOON - timedelta(seconds=1), {HELPDESK})) == []
    (taken,) = await store.claim_expired(5, NOON, NOON, {HELPDESK})
    assert taken.queue_id == "Q-1"
    assert list(await store.claim_expired(5, NOON, NOON, {HELPDESK})) == []


async def test_held_items_are_not_claimed_until_they_are_released(store: Store, time: Time):
    await store.put([new("Q-1", unknown=True), new("Q-2")], content())
    assert await store.hold([1, 2, 77]) == 2
    assert await store.hold([1]) == 0
    held = await store.show(1)
    assert held is not None
    assert (held.state, held.next_attempt_at) == (State.HELD, None)
    assert list(await store.claim(5, NOON)) == []
    assert list(await store.claim_expired(5, NOON, NOON, {HELPDESK})) == []
    assert await store.next_due() is None
    assert await store.depth() == Depth(held=2)
    assert await store.retry([1]) == 0
    time.pass_(hours=1)
    assert await store.release([1]) == 1
    assert await store.release([1]) == 0
    (item,) = await store.claim(5, time.now())
    assert (item.queue_id, item.unknowns, item.next_attempt_at) == ("Q-1", 0, time.now())


async def test_what_ends_with_no_next_attempt_is_held(store: Store):
    await store.put([new()], content())
    (item,) = await store.claim(1, NOON)
    await store.settle(item, Settlement(frozenset(), None, "no"))
    assert await store.depth() == Depth(held=1)


async def test_to_hold_what_is_in_hand_holds_what_is_not_delivered_this_time(store: Store):
    await store.put([new("Q-1"), new("Q-2"), new("Q-3")], content())
    one, two, three = await store.claim(3, NOON)
    assert await store.hold([one.id, two.id, three.id]) == 3
    assert await store.settle(one, ALL_GONE)
    assert await store.settle(two, Settlement(frozenset(), NOON))
    await store.give_back([three])
    assert await store.depth() == Depth(held=2)
    assert await store.next_due() is None


async def test_retry_makes_what_waits_due_now(store: Store):
    await store.put([new(not_before=NOON + timedelta(hours=1))], content())
    assert await store.retry([1]) == 1
    assert len(await store.claim(1, NOON)) == 1
    assert await store.retry([1]) == 0


async def test_bounce_marks_what_waits_what_is_held_and_what_is_in_hand(store: Store, time: Time):
    await store.put([new(f"Q-{n}", not_before=NOON + timedelta(hours=n)) for n in range(3)], content())
    (in_hand,) = await store.claim(1, NOON)
    await store.hold([2])
    assert await store.bounce([1, 2, 3]) == 3
    assert {item.id for item in await store.claim(9, NOON)} == {2, 3}
    await store.settle(in_hand, Settlement(frozenset(), None, "held, if nobody had asked for anything"))
    (again,) = await store.claim(9, NOON)
    assert again.id == in_hand.id
    assert again.bounced


async def test_deleted_items_are_gone_even_from_the_hand(store: Store):
    await store.put([new("Q-1"), new("Q-2")], content(b"x" * 200_000))
    (first, _) = await store.claim(2, NOON)
    assert await store.delete([1, 2, 3]) == 2
    assert not await store.settle(first, Settlement(frozenset(), NOON))
    assert await store.depth() == Depth()
    with pytest.raises(DamagedItemError, match="not in the spool any more"):
        await octets(store, first)


async def test_an_id_is_never_given_twice(store: Store):
    await store.put([new(), new()], content())
    await store.delete([1, 2])
    await store.put([new()], content())
    assert [item.id for item in await items_of(store)] == [3]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(), "1234"),
        (Filter(queue_id="Q-3"), "3"),
        (Filter(destination=ELSEWHERE), "2"),
        (Filter(channel="care"), "13"),
        (Filter(reason="outbound-copy"), "1"),
        (Filter(reason="GREY listed"), "4"),
        (Filter(reason="100%"), ""),
        (Filter(accepted_before=NOON + timedelta(minutes=2)), "12"),
        (Filter(accepted_after=NOON + timedelta(minutes=2)), "4"),
        (Filter(state=State.HELD), "3"),
        (Filter(state=State.WAITING, channel="care"), "1"),
    ],
)
async def test_a_filter_names_what_all_of_its_words_fit(store: Store, time: Time, wanted: Filter, found: str):
    for more in (
        {"channel": "care", "reason": "outbound-copy"},
        {"destination": ELSEWHERE},
        {"channel": "care", "reason": "in-doubt"},
        {},
    ):
        number = round((time.now() - NOON).total_seconds() / 60) + 1
        await store.put([new(f"Q-{number}", **more)], content())
        time.pass_(minutes=1)
    await store.hold([3])
    (last,) = [item for item in await store.claim(9, time.now()) if item.id == 4]
    await store.settle(last, Settlement(frozenset(), NOON, "mx: 451 4.7.1 Grey listed, 100 seconds"))
    assert "".join(str(item.id) for item in [item async for item in store.list(wanted)]) == found


async def test_a_long_list_comes_page_by_page_and_whole(store: Store):
    for _ in range(12):
        await store.put([new() for _ in range(100)], content())
    ids = [item.id async for item in store.list()]
    assert ids == list(range(1, 1201))


async def test_a_command_beside_a_running_relay_sees_and_changes_the_same_items(
    store: Store, place: SpoolPlace, time: Time
):
    await store.put([new("Q-1"), new("Q-2")], content())
    (item,) = await store.claim(1, NOON)
    beside = await Store.open(place, now=time.now, serving=False)
    assert (await beside.depth()).in_hand == 1
    assert await beside.hold([2]) == 1
    await beside.close()
    assert await store.settle(item, ALL_GONE)
    assert await store.depth() == Depth(held=1)


async def test_a_closed_store_keeps_what_was_put(place: SpoolPlace, time: Time):
    first = await Store.open(place, now=time.now)
    await first.put([new()], content(b"x" * 80_000))
    await first.close()
    second = await Store.open(place, now=time.now)
    (item,) = await items_of(second)
    assert await octets(second, item) == STAMPED + b"x" * 80_000
    await second.close()

import pytest

from relay.spool.item import State
from relay.spool.store import Store
from relay.web.app import application
from relay.web.waiting import VERBS
from tests.spool.mail import content, new, reverse
from tests.web.api.calling import call
from tests.web.made import basic, browser, sources


async def fill(spool: Store, *names: str) -> None:
    for name in names:
        await spool.put([new(name)], content())


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Q-1", "Q-2", "Q-3"]),
        ("queue_id=Q-2", ["Q-2"]),
        ("hop=elsewhere", ["Q-3"]),
        ("channel=support", ["Q-2"]),
        ("reason=outbound-copy", ["Q-2"]),
        ("state=held", ["Q-1"]),
        ("older_than=1h", []),
        ("newer_than=1h", ["Q-1", "Q-2", "Q-3"]),
    ],
)
async def test_each_filter_finds_what_is_meant(spool: Store, query: str, found: list[str]) -> None:
    await fill(spool, "Q-1")
    await spool.put([new("Q-2", channel="support", reason="outbound-copy")], content())
    await spool.put([new("Q-3", destination="elsewhere")], content())
    await spool.hold([1])
    async with browser(application(sources(spool=lambda: spool))) as client:
        told = await call(client, "GET", f"/queue?{query}")
    assert [each["queue_id"] for each in told["items"]] == found
    assert (told["depth"]["waiting"], told["depth"]["held"]) == (2, 1)


async def test_pages_follow_each_other_until_there_are_no_more(spool: Store) -> None:
    await fill(spool, *(f"Q-{number}" for number in range(5)))
    async with browser(application(sources(spool=lambda: spool))) as client:
        first = await call(client, "GET", "/queue?limit=3")
        rest = await call(client, "GET", f"/queue?limit=3&cursor={first['next']}")
    assert [each["queue_id"] for each in first["items"] + rest["items"]] == [f"Q-{n}" for n in range(5)]
    assert rest["next"] is None


async def test_one_item_is_shown_whatever_its_paths_are_made_of(spool: Store) -> None:
    await spool.put([new("Q-1", reverse_path=reverse(""))], content())
    async with browser(application(sources(spool=lambda: spool))) as client:
        found = await call(client, "GET", "/queue/1")
        assert (found["queue_id"], found["reverse_path"]) == ("Q-1", "")
        for path in ("/queue/2", "/queue/nothing", f"/queue/{2**63}"):
            await call(client, "GET", path, 404)


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [
        ("retry", State.WAITING, State.WAITING),
        ("hold", State.WAITING, State.HELD),
        ("release", State.HELD, State.WAITING),
        ("bounce", State.WAITING, State.WAITING),
        ("delete", State.WAITING, None),
    ],
)
async def test_each_verb_does_its_work_on_what_was_named_and_nothing_else(
    spool: Store, verb: str, before: State, after: State | None
) -> None:
    await fill(spool, "Q-1", "Q-2")
    if before is State.HELD:
        await spool.hold([1, 2])
    async with browser(application(sources(spool=lambda: spool))) as client:
        told = await call(
            client, "POST", f"/queue/{verb}", headers=basic("operator"), json={"ids": [1, 1, 99]}
        )
    assert told == {verb: 1}
    states = {item.queue_id: item.state async for item in spool.list()}
    assert (states.get("Q-1"), states["Q-2"]) == (after, before)


def test_every_verb_is_tested() -> None:
    assert set(VERBS) == {"retry", "hold", "release", "bounce", "delete"}


@pytest.mark.parametrize("ids", [[], None, "1", [0], [1.5], [True], ["1"], [2**63], list(range(1, 1002))])
async def test_what_is_no_list_of_numbers_changes_nothing(spool: Store, ids: object) -> None:
    await fill(spool, "Q-1")
    async with browser(application(sources(spool=lambda: spool))) as client:
        told = await call(client, "POST", "/queue/delete", 422, headers=basic("operator"), json={"ids": ids})
    assert told["errors"][0]["where"] == "ids"
    assert [item.queue_id async for item in spool.list()] == ["Q-1"]


async def test_a_mode_without_a_spool_has_no_queue() -> None:
    async with browser(application(sources())) as client:
        for path in ("/queue", "/queue/1"):
            assert "pass-through" in (await call(client, "GET", path, 404))["detail"]
        await call(client, "POST", "/queue/hold", 404, headers=basic("operator"), json={"ids": [1]})


async def test_while_the_spool_is_away_it_says_so(spool: Store) -> None:
    await spool.close()
    async with browser(application(sources(spool=lambda: spool))) as client:
        await call(client, "GET", "/queue", 503)

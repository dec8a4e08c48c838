import httpx
import pytest

from relay.spool.item import State
from relay.spool.store import Store
from relay.web.app import application
from relay.web.waiting import VERBS
from tests.spool.mail import content, new, reverse
from tests.web.made import PASSWORDS, browser, sources
from tests.web.pages.reading import Html, log_in, see, submit


async def fill(spool: Store, *names: str) -> None:
    """Put one item for each name."""
    for name in names:
        await spool.put([new(name)], content())


async def items(spool: Store) -> dict[str, State]:
    return {item.queue_id: item.state async for item in spool.list()}


async def press(client: httpx.AsyncClient, page: Html, verb: str, *numbers: int) -> Html:
    """Choose items and press a button; the page that one comes to."""
    form = next(each for each in page.forms if each.action == "/queue" and each.method == "post")
    answer = await submit(client, form, verb=verb, id=[str(number) for number in numbers])
    if answer.status_code == 303:
        return await see(client, answer.headers["location"])
    assert answer.status_code == 200, answer.text
    return Html(answer.text)


async def test_what_waits_is_listed_and_one_item_shown(spool: Store) -> None:
    await spool.put(
        [
            new(
                "Q-1",
                "a@x.example",
                "b@x.example",
                channel="support",
                reason="outbound-copy",
                reverse_path=reverse("crm@x.example"),
            )
        ],
        content(),
    )
    await spool.put([new("Q-2", destination="elsewhere", reverse_path=reverse(""))], content())
    async with browser(application(sources(spool=lambda: spool))) as client:
        page = await see(client, "/queue")
        assert "Waiting in the queue 2" in page.text
        assert "<crm@x.example> →to <a@x.example> and 1 more" in page.text
        assert "elsewhere · tries: 0" in page.text
        one = await see(client, page.links["Q-1"])
        for words in (
            "RCPT TO <a@x.example> <b@x.example>",
            "Channel support",
            "outbound-copy",
            "waiting",
            "192.0.2.7",
        ):
            assert words in one.text
        await see(client, "/queue/999", 404)
        await see(client, "/queue/x", 404)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"Q-1", "Q-2", "Q-3"}),
        ("queue_id=Q-2", {"Q-2"}),
        ("hop=elsewhere", {"Q-3"}),
        ("channel=support", {"Q-1"}),
        ("reason=in-doubt", {"Q-2"}),
        ("state=held", set()),
        ("state=waiting", {"Q-1", "Q-2", "Q-3"}),
        ("state=nonsense&after=nonsense", {"Q-1", "Q-2", "Q-3"}),
        ("after=1", {"Q-2", "Q-3"}),
    ],
)
async def test_filters_show_what_is_meant(spool: Store, query: str, found: set[str]) -> None:
    await spool.put([new("Q-1", channel="support")], content())
    await spool.put([new("Q-2", reason="in-doubt")], content())
    await spool.put([new("Q-3", destination="elsewhere")], content())
    async with browser(application(sources(spool=lambda: spool))) as client:
        page = await see(client, f"/queue?{query}")
    assert {name for name in page.links if name.startswith("Q-")} == found


async def test_a_long_queue_is_shown_page_by_page(spool: Store) -> None:
    await fill(spool, *(f"Q-{number:03}" for number in range(120)))
    async with browser(application(sources(spool=lambda: spool))) as client:
        first = await see(client, "/queue?state=waiting")
        rest = await see(client, first.links["More"])
    names = [name for page in (first, rest) for name in page.links if name.startswith("Q-")]
    assert names == [f"Q-{number:03}" for number in range(120)]
    assert "More" not in rest.links


async def test_verbs_change_what_was_chosen_and_nothing_else(spool: Store) -> None:
    await fill(spool, "Q-1", "Q-2", "Q-3")
    async with browser(application(sources(spool=lambda: spool))) as client:
        await log_in(client, "operator", PASSWORDS["operator"])
        page = await see(client, "/queue")
        page = await press(client, page, "hold", 1, 3)
        assert "Held: 2." in page.text
        assert await items(spool) == {"Q-1": State.HELD, "Q-2": State.WAITING, "Q-3": State.HELD}
        page = await press(client, page, "release", 1)
        assert "Waiting again: 1." in page.text
        page = await press(client, page, "retry", 1, 2)
        assert "Due now: 2." in page.text
        page = await press(client, await see(client, "/queue/3"), "release", 3)
    assert await items(spool) == dict.fromkeys(("Q-1", "Q-2", "Q-3"), State.WAITING)


@pytest.mark.parametrize(("verb", "left"), [("delete", {"Q-2"}), ("bounce", {"Q-1", "Q-2"})])
async def test_what_cannot_be_undone_is_asked_first(spool: Store, verb: str, left: set[str]) -> None:
    await fill(spool, "Q-1", "Q-2")
    async with browser(application(sources(spool=lambda: spool))) as client:
        await log_in(client, "operator", PASSWORDS["operator"])
        page = await press(client, await see(client, "/queue"), verb, 1)
        assert "1 chosen." in page.text
        assert "Q-1" in page.text
        assert set(await items(spool)) == {"Q-1", "Q-2"}
        assert not [item async for item in spool.list() if item.bounced]
        (form,) = [each for each in page.forms if each.action == "/queue"]
        assert (form.fields["id"], form.buttons) == ("1", [verb])
        answer = await submit(client, form, verb=verb)
        assert answer.headers["location"] == f"/queue?done={verb}&n=1"
        await see(client, answer.headers["location"])
    assert set(await items(spool)) == left
    assert [item.queue_id async for item in spool.list() if item.bounced] == (
        [] if verb == "delete" else ["Q-1"]
    )


async def test_nothing_chosen_changes_nothing_and_says_so(spool: Store) -> None:
    await fill(spool, "Q-1")
    async with browser(application(sources(spool=lambda: spool))) as client:
        await log_in(client, "operator", PASSWORDS["operator"])
        for verb in VERBS:
            page = await press(client, await see(client, "/queue"), verb)
            assert "Choose at least one message." in page.text
        form = next(form for form in page.forms if form.method == "post" and form.action == "/queue")
        assert (await submit(client, form, verb="nonsense", id="1")).status_code == 400
        assert (
            await submit(client, form, verb="delete", id=["x", "-1", "9" * 30], confirmed="1")
        ).status_code == 303
    assert await items(spool) == {"Q-1": State.WAITING}


@pytest.mark.parametrize("user", [None, "reader"])
async def test_who_may_not_operate_sees_no_verbs_and_can_use_none(spool: Store, user: str | None) -> None:
    await fill(spool, "Q-1")
    async with browser(application(sources(spool=lambda: spool))) as client:
        if user:
            await log_in(client, user, PASSWORDS[user])
        page = await see(client, "/queue")
        assert "delete" not in page.text.lower()
        assert "Only a user with may: [operate]" in (await see(client, "/queue/1")).text
        token = page.forms[0].fields.get("token") or page.forms[-1].fields["token"]
        for verb in VERBS:
            data = {"token": token, "verb": verb, "id": "1", "confirmed": "1"}
            assert (await client.post("/queue", data=data)).status_code == (403 if user else 401)
    assert await items(spool) == {"Q-1": State.WAITING}


async def test_a_verb_needs_the_token_of_its_session(spool: Store) -> None:
    await fill(spool, "Q-1")
    async with browser(application(sources(spool=lambda: spool))) as client:
        await log_in(client, "operator", PASSWORDS["operator"])
        form = next(
            form
            for form in (await see(client, "/queue")).forms
            if form.method == "post" and form.action == "/queue"
        )
        assert (
            await submit(client, form, verb="delete", id="1", confirmed="1", token="x")
        ).status_code == 403
    assert set(await items(spool)) == {"Q-1"}


async def test_without_a_spool_there_is_no_queue() -> None:
    async with browser(application(sources())) as client:
        assert "Queue" not in (await see(client, "/queue", 404)).links


async def test_a_spool_that_is_away_is_told(spool: Store) -> None:
    await spool.close()
    async with browser(application(sources(spool=lambda: spool))) as client:
        assert "The journal or the queue is away" in (await see(client, "/queue", 503)).text
        assert "Waiting" not in (await see(client, "/overview")).text

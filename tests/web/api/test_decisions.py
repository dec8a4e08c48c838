from dataclasses import replace
from datetime import UTC, datetime

import pytest

from relay.errors import NotDurableError
from relay.journal.store import Journal
from relay.web.app import application
from relay.web.sources import Reopened
from tests.web.api.calling import call
from tests.web.made import basic, browser, copy, customer, form, keep, sources


async def refs(journal: Journal, query: str) -> list[str]:
    async with browser(application(sources(journal=journal))) as client:
        found = await call(client, "GET", f"/decisions?{query}")
    return [each["ref"] for each in found["decisions"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Q-9", "Q-8", "Q-7"]),
        ("verdict=auto-closed", ["Q-7"]),
        ("reason=in-doubt", []),
        ("reason=outbound-copy", ["Q-7"]),
        ("channel=sales", ["Q-9"]),
        ("author=support@company.com", ["Q-7"]),
        ("author=%3CSupport@Company.com%3E", ["Q-7"]),
        ("about=cleo@mail.example", ["Q-9"]),
        ("doubtful=true", ["Q-9"]),
        ("doubtful=false", ["Q-9", "Q-8", "Q-7"]),
        ("q=copy-1@crm.example", ["Q-7"]),
        ("q=Order+1", ["Q-7"]),
        ("since=2026-03-06", []),
        ("since=2026-03-04T11:59:59Z", ["Q-9", "Q-8", "Q-7"]),
        ("since=1s", []),
    ],
)
async def test_each_filter_finds_what_is_meant(journal: Journal, query: str, found: list[str]) -> None:
    await keep(journal, copy(queue_id="Q-7"), customer(queue_id="Q-8"), form(queue_id="Q-9"))
    assert await refs(journal, query) == found


async def test_pages_follow_each_other_until_there_are_no_more(journal: Journal) -> None:
    await keep(journal, *(copy(number, queue_id=f"Q-{number}") for number in range(7)))
    found: list[str] = []
    async with browser(application(sources(journal=journal))) as client:
        cursor = ""
        for _ in range(3):
            page = await call(client, "GET", f"/decisions?limit=3{cursor}")
            found += [each["ref"] for each in page["decisions"]]
            cursor = f"&cursor={page['next']}"
        assert page["next"] is None
    assert found == [f"Q-{number}" for number in range(6, -1, -1)]


async def test_one_decision_says_everything_and_notes_who_looked(journal: Journal) -> None:
    await keep(journal, copy(queue_id="Q-7"), copy(queue_id="Q-8", rcpt_to=("support@company.com",)))
    async with browser(application(sources(journal=journal))) as client:
        await call(client, "GET", "/decisions/Q-7")
        found = await call(client, "GET", "/decisions/Q-7", headers=basic("reader"))
        german = await call(client, "GET", "/decisions/Q-7?lang=de")
    assert (found["verdict"], found["reason"], found["channel"]) == (
        "auto-closed",
        "outbound-copy",
        "support",
    )
    assert [each["holds"] for each in found["findings"]] == [True] * 9
    assert found["remedy"].startswith("Add support@company.com to To, Cc or Bcc")
    assert german["remedy"].startswith("Setzen Sie support@company.com in To")
    assert "X-Ticket-Status: auto-closed" in found["stamp"]
    assert [each["who"] for each in found["looks"]] == ["local", "reader"]
    assert found["same_message"] == ["Q-8"]
    (other,) = found["others"]
    assert (other["ref"], other["verdict"]) == ("Q-8", "open")
    assert (other["turned"]["here"], other["turned"]["there"]) == (True, False)
    assert {each["aspect"] for each in other["differences"]}


async def test_it_is_found_by_message_id_queue_id_and_number_and_several_are_told_apart(
    journal: Journal,
) -> None:
    await keep(journal, copy(queue_id="Q-7"), copy(queue_id="Q-8"), customer(queue_id="Q-9"))
    async with browser(application(sources(journal=journal))) as client:
        for name in ("Q-9", "3", "ask-1@mail.example"):
            assert (await call(client, "GET", f"/decisions/{name}"))["ref"] == "Q-9"
        told = await call(client, "GET", "/decisions/copy-1@crm.example", 409)
        assert sorted(told["refs"]) == ["Q-7", "Q-8"]
        await call(client, "GET", "/decisions/nothing", 404)


async def test_a_look_that_cannot_be_noted_is_no_reason_not_to_show(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise NotDurableError("disk full")

    await keep(journal, copy(queue_id="Q-7"))
    monkeypatch.setattr(journal, "look", full)
    async with browser(application(sources(journal=journal))) as client:
        assert (await call(client, "GET", "/decisions/Q-7"))["looks"] == []


async def test_a_ticket_is_opened_again_in_the_name_of_whoever_asked(journal: Journal) -> None:
    asked: list[tuple[str, str]] = []

    async def reopen(ref: str, who: str) -> Reopened:
        asked.append((ref, who))
        assert await journal.reopen(ref, who, datetime.now(UTC))
        return Reopened.DONE

    await keep(journal, copy(queue_id="Q-7"))
    made = replace(sources(journal=journal), reopen=reopen)
    async with browser(application(made)) as client:
        told = await call(client, "POST", "/decisions/copy-1@crm.example/reopen", headers=basic("operator"))
    assert asked == [("Q-7", "operator")]
    assert (told["ref"], told["answer"], told["reopened"]["who"]) == ("Q-7", "done", "operator")


@pytest.mark.parametrize(
    ("answer", "code", "word"),
    [
        (Reopened.ALREADY, 200, "already"),
        (Reopened.NOT_KEPT, 409, "not-kept"),
        (Reopened.NOT_CLOSED, 409, "not-closed"),
        (Reopened.NO_ENTRY, 404, None),
    ],
)
async def test_a_ticket_that_cannot_be_opened_says_why(
    journal: Journal, answer: Reopened, code: int, word: str | None
) -> None:
    async def reopen(ref: str, who: str) -> Reopened:
        return answer

    await keep(journal, copy(queue_id="Q-7"))
    made = replace(sources(journal=journal), reopen=reopen)
    async with browser(application(made)) as client:
        told = await call(client, "POST", "/decisions/Q-7/reopen", code, headers=basic("both"))
        assert told.get("answer") == word
        assert "Q-8" not in str(
            await call(client, "POST", "/decisions/Q-8/reopen", 404, headers=basic("both"))
        )


async def test_while_the_journal_is_away_it_says_so_and_when_to_come_again(journal: Journal) -> None:
    await journal.close()
    for made in (sources(), sources(journal=journal)):
        async with browser(application(made)) as client:
            for path in ("/decisions", "/decisions/Q-7", "/overview"):
                await call(client, "GET", path, 503)
            answer = await client.get("/api/v1/decisions")
            assert answer.headers["retry-after"].isdecimal()

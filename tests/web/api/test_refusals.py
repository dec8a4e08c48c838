"""What is refused, to whom, and in which words; always a problem (RFC 9457) that the document describes."""

from typing import Any

import httpx
import pytest

from relay.spool.store import Store
from relay.web.api import OPERATIONS, PLACE
from relay.web.app import application
from relay.web.guard import LARGE
from tests.spool.mail import content, new
from tests.web.api.calling import call, hold_against_document
from tests.web.made import ELSEWHERE, PASSWORDS, basic, browser, settings, sources
from tests.web.pages.reading import log_in

VERBS = [each for each in OPERATIONS if each.method == "POST" and each.name != "tryMessage"]


@pytest.mark.parametrize(
    ("user", "code"), [(None, 401), ("tool", 403), ("operator", 403), ("reader", 200), ("both", 200)]
)
async def test_from_elsewhere_reading_is_for_who_may_read(user: str | None, code: int) -> None:
    async with browser(application(sources(settings(web=ELSEWHERE))), ELSEWHERE) as client:
        headers = basic(user) if user else {}
        await call(client, "GET", "/channels", code, headers=headers)
        await call(client, "POST", "/try", code, headers=headers, json={"message": "From: a@b.example\n\n"})
        await call(client, "GET", "/session", headers=headers)


@pytest.mark.parametrize("verb", VERBS, ids=lambda each: each.name)
@pytest.mark.parametrize(("user", "code"), [(None, 401), ("reader", 403)])
async def test_verbs_are_for_who_may_operate_on_the_machine_itself_too(
    verb: Any, user: str | None, code: int
) -> None:
    async with browser(application(sources())) as client:
        path = verb.path.replace("{ref}", "Q-7")
        answer = await client.post(PLACE + path, headers=basic(user) if user else {}, json={"ids": [1]})
    assert answer.status_code == code
    hold_against_document("POST", path, answer)
    assert ("www-authenticate" in answer.headers) is (code == 401)


async def test_a_wrong_password_is_a_problem_and_ten_are_a_wait() -> None:
    async with browser(application(sources())) as client:
        for _ in range(10):
            await call(client, "GET", "/version", 401, headers=basic("reader", "guessed"))
        answer = await client.get(f"{PLACE}/version", headers=basic("reader", "guessed"))
    assert (answer.status_code, answer.headers["retry-after"].isdecimal()) == (429, True)
    hold_against_document("GET", "/version", answer)


async def test_a_session_that_operates_has_to_bring_its_token(spool: Store) -> None:
    await spool.put([new("Q-1")], content())
    async with browser(application(sources(spool=lambda: spool))) as client:
        await log_in(client, "both", PASSWORDS["both"])
        told = await call(client, "GET", "/session")
        assert (told["user"], told["may"]) == ("both", ["read", "operate"])
        for token in ({}, {"x-csrf-token": "guessed"}):
            await call(client, "POST", "/queue/hold", 403, headers=token, json={"ids": [1]})
        token = {"x-csrf-token": told["csrf_token"]}
        assert await call(client, "POST", "/queue/hold", headers=token, json={"ids": [1]}) == {"hold": 1}


async def test_a_session_of_somebody_else_lends_no_token(spool: Store) -> None:
    app = application(sources(spool=lambda: spool))
    async with browser(app) as one, browser(app) as other:
        for client in (one, other):
            await log_in(client, "both", PASSWORDS["both"])
        token = {"x-csrf-token": (await call(other, "GET", "/session"))["csrf_token"]}
        await call(one, "POST", "/queue/hold", 403, headers=token, json={"ids": [1]})


async def test_http_basic_needs_no_token_and_has_none() -> None:
    async with browser(application(sources())) as client:
        told = await call(client, "GET", "/session", headers=basic("operator"))
    assert told == {"user": "operator", "may": ["read", "operate"], "csrf_token": None}


async def test_nobody_may_read_on_the_machine_itself() -> None:
    async with browser(application(sources())) as client:
        assert await call(client, "GET", "/session") == {"user": None, "may": ["read"], "csrf_token": None}


@pytest.mark.parametrize("field", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
async def test_another_website_cannot_send_anything(field: dict[str, str]) -> None:
    async with browser(application(sources())) as client:
        headers = basic("both") | field
        await call(client, "POST", "/queue/hold", 403, headers=headers, json={"ids": [1]})


async def test_another_machines_name_gets_nothing() -> None:
    async with browser(application(sources())) as client:
        await call(client, "GET", "/version", 421, headers={"host": "evil.example"})


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/version", "GET, HEAD"),
        ("PUT", "/queue", "GET, HEAD"),
        ("GET", "/try", "POST"),
        ("TRACE", "/try", "POST"),
    ],
)
async def test_a_method_that_is_not_there_names_those_that_are(method: str, path: str, allow: str) -> None:
    async with browser(application(sources())) as client:
        answer = await client.request(method, PLACE + path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_head_is_get_without_its_body() -> None:
    async with browser(application(sources())) as client:
        answer = await client.head(f"{PLACE}/version")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize(
    ("accept", "code"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/*;q=0.5", 200),
        ("nonsense", 200),
        ("", 200),
        ("text/html", 406),
        ("text/html, */*;q=0", 406),
        ("application/json;q=0, */*", 406),
        ("application/json;q=0.000", 406),
    ],
)
async def test_who_cannot_take_json_is_told(accept: str, code: int) -> None:
    async with browser(application(sources())) as client:
        await call(client, "GET", "/version", code, headers={"accept": accept})


async def test_everything_that_cannot_be_read_is_told_at_once() -> None:
    async with browser(application(sources())) as client:
        query = "limit=many&verdict=shut&since=noon&cursor=1&cursor=2&author=nobody&qq=%1b%3Cb%3E"
        told = await call(client, "GET", f"/decisions?{query}", 422)
    places = {each["where"]: each["detail"] for each in told["errors"]}
    assert set(places) == {"limit", "verdict", "since", "cursor", "author", "qq"}
    assert places["limit"] == "many is no whole number from 1 to 500"
    assert "2026-03-04" in places["since"]


async def test_what_is_said_again_prints_and_is_short() -> None:
    async with browser(application(sources())) as client:
        answer = await client.get(f"{PLACE}/decisions?verdict=%1b%00%E2%80%AE{'x' * 9000}")
    assert answer.status_code == 422
    assert answer.text.rstrip("\n").isprintable()
    assert len(answer.text) < 1500


def chunked(octets: int) -> Any:
    async def pieces() -> Any:
        for _ in range(octets // 65536 + 1):
            yield b"x" * 65536

    return pieces()


@pytest.mark.parametrize(
    ("code", "more"),
    [
        (400, {"content": b"{", "headers": {"content-type": "application/json"}}),
        (400, {"content": b'{"message": "\\ud800"}', "headers": {"content-type": "application/json"}}),
        (400, {"content": b"", "headers": {"content-type": "application/json"}}),
        (413, {"content": b"x" * (LARGE + 1), "headers": {"content-type": "message/rfc822"}}),
        (413, {"content": chunked(LARGE), "headers": {"content-type": "message/rfc822"}}),
        (415, {"content": b"From: a@b.example", "headers": {"content-type": "text/plain"}}),
        (415, {"content": b"From: a@b.example"}),
        (415, {"json": {}, "headers": {"content-encoding": "gzip"}}),
        (422, {"json": []}),
        (422, {"json": {}}),
        (422, {"json": {"message": 7}}),
        (422, {"json": {"message": "x", "secret": 1}}),
        (422, {"content": b"", "headers": {"content-type": "message/rfc822"}}),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused_in_words(code: int, more: dict[str, Any]) -> None:
    async with browser(application(sources())) as client:
        await call(client, "POST", "/try", code, **more)


async def test_a_bug_of_ours_is_a_problem_that_tells_nothing() -> None:
    def broken() -> Any:
        raise RuntimeError("secret")

    async with browser(application(sources(ready=broken, journal=broken))) as client:
        answer: httpx.Response = await client.get(f"{PLACE}/decisions")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    hold_against_document("GET", "/decisions", answer)

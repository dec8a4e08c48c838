import asyncio
import time
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from relay.passwords import hash_password
from relay.settings.entrances import User
from relay.settings.model import Settings
from relay.settings.words import Right
from relay.web.access import (
    COOKIE,
    REMEMBERED_SECONDS,
    Access,
    Logins,
    TooManyFailuresError,
    require_operate,
    require_read,
    visitor_of,
)
from relay.web.guard import Guarded
from relay.web.sessions import Session, mark_of, seal
from relay.web.throttle import FAILURES
from tests.web.made import ELSEWHERE, HERE, KEY, PASSWORDS, basic, browser, hashed, settings, sources

READ, OPERATE = "/read", "/operate"


def app_of(force: Settings) -> Guarded:
    async def read(request: Request) -> Response:
        return PlainTextResponse(require_read(request).name or "nobody")

    async def operate(request: Request) -> Response:
        return PlainTextResponse(require_operate(request).name or "nobody")

    async def who(request: Request) -> Response:
        return PlainTextResponse(repr(visitor_of(request)))

    made = sources(force)
    routes = [Route(READ, read), Route(OPERATE, operate, methods=["GET", "POST"]), Route("/who", who)]
    inner = Access(Starlette(routes=routes), made, Logins(made.settings))
    return Guarded(inner, lambda: force.web.url)


@pytest.mark.parametrize(
    ("listening", "user", "read", "operate"),
    [
        (HERE, None, 200, 401),
        (HERE, "reader", 200, 403),
        (HERE, "operator", 200, 200),
        (HERE, "both", 200, 200),
        (HERE, "tool", 200, 403),
        (ELSEWHERE, None, 401, 401),
        (ELSEWHERE, "reader", 200, 403),
        (ELSEWHERE, "operator", 403, 200),
        (ELSEWHERE, "both", 200, 200),
        (ELSEWHERE, "tool", 403, 403),
    ],
)
@pytest.mark.parametrize("by", ["basic", "cookie"])
async def test_who_may_what(listening: str, user: str | None, read: int, operate: int, by: str) -> None:
    force = settings(web=listening)
    async with browser(app_of(force), listening) as client:
        if user is not None:
            found = next(each for each in force.users if each.name == user)
            session = Session(user, "0a", int(time.time()) + 60, mark_of(found, KEY))
            client.headers.update(
                basic(user) if by == "basic" else {"cookie": f"{COOKIE}={seal(session, KEY)}"}
            )
        answers = [await client.get(READ), await client.get(OPERATE), await client.post(OPERATE)]
    assert [answer.status_code for answer in answers] == [read, operate, operate]
    for answer in answers:
        assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)
        if answer.status_code == 200:
            assert answer.text == (user or "nobody")


@pytest.mark.parametrize("field", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"])
async def test_whom_a_proxy_speaks_for_has_to_log_in_although_the_proxy_is_on_this_machine(
    field: str,
) -> None:
    async with browser(app_of(settings())) as client:
        assert (await client.get(READ)).status_code == 200
        assert (await client.get(READ, headers={field: "203.0.113.9"})).status_code == 401


async def test_who_asks_by_the_name_that_the_world_knows_has_to_log_in() -> None:
    async with browser(app_of(settings("web: {url: 'https://relay.company.com'}\n"))) as client:
        assert (await client.get(READ)).status_code == 200
        assert (await client.get(READ, headers={"host": "relay.company.com"})).status_code == 401


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic",
        "Basic !",
        "Basic /w==",
        "basic cmVhZGVy",
        *[basic("reader", password)["authorization"] for password in ("", "wrong", "reads a lot ")],
        basic("nobody", "reads a lot")["authorization"],
    ],
)
async def test_a_login_that_is_not_right_is_refused_even_where_none_is_needed(authorization: str) -> None:
    async with browser(app_of(settings())) as client:
        answer = await client.get(READ, headers={"authorization": authorization})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_another_scheme_is_nobody() -> None:
    async with browser(app_of(settings())) as client:
        answer = await client.get(READ, headers={"authorization": "Bearer x"})
    assert (answer.status_code, answer.text) == (200, "nobody")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "reader"),
        ({"password": hash_password("new")}, "nobody"),
        ({"may": frozenset({Right.READ, Right.OPERATE})}, "nobody"),
        ({"name": "somebody-else"}, "nobody"),
    ],
)
async def test_a_session_ends_as_soon_as_password_or_rights_change(
    change: dict[str, object], said: str
) -> None:
    force = settings()
    before = next(user for user in force.users if user.name == "reader")
    force = replace(force, users=(replace(before, **change),))
    sealed = seal(Session("reader", "0a", int(time.time()) + 60, mark_of(before, KEY)), KEY)
    async with browser(app_of(force), cookies={COOKIE: sealed}) as client:
        assert (await client.get(READ)).text == said


async def test_a_session_that_is_over_or_forged_is_nobodys() -> None:
    force = settings()
    mark = mark_of(next(user for user in force.users if user.name == "both"), KEY)
    late = seal(Session("both", "0a", int(time.time()) - 1, mark), KEY)
    forged = seal(Session("both", "0a", int(time.time()) + 60, mark), b"another key")
    nameless = seal(Session("", "0a", int(time.time()) + 60, mark), KEY)
    for cookie in (late, forged, nameless, "x", ""):
        async with browser(app_of(force), ELSEWHERE, cookies={COOKIE: cookie}) as client:
            assert (await client.get(READ)).status_code == 401


async def test_a_client_that_fails_too_often_has_to_wait_and_others_do_not() -> None:
    app = app_of(settings())
    async with browser(app, peer="127.0.0.1") as client:
        for _ in range(FAILURES):
            assert (await client.get(READ, headers=basic("reader", "x"))).status_code == 401
        answer = await client.get(READ, headers=basic("reader"))
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert (await client.get(READ)).status_code == 200
    async with browser(app, peer="127.0.0.2") as client:
        assert (await client.get(READ, headers=basic("reader"))).status_code == 200


async def test_behind_a_proxy_failures_are_counted_for_whom_it_speaks() -> None:
    force = settings("web: {url: 'https://relay.company.com'}\n")
    async with browser(app_of(force)) as client:
        for number in range(FAILURES + 1):
            wrong = {**basic("reader", "x"), "x-forwarded-for": f"192.0.2.{number}, 203.0.113.9"}
            answer = await client.get(READ, headers=wrong)
        assert answer.status_code == 429
        fine = {**basic("reader"), "x-forwarded-for": "203.0.113.10"}
        assert (await client.get(READ, headers=fine)).status_code == 200


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_password_that_was_right_is_not_compared_again_for_a_while() -> None:
    clock = Clock()
    force = settings()
    logins = Logins(lambda: force, clock)
    assert await logins.check("reader", PASSWORDS["reader"], "192.0.2.1")
    for _ in range(FAILURES):
        assert await logins.check("reader", "wrong", "192.0.2.1") is None
    assert await logins.check("reader", PASSWORDS["reader"], "192.0.2.1"), (
        "remembered, although the client waits"
    )
    clock.now += REMEMBERED_SECONDS
    with pytest.raises(TooManyFailuresError):
        await logins.check("reader", PASSWORDS["reader"], "192.0.2.1")


async def test_a_remembered_password_is_worth_nothing_once_the_hash_is_another() -> None:
    users = [User("anna", hashed("reader"), frozenset({Right.READ}))]
    force = settings()
    logins = Logins(lambda: replace(force, users=tuple(users)))
    assert await logins.check("anna", PASSWORDS["reader"], "192.0.2.1")
    users[0] = User("anna", hashed("both"), frozenset({Right.READ}))
    assert await logins.check("anna", PASSWORDS["reader"], "192.0.2.1") is None
    users.clear()
    assert await logins.check("anna", PASSWORDS["reader"], "192.0.2.1") is None


async def test_many_attempts_at_once_are_no_way_around_the_limit() -> None:
    force = settings()
    logins = Logins(lambda: force)
    found = await asyncio.gather(
        *(logins.check("reader", f"guess {number}", "192.0.2.1") for number in range(FAILURES + 5)),
        return_exceptions=True,
    )
    assert found[:FAILURES] == [None] * FAILURES
    assert all(isinstance(each, TooManyFailuresError) for each in found[FAILURES:])


async def test_only_so_many_comparisons_wait_for_their_turn() -> None:
    force = settings()
    logins = Logins(lambda: force)
    found = await asyncio.gather(
        *(logins.check("reader", "guess", f"192.0.2.{number}") for number in range(25)),
        return_exceptions=True,
    )
    assert [type(each) for each in found].count(TooManyFailuresError) == 5

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from relay.web.guard import (
    BODY_SECONDS,
    LARGE,
    SMALL,
    Guarded,
    from_another_site,
    is_host_of,
    names_this_machine,
)
from tests.web.made import browser

URL = "https://relay.company.com"


def app(url: str | None = URL, body_seconds: float = BODY_SECONDS) -> Guarded:
    async def echo(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    async def cached(_: Request) -> Response:
        return PlainTextResponse("x", headers={"cache-control": "max-age=5"})

    methods = ["GET", "POST", "DELETE"]
    routes = [Route(path, echo, methods=methods) for path in ("/", "/try", "/api/v1/judge")]
    return Guarded(Starlette(routes=[*routes, Route("/cached", cached)]), lambda: url, body_seconds)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "evil.example:8025",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "relay.company.com.evil.example",
        ),
        *("[::2]", "localhost.evil.example", "xrelay.company.com"),
    ],
)
async def test_a_request_for_another_machine_is_misdirected(host: str) -> None:
    async with browser(app()) as client:
        for answer in (
            await client.get("/", headers={"host": host}),
            await client.post("/", headers={"host": host}),
        ):
            assert answer.status_code == 421
            assert "content-security-policy" in answer.headers


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST:8025", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:8025"),
        *("relay.company.com", "Relay.Company.COM:443"),
    ],
)
async def test_a_request_for_this_machine_is_answered(host: str) -> None:
    async with browser(app()) as client:
        assert (await client.get("/", headers={"host": host})).status_code == 200


async def test_without_a_url_no_name_but_localhost_is_ours() -> None:
    async with browser(app(None)) as client:
        assert (await client.get("/", headers={"host": "relay.company.com"})).status_code == 421


async def test_two_hosts_or_none_are_misdirected() -> None:
    async with browser(app()) as client:
        twice = await client.get("/", headers=[("host", "127.0.0.1"), ("host", "127.0.0.1")])
        assert twice.status_code == 421
        assert (await client.get("/", headers={"host": ""})).status_code == 421


def test_the_address_that_we_listen_on_names_this_machine() -> None:
    assert names_this_machine("192.0.2.7:8025", "192.0.2.7")
    assert names_this_machine("[2001:db8::7]:8025", "2001:db8::7")
    assert not names_this_machine("192.0.2.8:8025", "192.0.2.7")
    assert not names_this_machine("", "")
    assert not names_this_machine("localhost:x", "")
    assert not is_host_of("", None)
    assert not is_host_of("", "https://")


@pytest.mark.parametrize("path", ["/", "/nowhere"])
async def test_every_answer_carries_the_headers_of_caution(path: str) -> None:
    async with browser(app()) as client:
        answer = await client.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


async def test_what_says_itself_how_long_it_may_be_kept_is_believed() -> None:
    async with browser(app()) as client:
        assert (await client.get("/cached")).headers.get_list("cache-control") == ["max-age=5"]


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "whatever"}, True),
        ({"origin": "http://127.0.0.1:8025"}, False),
        ({"origin": "https://relay.company.com"}, False),
        ({"origin": "http://127.0.0.1:8026"}, True),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": ""}, True),
        ({"origin": "http://127.0.0.1:8025", "sec-fetch-site": "cross-site"}, True),
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
async def test_what_another_website_sends_changes_nothing(
    fields: dict[str, str], refused: bool, method: str
) -> None:
    async with browser(app()) as client:
        assert ((await client.request(method, "/", headers=fields)).status_code == 403) is refused
        assert (await client.get("/", headers=fields)).status_code == 200


def test_an_origin_is_compared_with_its_port() -> None:
    headers = Headers({"host": "relay.company.com:8443", "origin": "https://relay.company.com:8443"})
    assert not from_another_site(headers, None)
    assert not from_another_site(headers, "https://other.example")
    assert from_another_site(Headers({"host": "a.example", "origin": "https://a.example:1"}), None)


@pytest.mark.parametrize(("path", "limit"), [("/", SMALL), ("/try", LARGE), ("/api/v1/judge", LARGE)])
async def test_a_body_may_have_so_many_octets(path: str, limit: int) -> None:
    async def pieces(size: int):
        for _ in range(0, size, 1 << 16):
            yield b"x" * min(size, 1 << 16)
        yield b"x" * (size % (1 << 16))

    async with browser(app()) as client:
        assert (await client.post(path, content=b"x" * limit)).text == str(limit)
        assert (await client.post(path, content=b"x" * (limit + 1))).status_code == 413
        assert (await client.post(path, content=pieces(limit + 1))).status_code == 413, (
            "no length was declared"
        )
        assert (await client.post(path, headers={"content-length": "-1"}, content=b"")).status_code == 413


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def never_ending() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    async with browser(app(body_seconds=0.01)) as client:
        assert (await client.post("/", content=never_ending())).status_code == 408
        assert (await client.post("/", content=b"x")).status_code == 200

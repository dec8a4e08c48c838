from urllib.parse import quote

import pytest
from starlette.routing import Route

from relay.journal.store import Journal
from relay.sandbox.inbox import SandboxInbox
from relay.spool.store import Store
from relay.web.access import Logins
from relay.web.api import OPERATIONS, PLACE
from relay.web.app import application, routes_of
from relay.web.sources import Reopened, Sources
from tests.spool.mail import content, new
from tests.web.made import ELSEWHERE, HERE, NOON, PASSWORDS, basic, browser, copy, keep, settings, sources
from tests.web.pages.reading import log_in


@pytest.mark.parametrize(("ready", "code", "said"), [(True, 200, "ready\n"), (False, 503, "not ready\n")])
async def test_whoever_asks_hears_whether_it_is_up_and_ready(ready: bool, code: int, said: str) -> None:
    app = application(sources(settings(web=ELSEWHERE), ready=lambda: ready))
    async with browser(app, ELSEWHERE) as client:
        assert (await client.get("/healthz")).text == "up\n"
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.text) == (code, said)


@pytest.mark.parametrize(
    ("listening", "user", "code"),
    [(HERE, None, 200), (ELSEWHERE, None, 401), (ELSEWHERE, "operator", 403), (ELSEWHERE, "reader", 200)],
)
async def test_metrics_are_for_who_may_read(listening: str, user: str | None, code: int) -> None:
    app = application(sources(settings(web=listening)))
    async with browser(app, listening) as client:
        answer = await client.get("/metrics", headers=basic(user) if user else {})
    assert answer.status_code == code
    if code == 200:
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert answer.text.startswith("# HELP")


async def test_the_api_refuses_in_json_and_the_pages_in_words() -> None:
    async with browser(application(sources())) as client:
        answer = await client.get("/api/v1/nowhere")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert answer.json() == {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "There is nothing at this address.",
        }
        assert (await client.get("/nowhere")).status_code == 404


def verbs(made: Sources) -> list[tuple[str, str]]:
    """Everything that may change something, as method and path, whatever is added to it one day."""
    pages = [
        (method, route.path)
        for route in routes_of(made, Logins(made.settings))
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"GET", "HEAD"}
    ]
    api = [(each.method, PLACE + each.path) for each in OPERATIONS if each.method != "GET"]
    return [(method, path.format(number=1, ref="Q-1", id=1)) for method, path in sorted([*pages, *api])]


def ready(journal: Journal, spool: Store, asked: list[str]) -> Sources:
    async def reopen(ref: str, _: str) -> Reopened:
        asked.append(ref)
        return Reopened.DONE

    inbox = SandboxInbox()
    inbox.add(NOON, "", ("in-7f3@relay.company.net",), b"Subject: x\r\n\r\n", 14)
    return sources(journal=journal, spool=lambda: spool, inbox=inbox, reopen=reopen)


@pytest.mark.parametrize(
    "field",
    [{}, {"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {"origin": "null"}],
    ids=str,
)
async def test_no_verb_obeys_a_session_alone(journal: Journal, spool: Store, field: dict[str, str]) -> None:
    asked: list[str] = []
    await keep(journal, copy(queue_id="Q-1"))
    await spool.put([new("Q-1")], content())
    made = ready(journal, spool, asked)
    found = verbs(made)
    assert {("POST", "/queue"), ("POST", "/decision/Q-1/reopen"), ("POST", "/api/v1/queue/delete")} <= set(
        found
    )
    async with browser(application(made)) as client:
        await log_in(client, "both", PASSWORDS["both"])
        for method, path in found:
            data = {"verb": "delete", "id": "1", "confirmed": "1", "token": "x"}
            sent = {"json": {"ids": [1]}} if path.startswith("/api/") else {"data": data}
            answer = await client.request(method, path, headers=field, **sent)  # type: ignore[arg-type]
            if path == "/api/v1/try" and not field:
                assert answer.status_code in (200, 400, 422)  # it changes nothing
                continue
            assert answer.status_code == 403, (method, path)
        assert (await client.get("/queue")).status_code == 200, "nobody was logged out"
    assert asked == []
    assert [item.queue_id async for item in spool.list()] == ["Q-1"]
    inbox = made.inbox()
    assert inbox is not None
    assert len(inbox.messages()) == 1


@pytest.mark.parametrize("number", ["9" * 19, "9" * 5000, "-1", "²", "0x1", "1e3", "\x00"])
async def test_a_number_that_nothing_has_is_not_there(journal: Journal, spool: Store, number: str) -> None:
    async with browser(application(ready(journal, spool, []))) as client:
        for path in ("/queue", "/message", "/decision", "/why", "/api/v1/queue", "/api/v1/decisions"):
            answer = await client.get(f"{path}/{quote(number)}")
            assert answer.status_code in (400, 404), path

import pytest

from relay.web.app import application
from tests.web.made import ELSEWHERE, HERE, basic, browser, settings, sources


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

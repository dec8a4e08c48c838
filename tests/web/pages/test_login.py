import pytest

from relay.sandbox.inbox import SandboxInbox
from relay.web.access import COOKIE
from relay.web.app import application
from relay.web.pages.login import local
from relay.web.throttle import FAILURES
from tests.web.made import ELSEWHERE, HERE, PASSWORDS, basic, browser, settings, sources
from tests.web.pages.reading import log_in, see, submit


async def test_whoever_has_to_log_in_is_led_to_the_form_and_back() -> None:
    async with browser(application(sources(settings(web=ELSEWHERE))), ELSEWHERE) as client:
        answer = await client.get("/search?q=a%26b", headers={"accept": "text/html"})
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            "/login?next=%2Fsearch%3Fq%3Da%2526b",
        )
        page = await see(client, answer.headers["location"])
        answer = await submit(client, page.form("/login"), name="reader", password=PASSWORDS["reader"])
        assert (answer.status_code, answer.headers["location"]) == (303, "/search?q=a%26b")
        page = await see(client, answer.headers["location"])
        assert "reader Log out" in page.text
        answer = await submit(client, page.form("/logout"))
        assert answer.headers["location"] == "/login"
        assert (await client.get("/search", headers={"accept": "text/html"})).status_code == 303


async def test_what_is_no_browser_hears_401_with_a_challenge() -> None:
    async with browser(application(sources(settings(web=ELSEWHERE))), ELSEWHERE) as client:
        answer = await client.get("/overview")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert (await client.get("/overview", headers=basic("reader"))).status_code == 200
        assert (
            await client.get("/overview", headers={**basic("tool"), "accept": "text/html"})
        ).status_code == 403


@pytest.mark.parametrize(
    ("url", "host", "secure"),
    [
        (None, HERE, False),
        ("https://relay.company.com", "relay.company.com", True),
        ("https://relay.company.com", HERE, False),
        ("http://relay.company.com", "relay.company.com", False),
    ],
)
async def test_the_cookie_is_kept_from_scripts_from_other_sites_and_from_plain_http(
    url: str | None, host: str, secure: bool
) -> None:
    more = f"web: {{url: '{url}'}}\n" if url else ""
    async with browser(application(sources(settings(more)))) as client:
        answer = await client.get("/login", headers={"host": host})
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(COOKIE)
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "max-age=43200" in cookie
    assert ("secure" in cookie) is secure


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        ("reader", "wrong", "Name or password is not right."),
        ("reader", "", "Name or password is not right."),
        ("nobody", "wrong", "Name or password is not right."),
        ("", "", "Name or password is not right."),
        ("tool", PASSWORDS["tool"], "This user may neither read nor operate."),
    ],
)
async def test_a_login_that_is_refused_says_so_and_gives_nothing(name: str, password: str, said: str) -> None:
    async with browser(application(sources())) as client:
        await see(client, "/login")
        before = dict(client.cookies)
        answer = await log_in(client, name, password)
        assert answer.status_code == 403
        assert said in answer.text
        assert dict(client.cookies) == before


async def test_a_login_gets_a_session_of_its_own() -> None:
    async with browser(application(sources())) as client:
        await see(client, "/login")
        before = client.cookies[COOKIE]
        await log_in(client, "reader", PASSWORDS["reader"])
        assert client.cookies[COOKIE] != before


async def test_who_guesses_has_to_wait() -> None:
    async with browser(application(sources())) as client:
        form = (await see(client, "/login")).form("/login")
        for _ in range(FAILURES):
            assert (await submit(client, form, name="reader", password="x")).status_code == 403
        answer = await submit(client, form, name="reader", password=PASSWORDS["reader"])
    assert answer.status_code == 429
    assert "Too many failed logins from your address" in answer.text


async def test_logging_out_ends_the_session_wherever_its_cookie_was_copied_to() -> None:
    app = application(sources(settings(web=ELSEWHERE)))
    async with browser(app, ELSEWHERE) as client:
        await log_in(client, "reader", PASSWORDS["reader"])
        copied = client.cookies[COOKIE]
        page = await see(client, "/overview")
        await submit(client, page.form("/logout"))
    async with browser(app, ELSEWHERE, cookies={COOKIE: copied}) as client:
        assert (await client.get("/overview")).status_code == 401


async def test_logging_out_and_in_need_the_sessions_token() -> None:
    async with browser(application(sources())) as client:
        await log_in(client, "reader", PASSWORDS["reader"])
        assert (await client.post("/logout")).status_code == 403
        data = {"name": "both", "password": PASSWORDS["both"]}
        assert (await client.post("/login", data=data)).status_code == 403
        assert "reader" in (await see(client, "/overview")).text


@pytest.mark.parametrize(
    ("target", "led"),
    [
        ("/queue", "/queue"),
        ("/search?q=a%26b&x=1", "/search?q=a%26b&x=1"),
        ("/decision/a%20b", "/decision/a%20b"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/x\r\nSet-Cookie: y", "/"),
        ("/login?next=/", "/"),
        ("/ü\u202e", "/"),
        ("/ü", "/%C3%BC"),
    ],
)
def test_after_a_login_one_stays_here(target: str, led: str) -> None:
    assert local(target) == led


async def test_a_path_in_web_url_stands_before_every_address_when_one_comes_by_it() -> None:
    force = settings("web: {url: 'http://relay.company.com/desk/'}\n")
    async with browser(application(sources(force, inbox=SandboxInbox()))) as client:
        client.headers.update({"host": "relay.company.com", "accept": "text/html"})
        answer = await client.get("/overview")
        assert answer.headers["location"] == "/desk/login?next=%2Foverview"
        page = await see(client, "/login?next=/overview")
        ours = [value for _, name, value in page.attributes if name in ("href", "src", "action")]
        assert [value for value in ours if not value.startswith(("/desk/", "?", "#"))] == []
        data = {**page.form("/desk/login").fields, "name": "reader", "password": PASSWORDS["reader"]}
        answer = await client.post("/login", data=data, headers={"origin": "http://relay.company.com"})
        assert answer.headers["location"] == "/desk/overview"
        page = await see(client, "/", host="127.0.0.1:8025")
        assert "/overview" in page.links.values(), "on the machine itself there is no such path"

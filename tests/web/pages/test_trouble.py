import pytest

from relay.errors import UnavailableError
from relay.events import Fault
from relay.journal.store import Journal
from relay.judge.explain import Language
from relay.web.app import application
from relay.web.pages.assets import addresses
from relay.web.texts import text
from tests.web.made import ELSEWHERE, HERE, PASSWORDS, basic, browser, copy, keep, settings, sources
from tests.web.pages.reading import log_in, see


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    ("path", "method", "code", "key"),
    [
        ("/nowhere", "GET", 404, "trouble.404"),
        ("/search", "POST", 405, "trouble.405"),
        ("/try", "POST", 403, "trouble.form"),
        ("/queue", "POST", 401, "trouble.401"),
        ("/decision/x", "GET", 503, "trouble.503"),
    ],
)
async def test_people_are_told_in_their_language(
    language: Language, path: str, method: str, code: int, key: str
) -> None:
    async with browser(application(sources())) as client:
        fields = {"accept": "text/html", "accept-language": language.value}
        answer = await client.request(method, path, headers=fields)
        assert answer.status_code == code
        assert text(language, key) in answer.text
        assert text(language, f"{key}.words").partition("(")[0].strip() in answer.text.replace("&#39;", "'")
        assert "www-authenticate" not in answer.headers, "no browser shall ask by itself"
        assert ("allow" in answer.headers) == (code == 405)
        assert ("retry-after" in answer.headers) == (code == 503)


async def test_programs_are_told_in_a_line() -> None:
    async with browser(application(sources())) as client:
        for path, code in (("/nowhere", 404), ("/decision/x", 503)):
            answer = await client.get(path)
            assert (answer.status_code, answer.text.count("\n")) == (code, 1)
            assert answer.headers["content-type"].startswith("text/plain")


async def test_a_bug_of_ours_tells_nothing_of_itself() -> None:
    def broken() -> None:
        raise RuntimeError("a secret")

    told: list[object] = []
    async with browser(application(sources(spool=broken, observe=told.append))) as client:
        for fields, path in (
            ({"accept": "text/html"}, "/queue"),
            ({}, "/queue"),
            ({}, "/api/v1/sandbox/messages"),
        ):
            answer = await client.get(path, headers=fields)
            if path == "/queue":
                assert answer.status_code == 500
            assert "secret" not in answer.text
            assert "content-security-policy" in answer.headers
    assert [str(fault.error) for fault in told if isinstance(fault, Fault)] == ["a secret"] * 2


async def test_a_page_for_another_machine_is_refused_in_words_for_people() -> None:
    async with browser(application(sources())) as client:
        answer = await client.get("/", headers={"host": "evil.example", "accept": "text/html"})
    assert answer.status_code == 421
    assert "Ask for this page as localhost" in answer.text


@pytest.mark.parametrize(
    ("name", "kind"),
    [("style.css", "text/css"), ("page.js", "text/javascript"), ("icon.svg", "image/svg+xml")],
)
async def test_the_files_of_the_pages_are_for_everybody_and_may_be_kept(name: str, kind: str) -> None:
    async with browser(application(sources(settings(web=ELSEWHERE))), ELSEWHERE) as client:
        answer = await client.get(addresses()[name])
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)
        assert answer.headers.get_list("cache-control") == ["public, max-age=31536000, immutable"]
        assert (await client.head(addresses()[name])).text == ""
        for path in (
            "/static/",
            "/static/nothing.css",
            "/static/..%2Fapp.py",
            "/static/../app.py",
            "/static/__init__.py",
        ):
            assert (await client.get(path)).status_code == 404
        assert (await client.post("/static/style.css")).status_code == 404


async def test_an_icon_is_found_where_browsers_look_for_one() -> None:
    async with browser(application(sources())) as client:
        answer = await client.get("/favicon.ico")
        assert (await client.get(answer.headers["location"])).headers["content-type"] == "image/svg+xml"


async def test_nothing_in_style_or_script_leads_elsewhere() -> None:
    async with browser(application(sources())) as client:
        for address in addresses().values():
            words = (await client.get(address)).text.replace("http://www.w3.org/2000/svg", "")
            assert "://" not in words
            assert "url(" not in words
            assert "@import" not in words


PAGES = ("/", "/overview", "/search", "/search/results", "/decision/Q-1", "/try", "/channels")
NOT_HERE = ("/sandbox", "/queue", "/queue/1", "/message/1")


@pytest.mark.parametrize(
    ("listening", "user", "code"),
    [
        (HERE, None, 200),
        (HERE, "reader", 200),
        (HERE, "operator", 200),
        (HERE, "both", 200),
        (HERE, "tool", 200),
        (ELSEWHERE, None, 401),
        (ELSEWHERE, "reader", 200),
        (ELSEWHERE, "operator", 403),
        (ELSEWHERE, "both", 200),
        (ELSEWHERE, "tool", 403),
    ],
)
async def test_reading_needs_the_right_wherever_the_world_can_ask(
    journal: Journal, listening: str, user: str | None, code: int
) -> None:
    await keep(journal, copy(queue_id="Q-1"))
    async with browser(application(sources(settings(web=listening), journal=journal)), listening) as client:
        fields = basic(user) if user else {}
        codes = {path: (await client.get(path, headers=fields)).status_code for path in (*PAGES, *NOT_HERE)}
    assert codes == {**dict.fromkeys(PAGES, code), **dict.fromkeys(NOT_HERE, 404 if code == 200 else code)}


VERBS = ("/decision/Q-1/reopen", "/queue")


@pytest.mark.parametrize("listening", [HERE, ELSEWHERE])
@pytest.mark.parametrize(
    ("user", "code"), [(None, 401), ("reader", 403), ("tool", 403), ("operator", 404), ("both", 404)]
)
async def test_verbs_need_the_right_to_operate_everywhere(
    journal: Journal, listening: str, user: str | None, code: int
) -> None:
    async with browser(application(sources(settings(web=listening), journal=journal)), listening) as client:
        fields = basic(user) if user else {}
        token = (await see(client, "/login", **fields)).form("/login").fields["token"]
        data = {"token": token, "verb": "hold", "id": "1"}
        for path in VERBS:
            answer = await client.post(path, data=data, headers=fields)
            assert answer.status_code == code, "404: allowed, and neither the decision nor the queue is there"


async def test_a_verb_from_another_website_is_refused_with_everything_else_right(journal: Journal) -> None:
    async with browser(application(sources(journal=journal))) as client:
        await log_in(client, "both", PASSWORDS["both"])
        token = (await see(client, "/try")).form("/try").fields["token"]
        for fields in (
            {"origin": "https://evil.example"},
            {"sec-fetch-site": "cross-site"},
            {"origin": "null"},
        ):
            answer = await client.post("/decision/Q-1/reopen", data={"token": token}, headers=fields)
            assert answer.status_code == 403
        answer = await client.post(
            "/decision/Q-1/reopen", data={"token": token}, headers={"origin": f"http://{HERE}"}
        )
        assert answer.status_code == 404


async def test_reading_that_fails_halfway_is_told_as_away(journal: Journal) -> None:
    class Broken(Journal):
        def __init__(self) -> None:
            pass

        async def get(self, name: str) -> tuple[()]:
            raise UnavailableError("gone")

    async with browser(application(sources(journal=Broken()))) as client:
        assert "The journal or the queue is away" in (await see(client, "/decision/x", 503)).text

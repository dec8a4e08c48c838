from typing import Any

import pytest

from relay.web.app import application
from relay.web.guard import LARGE
from relay.web.sources import Trial, Tried
from tests.web.made import browser, settings, sources, try_it
from tests.web.pages.reading import Html, see, submit

COPY = "From: support@company.com\r\nTo: anna@mail.example\r\n\r\nHello\r\n"


async def tried(app: Any, files: Any = None, **fields: object) -> tuple[int, Html]:
    """Fill the form in and send it; what came back."""
    async with browser(app) as client:
        form = (await see(client, "/try")).form("/try")
        data = {**form.fields, **fields}
        answer = await client.post(
            "/try", data=data, files=files or {"file": ("", b"")}, headers={"accept": "text/html"}
        )
    return answer.status_code, Html(answer.text)


def watched() -> tuple[Any, list[Trial]]:
    """The application, and what it judges."""
    seen: list[Trial] = []
    force = settings()

    async def judge(trial: Trial) -> Tried:
        seen.append(trial)
        return await try_it(lambda: force)(trial)

    return application(sources(force, judge=judge)), seen


async def test_a_pasted_message_is_judged_with_what_stands_beside_it() -> None:
    app, seen = watched()
    code, page = await tried(
        app,
        message=COPY,
        rcpt_to="in-7f3@relay.company.net\r\n <b@x.example>, ",
        mail_from=" <bounce@crm.example> ",
        client_ip="::ffff:198.51.100.7",
        auth_user=" crm ",
    )
    (trial,) = seen
    assert code == 200
    assert trial.octets == COPY.encode()
    assert list(map(str, trial.forward_paths)) == ["in-7f3@relay.company.net", "b@x.example"]
    assert (trial.reverse_path, str(trial.address), trial.user) == (
        "bounce@crm.example",
        "198.51.100.7",
        "crm",
    )
    for words in (
        "The verdict auto-closed It is a copy of what was sent",
        "X-Ticket-Status: auto-closed",
        "yes Is the author a channel's own address?",
        "envelope: given",
    ):
        assert words in page.text
    assert COPY.splitlines()[0] in page.words, "the form still holds it"


async def test_a_file_is_judged_octet_by_octet_and_goes_before_what_was_pasted() -> None:
    app, seen = watched()
    octets = b"From: support@company.com\nSubject: \xff\xfe\x00\n\n"
    code, page = await tried(app, {"file": ("m.eml", octets)}, message="From: nobody")
    assert (code, seen[0].octets) == (200, octets)
    assert "auto-closed" in page.text


async def test_what_is_not_said_is_unknown() -> None:
    app, seen = watched()
    _, page = await tried(app, message=COPY)
    assert seen[0] == Trial(COPY.encode())
    assert "Not everything is known:" in page.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"message": ""}, "Paste a message or choose a file."),
        ({"message": " \r\n"}, "Paste a message or choose a file."),
        ({"message": COPY, "rcpt_to": "a@b\r\nno address"}, "no address is no address"),
        ({"message": COPY, "mail_from": "<x"}, "<x is no address"),
        ({"message": COPY, "client_ip": "300.1.1.1"}, "300.1.1.1 is no IP address"),
    ],
)
async def test_what_cannot_be_read_is_said_and_nothing_is_judged(fields: dict[str, str], said: str) -> None:
    app, seen = watched()
    code, page = await tried(app, **fields)
    assert code == 400
    assert said in page.text
    assert ("div", "role", "alert") in page.attributes
    assert seen == []


@pytest.mark.parametrize("mail_from", ["", "<>"])
async def test_the_null_reverse_path_is_one(mail_from: str) -> None:
    app, seen = watched()
    await tried(app, message=COPY, mail_from=mail_from)
    assert seen[0].reverse_path == (None if mail_from == "" else "")


async def test_tabs_and_blanks_of_a_pasted_message_come_back_as_they_were() -> None:
    app, _ = watched()
    text = "\r\n\tFrom: a\r\n  x\x0by\r\n"
    _, page = await tried(app, message=text)
    assert "\n\n\tFrom: a\n  x\\x0by\n" in page.words


async def test_more_than_the_limit_is_refused_before_it_is_read() -> None:
    app, seen = watched()
    code, _ = await tried(app, {"file": ("m.eml", b"x" * (LARGE + 1))})
    assert (code, seen) == (413, [])
    code, _ = await tried(app, {"file": ("m.eml", b"From: a@b.example\n\n" + b"x" * (LARGE - 5000))})
    assert code == 200


async def test_rubbish_in_place_of_a_form_is_no_fault_of_ours() -> None:
    app, _ = watched()
    async with browser(app) as client:
        await see(client, "/try")
        for kind, body in (
            ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
            ("multipart/form-data", b""),
            ("application/json", b"{}"),
            ("application/x-www-form-urlencoded", b"token=%ff&&&=;"),
            ("application/x-www-form-urlencoded", b"a=b&" * 5000),
        ):
            answer = await client.post(
                "/try", content=body, headers={"content-type": kind, "accept": "text/html"}
            )
            assert answer.status_code in (400, 403), kind


async def test_a_form_without_its_sessions_token_is_refused() -> None:
    app, seen = watched()
    async with browser(app) as client:
        form = (await see(client, "/try")).form("/try")
        for token in ("", "x", form.fields["token"][::-1]):
            answer = await submit(client, form, message=COPY, token=token)
            assert answer.status_code == 403
            assert "This form is too old" in answer.text
        client.cookies.clear()
        assert (await submit(client, form, message=COPY)).status_code == 403
    assert seen == []


async def test_what_the_script_may_have_cut_is_not_taken_for_whole() -> None:
    app, seen = watched()
    for octets in (LARGE // 2, 100):
        file = COPY.encode().ljust(octets, b"x")
        await tried(app, files={"file": ("copy.eml", file)})
    assert [trial.whole for trial in seen] == [False, True]

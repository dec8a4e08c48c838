"""Whatever stands in a message, in what a client or a hop says, or in an address of ours that somebody made up,
is text on every page: no tag, no attribute, no script comes of it, and nothing in it is invisible."""

import datetime as dt
import re
from dataclasses import replace
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from relay.journal.entry import Entry, PathEntry, PathState
from relay.journal.store import Journal
from relay.links import signature
from relay.mail.envelope import Client
from relay.sandbox.inbox import SandboxInbox
from relay.spool.item import NewItem, Settlement
from relay.spool.store import Store
from relay.web.app import application
from tests.spool.mail import content, new, path, reverse
from tests.web.made import KEY, browser, copy, customer, entry, keep, settings, sources
from tests.web.pages.reading import Html, see

NOW = dt.datetime.now().astimezone()
MARKUP = "\"><script>alert(1)</script><img src=x onerror='y'><!--"
BRACES = "{{ 7 * 7 }} {0} {n} %s {% raw %}"
CONTROL = "\x00\x07\x1b[2J\r\n\x7f\x9b\u202e\u200b\ufeff\u2028"
EIGHT_BIT = b"\xff\xfe\xc3\x28\xf0\x9f\x92\xa9"
EVIL = f"{MARKUP} {BRACES} {CONTROL}".encode() + EIGHT_BIT
EVIL_TEXT = EVIL.decode("utf-8", "surrogateescape")
IN_A_FIELD = EVIL.replace(b"\x00", b"").replace(b"\r\n", b"\r\n ")
_ALLOWED = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "link",
        "script",
        "body",
        "a",
        "header",
        "nav",
        "ul",
        "li",
        "div",
        "span",
    ),
    *(
        "form",
        "input",
        "button",
        "main",
        "h1",
        "h2",
        "h3",
        "p",
        "strong",
        "code",
        "dl",
        "dt",
        "dd",
        "time",
        "section",
    ),
    *(
        "ol",
        "pre",
        "br",
        "em",
        "label",
        "textarea",
        "fieldset",
        "legend",
        "select",
        "option",
        "datalist",
        "table",
    ),
    *(
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "figure",
        "figcaption",
        "svg",
        "desc",
        "line",
        "g",
        "rect",
        "details",
    ),
    *("summary", "ins"),
}


def evil_entry() -> Entry:
    """An entry in which everything that came from outside is evil."""
    made = entry(
        b"From: " + IN_A_FIELD + b" <support@company.com>",
        b"To: " + IN_A_FIELD + b', "<b>\\"x" <"<i>x"@mail.example>, support@company.com',
        b"Reply-To: " + IN_A_FIELD,
        b"Message-ID: <" + IN_A_FIELD + b">",
        b"Subject: " + IN_A_FIELD,
        b"X-Mailer: " + IN_A_FIELD,
        b"List-Id: " + IN_A_FIELD,
        b"X-Original-Sender: " + IN_A_FIELD + b' <"<u>"@mail.example>',
        b"Content-Type: multipart/report; " + IN_A_FIELD,
        queue_id="Q-evil",
        at=NOW,
    )
    client = Client(made.view.client.address, EVIL_TEXT, user=EVIL_TEXT)
    return replace(
        made,
        view=replace(made.view, client=client),
        reverse_path=EVIL_TEXT,
        reply=EVIL_TEXT,
        next_hop=EVIL_TEXT,
        subject=EVIL_TEXT,
        tool=EVIL_TEXT,
        message_id=EVIL_TEXT,
        broken_signatures=(EVIL_TEXT,),
        paths=tuple(PathEntry(EVIL_TEXT, state, EVIL_TEXT, EVIL_TEXT, EVIL_TEXT, NOW) for state in PathState),
    )


def is_harmless(answer: httpx.Response) -> Html:
    """The page holds nothing but our own tags, and nothing that one cannot see."""
    page = Html(answer.text)
    assert set(page.tags) <= _ALLOWED
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name != "style"
        assert (tag, name) != ("img", "src")
        if name in ("href", "src", "action"):
            assert re.match(r"[/?#]", value), value
            assert not value.startswith("//")
    scripts = [value for tag, name, value in page.attributes if (tag, name) == ("script", "src")]
    assert all(source.startswith("/static/page.js?v=") for source in scripts)
    assert page.tags.count("script") == len(scripts)
    assert "49" not in page.text.replace("2049", "").split(), "a template was made of text"
    unseen = [c for c in answer.text if not c.isprintable() and c not in "\n\t"]
    assert unseen == []
    return page


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/overview", None),
        ("/search", MARKUP),
        ("/search/results?reason=" + quote(MARKUP), MARKUP),
        ("/search?q=" + quote(MARKUP + BRACES), None),
        ("/search?channel=" + quote(EVIL_TEXT, errors="surrogateescape"), None),
        ("/decision/Q-evil", MARKUP),
        ("/decision/Q-same", MARKUP),
        ("/decision/Q-evil?lang=de&outcome=" + quote(MARKUP), MARKUP),
        (f"/why/Q-evil?s={signature('Q-evil', KEY)}", MARKUP),
        ("/decision/" + quote(EVIL_TEXT, safe="", errors="surrogateescape"), None),
        ("/queue", MARKUP),
        ("/queue/1", MARKUP),
        ("/queue?reason=" + quote(MARKUP) + "&hop=" + quote(MARKUP) + "&queue_id=" + quote(MARKUP), None),
        ("/queue?done=" + quote(MARKUP) + "&n=" + quote(MARKUP), MARKUP),
        ("/channels?q=" + quote(MARKUP), None),
        ("/sandbox", MARKUP),
        ("/message/1", None),
        ("/login?next=/" + quote(MARKUP), None),
        ("/" + quote(MARKUP), None),
        ("/overview?days=" + quote(MARKUP) + "&lang=" + quote(MARKUP), None),
    ],
)
async def test_no_page_lets_text_become_anything_else(
    journal: Journal, spool: Store, path: str, shown: str | None
) -> None:
    evil = evil_entry()
    await keep(journal, evil, replace(customer(queue_id="Q-same", at=NOW), message_id=evil.message_id))
    await journal.look("Q-evil", EVIL_TEXT, NOW)
    await spool.put([_item()], content())
    for each in await spool.claim(10, NOW):
        await spool.settle(each, Settlement(frozenset(), NOW, EVIL_TEXT))
    inbox = SandboxInbox()
    octets = (
        b"X-Ticket-Reason: "
        + IN_A_FIELD
        + b"\r\nReceived: x\r\nSubject: "
        + IN_A_FIELD
        + b"\r\nFrom: "
        + IN_A_FIELD
    )
    inbox.add(NOW, EVIL_TEXT, (EVIL_TEXT,), octets, len(octets))
    made = sources(journal=journal, spool=lambda: spool, inbox=inbox)
    async with browser(application(made)) as client:
        answer = await client.get(path, headers={"accept": "text/html"})
    assert answer.status_code in (200, 404)
    if path.startswith("/message"):
        assert answer.headers["content-type"].startswith("text/plain")
        assert all(c.isprintable() or c == "\n" for c in answer.text)
        return
    page = is_harmless(answer)
    if shown is not None:
        assert shown in page.words


def _item() -> NewItem:
    evil = path("a@x.example")
    return new(
        "Q-evil",
        destination=MARKUP,
        channel=MARKUP,
        reason=MARKUP,
        reverse_path=replace(reverse("b@x.example"), text=EVIL_TEXT.replace("\x00", "")),
        forward_paths=(replace(evil, text=EVIL_TEXT.replace("\x00", "")),),
    )


@given(st.text(), st.text(), st.text(), st.text(), st.text())
@hypothesis_settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
async def test_what_is_tried_comes_back_as_text(
    message: str, rcpt: str, sender: str, ip: str, user: str
) -> None:
    async with browser(application(sources(settings()))) as client:
        form = (await see(client, "/try")).form("/try")
        data = {
            "message": MARKUP + message,
            "rcpt_to": rcpt,
            "mail_from": sender,
            "client_ip": ip,
            "auth_user": user,
        }
        safe = {name: value.encode("utf-8", "replace").decode() for name, value in data.items()}
        answer = await client.post("/try", data={**form.fields, **safe}, headers={"accept": "text/html"})
    assert answer.status_code in (200, 400)
    assert MARKUP in is_harmless(answer).words


async def test_a_login_name_comes_back_as_text() -> None:
    async with browser(application(sources(settings()))) as client:
        form = (await see(client, "/login")).form("/login")
        data = {**form.fields, "name": MARKUP, "password": "x", "next": f"/{MARKUP}"}
        answer = await client.post("/login", data=data, headers={"accept": "text/html"})
    assert answer.status_code == 403
    is_harmless(answer)


async def test_hostile_words_in_a_list_lead_to_the_right_decision(journal: Journal) -> None:
    await keep(journal, replace(copy(at=NOW), ref="../../logout?x=<b>", queue_id="Q-1"))
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, "/search")
        assert page.links["Order 1"] == "/decision/..%2F..%2Flogout%3Fx%3D%3Cb%3E"

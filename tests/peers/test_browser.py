"""A real Chromium reads the pages of a real relay, finds a message, tries one, and steers the queue."""

import re
import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from relay.passwords import hash_password
from tests.live import TOP, Process, free_port

pytestmark = pytest.mark.peers

PASSWORD = "for this test alone"
CHANNELS = """\
version: 1
channels:
  support: {{address: support@company.com, inbound: [in-7f3@relay.company.net]}}
  orders: {{address: orders@company.com, inbound: [in-92c@relay.company.net], auto_close: observe}}
inside: [company.com]
listen: {{smtp: [{{address: "127.0.0.1:{smtp}"}}], web: "127.0.0.1:{web}"}}
users: {{ops: {{password: "{password}", may: [read, operate]}}}}
deliver: {{helpdesk: {helpdesk}}}
journal: {{keep_subject: true}}
log: {{format: json}}
"""
EVIL = '"><script>document.title = "taken over"</script><img src=x onerror="document.title=1">'
NARROW = {"width": 360, "height": 740}


def send(port: int, *fields: str, to: str = "in-7f3@relay.company.net") -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.sendmail("crm@shop.example", [to], "\r\n".join((*fields, "", "Hello")).encode())


class Relay:
    """A relay whose helpdesk is away, so that mail waits in the queue; or one with a sandbox."""

    def __init__(self, folder: Path, *, sandbox: bool = False) -> None:
        self.smtp, web = free_port(), free_port()
        helpdesk = "sandbox" if sandbox else f"smtp://127.0.0.1:{free_port()}"
        text = CHANNELS.format(smtp=self.smtp, web=web, helpdesk=helpdesk, password=hash_password(PASSWORD))
        self.process = Process(folder, text)
        self.start = f"http://127.0.0.1:{web}"


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    made = Relay(tmp_path_factory.mktemp("relay"))
    with made.process.running(made.smtp):
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


class Watch:
    """What a page must not do: complain, fail, or fetch anything from elsewhere."""

    def __init__(self, page: Page, start: str) -> None:
        self.trouble: list[str] = []
        page.on("console", lambda message: self.trouble.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        page.on("requestfailed", self._failed)
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith(f"{start}/")
                else self.trouble.append(f"fetched: {request.url}")
            ),
        )

    def _failed(self, request: object) -> None:
        if "ERR_ABORTED" not in str(
            getattr(request, "failure", "")
        ):  # a search that a later one took the place of
            self.trouble.append(f"failed: {request}")


def watched(chromium: Browser, relay: Relay, **options: object) -> Iterator[Page]:
    context: BrowserContext = chromium.new_context(base_url=relay.start, locale="en", **options)  # type: ignore[arg-type]
    page = context.new_page()
    watch = Watch(page, relay.start)
    yield page
    context.close()
    assert watch.trouble == []


@pytest.fixture
def page(chromium: Browser, relay: Relay) -> Iterator[Page]:
    yield from watched(chromium, relay)


@pytest.fixture
def without_script(chromium: Browser, relay: Relay) -> Iterator[Page]:
    yield from watched(chromium, relay, java_script_enabled=False)


def log_in(page: Page, target: str) -> None:
    page.goto(f"/login?next={target}")
    page.get_by_label("Name").fill("ops")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{target}")


def kept(relay: Relay, page: Page, name: str) -> None:
    """Wait until the journal has it, which is written a moment after the client was answered; then show it."""
    for _ in range(50):
        page.goto(f"{relay.start}/search?q={name}")
        if page.locator(".entries a").count():
            page.locator(".entries a").first.click()
            return
        page.wait_for_timeout(100)
    raise AssertionError(relay.process.said())


def test_a_message_is_found_by_its_message_id_and_says_why(relay: Relay, page: Page) -> None:
    send(
        relay.smtp,
        "From: support@company.com",
        "To: anna@mail.example",
        "Message-ID: <found-1@crm.example>",
        "Subject: Your parcel",
    )
    kept(relay, page, "found-1@crm.example")
    page.goto("/search")
    search = page.get_by_label("Address, Message-ID, queue id or subject")
    search.press_sequentially("found-1@crm.example")
    expect(page).to_have_url(re.compile(r"q=found-1%40crm\.example$"))
    expect(page.locator("#results")).to_have_attribute("aria-busy", "false")
    row = page.get_by_role("link", name="Your parcel")
    expect(row).to_have_count(1)
    row.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Why was this ticket closed?")
    expect(page.locator(".findings li.yes")).to_have_count(9)
    expect(page.get_by_text("From names support@company.com")).to_be_visible()
    page.get_by_role("link", name="Deutsch").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Warum wurde dieses Ticket geschlossen?")
    expect(page.get_by_text("Setzen Sie support@company.com in To, Cc oder Bcc")).to_be_visible()
    page.get_by_role("link", name="Suche").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Entscheidungen suchen")


def test_a_pasted_message_is_tried(page: Page) -> None:
    page.goto("/try")
    page.get_by_label("The message, with its header section").fill(
        (TOP / "samples" / "crm-copy.eml").read_text()
    )
    page.get_by_label("Arrived for").fill("in-7f3@relay.company.net")
    page.get_by_role("button", name="Judge it").click()
    expect(page.locator(".answer .badge")).to_have_text("auto-closed")
    page.get_by_label("Arrived for").fill("support@company.com")
    page.get_by_role("button", name="Judge it").click()
    expect(page.locator(".answer .badge")).to_have_text("open")
    expect(page.locator(".findings .decides")).to_contain_text("support@company.com is in envelope")


def test_of_a_large_file_only_the_beginning_is_sent(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "large.eml"
    file.write_bytes(b"From: support@company.com\nTo: anna@mail.example\n\n" + b"x" * (20 << 20))
    page.goto("/try")
    page.get_by_label("Or a file").set_input_files(file)
    page.get_by_role("button", name="Judge it").click()
    expect(page.locator(".answer .badge")).to_have_text("auto-closed")


def test_verbs_steer_the_queue(relay: Relay, page: Page) -> None:
    for number in (1, 2):
        fields = ("From: bob@mail.example", "To: support@company.com", f"Subject: {number}")
        send(relay.smtp, *fields, to="support+queue@company.com")
    page.goto("/queue")
    expect(page.get_by_text("Only a user with may: [operate]")).to_be_visible()
    log_in(page, "/queue")
    rows = page.locator(".entries > li", has_text="<support+queue@company.com>")
    expect(rows).to_have_count(2)
    rows.last.get_by_role("checkbox").check()
    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_role("status")).to_have_text("Held: 1.")
    expect(page.locator(".entries > li.held")).to_have_count(1)
    page.locator(".entries > li.held a").click()
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete for good?")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Deleted: 1.")
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")


def test_everything_works_without_a_script(relay: Relay, without_script: Page) -> None:
    page = without_script
    send(
        relay.smtp, "From: support@company.com", "To: anna@mail.example", "Message-ID: <plain-1@crm.example>"
    )
    kept(relay, page, "plain-1@crm.example")
    page.goto("/search")
    page.get_by_label("Address, Message-ID, queue id or subject").fill("plain-1@crm.example")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="plain-1@crm.example").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Why was this ticket closed?")
    page.goto("/overview")
    page.get_by_label("Period").select_option("30 days")
    page.get_by_role("button", name="Show").click()
    assert "days=30" in page.url
    log_in(page, "/queue")
    send(relay.smtp, "From: carl@mail.example", "To: support@company.com", to="support@company.com")
    page.reload()
    page.get_by_role("checkbox").last.check()
    page.get_by_role("button", name="Bounce…").click()
    page.get_by_role("link", name="No, back to the queue").click()
    page.get_by_role("checkbox").last.check()
    page.get_by_role("button", name="Retry now").click()
    expect(page.get_by_text("Due now:")).to_be_visible()


def test_markup_in_a_message_stays_text(relay: Relay, page: Page) -> None:
    send(
        relay.smtp,
        f"From: {EVIL} <support@company.com>",
        f"To: {EVIL}, anna@mail.example",
        "Message-ID: <evil-1@crm.example>",
        f"Subject: {EVIL}",
        f"X-Mailer: {EVIL}",
    )
    kept(relay, page, "evil-1@crm.example")
    assert EVIL in page.locator("main").inner_text()
    for path in ("/search?q=evil-1", "/overview", "/queue"):
        page.goto(path)
        assert "taken over" not in page.title()
        assert page.locator("img").count() == 0


PAGES = (
    "/overview",
    "/search",
    "/decision/wide-1@crm.example",
    "/try",
    "/queue",
    "/queue/1",
    "/channels",
    "/login",
    "/nowhere",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "de"])
def test_nothing_is_wider_than_a_small_telephone(
    relay: Relay, chromium: Browser, scheme: str, lang: str
) -> None:
    send(
        relay.smtp,
        "From: support@company.com",
        "To: " + "a" * 60 + "@" + "b" * 60 + ".example",
        "Message-ID: <wide-1@crm.example>",
        f"Subject: {'W' * 200}",
    )
    context = chromium.new_context(base_url=relay.start, viewport=NARROW, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    kept(relay, page, "wide-1@crm.example")
    log_in(page, "/overview")
    for path in PAGES:
        page.goto(f"{path}?lang={lang}")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= NARROW["width"], f"{path} is {wide} wide"
    context.close()


@pytest.mark.parametrize("width", [360, 1000])
def test_long_words_take_three_lines_of_a_row_and_are_whole_where_it_leads(
    relay: Relay, chromium: Browser, width: int
) -> None:
    subject, name = "Wide " * 180, "b" * 60
    to = ", ".join(f"{name}.{number}@{name}.{name}.{name}.example" for number in range(3))
    send(
        relay.smtp,
        "From: support@company.com",
        f"To: {to}",
        f"Message-ID: <long-{width}@crm.example>",
        f"Subject: {subject}",
    )
    context = chromium.new_context(base_url=relay.start, viewport={"width": width, "height": 740})
    page = context.new_page()
    kept(relay, page, f"long-{width}@crm.example")
    expect(page.locator(".facts dd", has_text=subject.strip())).to_be_visible()
    assert page.locator("main").inner_text().count(f"2@{name}.{name}.{name}.example") == 1
    page.goto(f"/search?q=long-{width}@crm.example")
    row = page.locator(".entries > li")
    expect(row.locator(".second")).to_contain_text(f"2@{name}")
    for part in (".first a", ".second"):
        lines = row.locator(part).evaluate(
            "node => node.clientHeight / parseFloat(getComputedStyle(node).lineHeight)"
        )
        assert lines <= 3, part
    assert row.evaluate("node => node.clientHeight") < 400
    row.locator(".first a").focus()
    assert row.locator(".first a").evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
    context.close()


def contrast(page: Page, selector: str) -> float:
    """How far text stands out from its ground (WCAG 2.1, 1.4.3)."""
    return float(
        page.evaluate(
            """selector => {
                const part = c => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
                const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
                const colour = text => text.match(/[\\d.]+/g).map(Number);
                let node = document.querySelector(selector);
                const ink = light(colour(getComputedStyle(node).color));
                while (node && (colour(getComputedStyle(node).backgroundColor)[3] ?? 1) === 0) node = node.parentElement;
                const ground = light(colour(getComputedStyle(node).backgroundColor));
                return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
            }""",
            selector,
        )
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(relay: Relay, chromium: Browser, scheme: str) -> None:
    send(relay.smtp, "From: support@company.com", "To: anna@mail.example", "Message-ID: <seen-1@crm.example>")
    send(relay.smtp, "From: bob@mail.example", "To: support@company.com", to="support@company.com")
    context = chromium.new_context(base_url=relay.start, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    kept(relay, page, "seen-1@crm.example")
    faint = {
        selector: contrast(page, selector)
        for selector in (
            "h1",
            "a",
            "code",
            ".badge",
            ".findings .mark",
            ".facts dt",
            ".hint",
            ".where",
            "nav a",
            ".answer .badge",
        )
    }
    page.goto("/search")
    faint |= {
        f"search {selector}": contrast(page, selector)
        for selector in (".badge.open", ".badge.auto-closed", ".first time", "button", "label")
    }
    assert {selector: ratio for selector, ratio in faint.items() if ratio < 4.5} == {}
    context.close()


def test_a_keyboard_is_enough(page: Page) -> None:
    page.goto("/search")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    field = page.get_by_label("Address, Message-ID, queue id or subject")
    expect(field).to_be_focused()
    outline = field.evaluate("node => getComputedStyle(node).outlineStyle")
    assert outline == "solid"
    for path in ("/search", "/try", "/queue", "/login", "/channels"):
        page.goto(path)
        unnamed = page.evaluate(
            """[...document.querySelectorAll("input:not([type=hidden]), select, textarea, button, a")]
               .filter(node => !(node.labels?.length || node.textContent.trim() || node.ariaLabel)).map(node => node.outerHTML)"""
        )
        assert unnamed == [], path
        assert page.locator("h1").count() == 1
        assert page.locator("html").get_attribute("lang") == "en"


def test_what_is_found_is_told_to_a_screen_reader(page: Page) -> None:
    page.goto("/search")
    assert page.locator("#results").get_attribute("aria-live") == "polite"
    page.goto("/overview")
    charts = page.locator("svg[role=img]")
    assert charts.count() >= 1
    assert (
        charts.first.locator("title").first.inner_text
        if False
        else charts.first.evaluate("node => node.querySelector('title').textContent")
    )
    page.get_by_text("The same as a table").click()
    expect(page.get_by_role("table").first).to_be_visible()


def test_the_sandbox_stands_first_and_is_cleared_by_a_button(tmp_path: Path, chromium: Browser) -> None:
    relay = Relay(tmp_path, sandbox=True)
    with relay.process.running(relay.smtp):
        for page in watched(chromium, relay):
            send(relay.smtp, "From: support@company.com", "To: anna@mail.example", "Subject: Your parcel")
            page.goto("/")
            expect(page.get_by_role("heading", level=1)).to_have_text("Sandbox")
            expect(page.locator(".entries .badge")).to_have_text("auto-closed")
            page.get_by_role("link", name="Your parcel").click()
            assert re.match(r"Message 1, ", page.locator("body").inner_text())
            kept(relay, page, "Your+parcel")
            page.goto("/")
            page.get_by_role("link", name="Why?").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Why was this ticket closed?")
            page.goto("/")
            page.get_by_role("button", name="Clear the list").click()
            expect(page.get_by_text("The list is empty now.")).to_be_visible()

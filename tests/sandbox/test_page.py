import datetime as dt
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from relay.sandbox.inbox import Message, SandboxInbox
from relay.sandbox.page import STYLE, message_text, message_values, overview

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
HEAD = b"X-Ticket-Reason: foreign-author; id=A-1\r\nReceived: by relay.example\r\n"


def kept(octets: bytes, reverse_path: str = "crm@shop.example", *paths: str, size: int = 0) -> Message:
    return SandboxInbox().add(NOON, reverse_path, paths or ("in@desk.example",), octets, size or len(octets))


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    tags.close()
    return tags


ALLOWED_TAGS = parsed(
    overview((kept(HEAD + b"From: a@b\r\nTo: c@d\r\nSubject: x\r\n\r\n"),), "localhost")
).tags | {"br"}


def test_an_empty_inbox_says_what_will_stand_there() -> None:
    page = overview((), "localhost:8025")
    assert "Nothing has arrived yet" in page
    assert "0 messages" in page


def test_the_list_names_verdict_reason_addresses_subject_time_and_stamp() -> None:
    text = parsed(
        overview((kept(HEAD + b"From: a@b.example\r\nTo: c@d.example\r\nSubject: hello\r\n\r\n"),), "h:1")
    ).text
    for words in (
        *(
            "1 message.",
            "open — foreign-author",
            "a@b.example",
            "c@d.example",
            "hello",
            "2026-03-01 12:00:00+00:00",
        ),
        *(
            "<crm@shop.example> → in@desk.example",
            "X-Ticket-Reason: foreign-author; id=A-1",
            "http://h:1/api/v1/sandbox",
        ),
    ):
        assert words in text


def test_the_page_has_no_script_no_style_of_its_own_and_fits_a_narrow_screen() -> None:
    page = parsed(overview((kept(HEAD + b"\r\n"),), "localhost"))
    assert not page.tags & {"script", "style", "form", "iframe", "img", "object"}
    assert not {name for name in page.attributes if name.startswith("on")} | page.attributes & {"style"}
    assert "viewport" in overview((), "localhost")
    assert "overflow-wrap: anywhere" in STYLE


@given(st.text(), st.binary(max_size=200), st.text(), st.text())
def test_text_from_the_network_never_becomes_a_tag(subject: str, junk: bytes, path: str, host: str) -> None:
    evil = (
        b"Subject: <script>alert(1)</script>"
        + subject.encode("utf-8", "surrogatepass")
        + b'\r\nFrom: "><img src=x onerror=y>'
    )
    page = overview(
        (kept(b"X-Ticket-Reason: <b>; channel=<i>\r\nReceived: x\r\n" + evil + junk, path, path),), host
    )
    found = parsed(page)
    assert found.tags <= ALLOWED_TAGS
    assert not {name for name in found.attributes if name.startswith("on")}
    assert "<script>alert(1)</script>" in found.text


def test_one_message_as_text_shows_what_does_not_print() -> None:
    text = message_text(
        kept(b"Subject: a\x1b[2J\r\n\r\n\tb\x00\xff\xe2\x80\xae\r\nc\rd", "", "x@y.example", size=100)
    )
    assert text.splitlines() == [
        "message 1, 2026-03-01T12:00:00+00:00, 100 octets",
        "MAIL FROM:<>",
        "RCPT TO:<x@y.example>",
        "",
        "Subject: a\\x1b[2J",
        "",
        "    b\\x00\\udcff\\u202e",
        "c\\rd",
        "[70 octets more are not kept]",
    ]


def test_the_api_names_what_the_list_shows() -> None:
    assert message_values(kept(HEAD + b"From: a@b.example\r\nTo: c@d.example\r\nSubject: hello\r\n\r\n")) == {
        "id": 1,
        "received_at": "2026-03-01T12:00:00+00:00",
        "reverse_path": "crm@shop.example",
        "forward_paths": ["in@desk.example"],
        "verdict": "open",
        "reason": "foreign-author",
        "channel": None,
        "subject": "hello",
        "from": "a@b.example",
        "to": "c@d.example",
        "size": 123,
        "stamp": ["X-Ticket-Reason: foreign-author; id=A-1"],
    }

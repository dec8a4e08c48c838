import email
import re
from datetime import UTC, datetime, timedelta
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.address import Mailbox
from relay.mail.envelope import ForwardPath, ReversePath
from relay.mail.fields import HeaderEdit
from relay.mail.outcome import Deferred, Delivered, Failed, Outcome, Unknown, out_of_time, outcome_of
from relay.mail.reply import Reply
from relay.mail.report import MOST_HEADER, MOST_RETURNED, Kind, Letter, Occasion, Told, due, make_report
from tests.samples import box

AT = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
TOOL = ReversePath("tool@shop.example", box("tool@shop.example"))
NULL = ReversePath("")
ORIGINAL = b"Message-ID: <1@shop.example>\r\nSubject: Your order\r\nX-Ticket-Why: https://relay/secret\r\n\r\nHello\r\n"
GONE = Failed(Reply(550, "5.1.1", "no such user"), "desk.internal")
LATER = Deferred(Reply(451, "4.3.0", "try later"), "desk.internal")
TAKEN = Delivered(Reply(250, "2.0.0", "taken"), "mx.example")
SILENT = Unknown("no answer within 480 seconds", "desk.internal")


def path(text: str = "ann@desk.example", notify: str | None = None, orcpt: str | None = None) -> ForwardPath:
    return ForwardPath(text, box(text), notify, orcpt)


def occasion(reverse_path: ReversePath = TOOL, *, retry: bool = False, **keys: str) -> Occasion:
    return Occasion(
        hostname=keys.get("hostname", "relay.example"),
        queue_id=keys.get("queue_id", "q1"),
        reverse_path=reverse_path,
        arrived_at=AT,
        attempted_at=AT + timedelta(hours=1),
        made_at=AT + timedelta(hours=2),
        message_id=keys.get("message_id", "m1@relay.example"),
        boundary=keys.get("boundary", "b0undary"),
        retry_until=AT + timedelta(days=5) if retry else None,
    )


FAILED = Told(Kind.FAILED, path(), GONE)


def made(
    *told: Told, about: Occasion | None = None, original: bytes = ORIGINAL, without: HeaderEdit | None = None
) -> Letter:
    letter = make_report(about or occasion(), told or (FAILED,), [original], without)
    assert letter is not None
    return letter


def parsed(letter: Letter) -> tuple[Message, list[Message]]:
    message = email.message_from_bytes(letter.content)
    assert message.defects == []
    parts = message.get_payload()
    assert isinstance(parts, list)
    return message, parts


def text_of(letter: Letter) -> str:
    payload = parsed(letter)[1][0].get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def status_of(letter: Letter) -> list[Message]:
    """Return the groups of fields: about the message, then one for each forward-path."""
    part = parsed(letter)[1][1]
    assert part.get_content_type() == "message/delivery-status"
    groups = part.get_payload()
    assert isinstance(groups, list)
    return groups


def field(group: Message, name: str) -> str | None:
    value = group[name]
    return None if value is None else re.sub(r"\r?\n[ \t]", " ", value)


def test_a_report_is_a_multipart_report_from_the_null_reverse_path() -> None:
    letter = made()
    assert letter.reverse_path == NULL
    assert letter.forward_path == ForwardPath("tool@shop.example", TOOL.mailbox or box("x@x"), notify="NEVER")
    message, parts = parsed(letter)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert dict(message.items()) == {
        "Date": "Mon, 5 Jan 2026 12:00:00 +0000",
        "From": "Mail Delivery System <MAILER-DAEMON@relay.example>",
        "To": "<tool@shop.example>",
        "Subject": "Your mail could not be delivered",
        "Message-ID": "<m1@relay.example>",
        "In-Reply-To": "<1@shop.example>",
        "References": "<1@shop.example>",
        "Auto-Submitted": "auto-replied",
        "MIME-Version": "1.0",
        "Content-Type": message["Content-Type"],
    }
    assert [part.get_content_type() for part in parts] == [
        "text/plain",
        "message/delivery-status",
        "message/rfc822",
    ]


def test_the_text_names_the_address_the_hop_and_its_own_words() -> None:
    text = text_of(made())
    assert "This is the mail server relay.example." in text
    assert "could not be delivered" in text
    assert "<ann@desk.example>:\r\ndesk.internal said: 550 5.1.1 no such user" in text


def test_the_status_is_told_field_by_field() -> None:
    reverse_path = ReversePath("tool@shop.example", TOOL.mailbox, envid="order+2B1")
    told = Told(Kind.FAILED, path(orcpt="rfc822;a+2Bn@Desk.example"), GONE)
    about, one = status_of(made(told, about=occasion(reverse_path)))
    assert dict(about.items()) == {
        "Reporting-MTA": "dns; relay.example",
        "Original-Envelope-Id": "order+1",
        "Arrival-Date": "Mon, 5 Jan 2026 10:00:00 +0000",
        "X-Helpdesk-Relay-Queue-Id": "q1",
    }
    assert dict(one.items()) == {
        "Original-Recipient": "rfc822; a+n@Desk.example",
        "Final-Recipient": "rfc822; ann@desk.example",
        "Action": "failed",
        "Status": "5.1.1",
        "Remote-MTA": "dns; desk.internal",
        "Diagnostic-Code": "smtp; 550 5.1.1 no such user",
        "Last-Attempt-Date": "Mon, 5 Jan 2026 11:00:00 +0000",
    }


@pytest.mark.parametrize(
    ("kind", "outcome", "status", "diagnostic", "remote"),
    [
        (Kind.FAILED, GONE, "5.1.1", "smtp; 550 5.1.1 no such user", "dns; desk.internal"),
        (Kind.FAILED, Failed(Reply(556, "5.1.10", "null MX")), "5.1.10", "x-helpdesk-relay; 556 5.1.10 null MX", None),
        (Kind.FAILED, Failed(Reply(550, "", "no"), "192.0.2.1"), "5.0.0", "smtp; 550 no", "dns; [192.0.2.1]"),
        (Kind.FAILED, Failed(Reply(550, "2.1.1", "no"), "2001:db8::1"), "5.0.0", "smtp; 550 2.1.1 no", "dns; [2001:db8::1]"),
        (Kind.FAILED, LATER, "4.3.0", "smtp; 451 4.3.0 try later", "dns; desk.internal"),
        (Kind.FAILED, out_of_time(LATER), "5.4.7", "x-helpdesk-relay; 554 5.4.7 It could not be delivered in time; the last try ended with: 451 4.3.0 try later", None),
        (Kind.FAILED, out_of_time(SILENT), "5.4.7", "x-helpdesk-relay; 554 5.4.7 It could not be delivered in time; the last try ended with: no answer within 480 seconds", None),
        (Kind.DELAYED, LATER, "4.3.0", "smtp; 451 4.3.0 try later", "dns; desk.internal"),
        (Kind.DELAYED, SILENT, "4.0.0", "x-helpdesk-relay; no answer within 480 seconds", "dns; desk.internal"),
        (Kind.RELAYED, TAKEN, "2.0.0", "smtp; 250 2.0.0 taken", "dns; mx.example"),
        (Kind.DELIVERED, Delivered(Reply(250, "2.1.5", "in"), "/run/lmtp"), "2.1.5", "smtp; 250 2.1.5 in", None),
    ],
)  # fmt: skip
def test_each_kind_has_its_action_status_and_source(
    kind: Kind, outcome: Outcome, status: str, diagnostic: str, remote: str | None
) -> None:
    _, one = status_of(made(Told(kind, path(), outcome)))
    assert (one["Action"], one["Status"]) == (kind.value, status)
    assert (field(one, "Diagnostic-Code"), one["Remote-MTA"]) == (diagnostic, remote)


@pytest.mark.parametrize("retry", [True, False])
def test_a_delay_says_until_when_it_will_be_tried(retry: bool) -> None:
    letter = made(Told(Kind.DELAYED, path(), LATER), FAILED, about=occasion(retry=retry))
    _, delayed, failed = status_of(letter)
    until = "Sat, 10 Jan 2026 10:00:00 +0000"
    assert delayed["Will-Retry-Until"] == (until if retry else None)
    assert failed["Will-Retry-Until"] is None
    assert (f"tried until {until}." in re.sub(r"\s+", " ", text_of(letter))) is retry


@pytest.mark.parametrize(
    ("kinds", "subject"),
    [
        ([Kind.DELIVERED, Kind.FAILED], "Your mail could not be delivered"),
        ([Kind.RELAYED, Kind.DELAYED], "Your mail is delayed"),
        ([Kind.DELIVERED, Kind.RELAYED], "Your mail was passed on"),
        ([Kind.DELIVERED], "Your mail was delivered"),
    ],
)
def test_the_subject_is_that_of_the_worst(kinds: list[Kind], subject: str) -> None:
    letter = made(*(Told(kind, path(f"a{n}@desk.example"), TAKEN) for n, kind in enumerate(kinds)))
    assert parsed(letter)[0]["Subject"] == subject
    assert all(f"<a{n}@desk.example>" in text_of(letter) for n in range(len(kinds)))


def test_an_address_that_the_author_does_not_know_is_not_told() -> None:
    hidden = path("in-7f3@desk.internal")
    outcome = Failed(
        Reply(550, "5.1.1", "<In-7F3@desk.internal>: user in-7f3 unknown\nin-7f3@desk.internal"),
        "mx.internal",
    )
    letter = made(Told(Kind.FAILED, hidden, outcome, original=path("support@company.com")))
    assert b"7f3" not in letter.content.lower()
    _, one = status_of(letter)
    assert one["Final-Recipient"] == "rfc822; support@company.com"
    assert (
        field(one, "Diagnostic-Code")
        == "smtp; 550 5.1.1 <support@company.com>: user support unknown / support@company.com"
    )


def test_a_short_local_part_is_too_common_a_word_to_be_taken_out() -> None:
    outcome = Failed(Reply(550, "5.1.1", "in is not a user in desk"), "mx.internal")
    told = Told(Kind.FAILED, path("in@desk.internal"), outcome, original=path("support@company.com"))
    assert told.words == "550 5.1.1 in is not a user in desk"


def utf8(text: str) -> ForwardPath:
    local, _, domain = text.rpartition("@")
    return ForwardPath(text, Mailbox(local, domain))


@pytest.mark.parametrize(
    ("shown", "final"),
    [
        (path("ann@bücher.example"), "rfc822; ann@xn--bcher-kva.example"),
        (path("jürgen@desk.example"), r"utf-8; j\x{FC}rgen@desk.example"),
        (utf8("ö+ =\\@☃.example"), r"utf-8; \x{F6}\x{2B}\x{20}\x{3D}\x{5C}@\x{2603}.example"),
        (path('"a b"@desk.example'), 'rfc822; "a b"@desk.example'),
        (ForwardPath("postmaster", Mailbox("postmaster", "")), "rfc822; postmaster"),
    ],
)
def test_a_final_recipient_outside_ascii_is_escaped(shown: ForwardPath, final: str) -> None:
    _, one = status_of(made(Told(Kind.FAILED, shown, GONE)))
    assert one["Final-Recipient"] == final


@pytest.mark.parametrize(
    ("orcpt", "original"),
    [
        (None, None),
        ("rfc822;ann@x.example", "rfc822; ann@x.example"),
        ("RFC822;a+2Bb@x.example", "RFC822; a+b@x.example"),
        ("rfc822;a+0D+0ABcc:+20eve@x.example", "rfc822; a??Bcc: eve@x.example"),
        ("rfc822;j+FCrgen@x.example", r"utf-8; j\x{FC}rgen@x.example"),
        (r"utf-8;j\x{FC}rgen@x.example", r"utf-8; j\x{FC}rgen@x.example"),
        ("utf-8;jürgen@x.example", r"utf-8; j\x{FC}rgen@x.example"),
        ("x400;/C=de/+ZZ", "x400; /C=de/+ZZ"),
        ("rfc822", None),
        ("rfc822;", None),
        (";ann@x.example", None),
        ("rf\r\nc;ann@x.example", None),
    ],
)
def test_the_original_recipient_is_what_orcpt_says_and_cannot_say_more(
    orcpt: str | None, original: str | None
) -> None:
    _, one = status_of(made(Told(Kind.FAILED, path(orcpt=orcpt), GONE)))
    assert one["Original-Recipient"] == original


@pytest.mark.parametrize(
    ("envid", "told"),
    [("a+2Bb", "a+b"), ("a+0D+0ABcc:+20x", "a??Bcc: x"), ("+FF+7F", "??"), ("x" * 200, "x" * 200)],
)
def test_an_envelope_id_is_decoded_and_cannot_begin_a_field(envid: str, told: str) -> None:
    about, _ = status_of(made(about=occasion(ReversePath("tool@shop.example", TOOL.mailbox, envid=envid))))
    assert about["Original-Envelope-Id"] == told
    assert about["Bcc"] is None


def test_the_words_of_a_hop_can_begin_neither_a_field_nor_a_part() -> None:
    words = (
        "no\r\n\r\n--b0undary=0\nContent-Type: text/html\rBcc: eve@x.example\x00\x1b[2J\u2028\u202e"
        + "x" * 3000
    )
    letter = made(Told(Kind.FAILED, path(), Failed(Reply(550, "5.1.1", words), "desk.internal")))
    _, parts = parsed(letter)
    assert len(parts) == 3
    assert [name for name in status_of(letter)[1].keys() if name in ("Bcc", "Content-Type")] == []  # noqa: SIM118
    assert not re.search(rb"[^\t\r\n -~]", letter.content)
    assert max(map(len, letter.content.split(b"\r\n"))) <= 998


def test_a_boundary_that_stands_in_the_original_is_not_used() -> None:
    original = b"Subject: x\r\n\r\n--b0undary=0\r\n--b0undary=1--\r\n"
    letter = made(original=original)
    message, parts = parsed(letter)
    assert message.get_boundary() == "b0undary=2"
    assert len(parts) == 3


@pytest.mark.parametrize(
    ("ret", "kind", "comes_back"),
    [
        (None, Kind.FAILED, "message/rfc822"),
        ("FULL", Kind.FAILED, "message/rfc822"),
        ("HDRS", Kind.FAILED, "text/rfc822-headers"),
        (None, Kind.DELAYED, "text/rfc822-headers"),
        ("FULL", Kind.DELAYED, "text/rfc822-headers"),
        ("FULL", Kind.RELAYED, "text/rfc822-headers"),
    ],
)
def test_the_original_comes_back_as_ret_says_and_whole_only_after_a_failure(
    ret: str | None, kind: Kind, comes_back: str
) -> None:
    reverse_path = ReversePath("tool@shop.example", TOOL.mailbox, ret=ret)
    letter = made(Told(kind, path(), GONE), about=occasion(reverse_path))
    part = parsed(letter)[1][2]
    assert part.get_content_type() == comes_back
    assert (b"Hello" in letter.content) is (comes_back == "message/rfc822")
    assert b"Subject: Your order\r\n" in letter.content


def test_what_is_not_for_the_authors_eyes_stays_here() -> None:
    edit = HeaderEdit(re.compile(rb"x-ticket-.*"), ())
    content = made(without=edit).content
    assert b"secret" not in content
    assert b"Subject: Your order\r\n" in content
    assert b"Hello" in content


@pytest.mark.parametrize(
    "original",
    [
        ORIGINAL + b"x" * 999 + b"\r\n",
        ORIGINAL + b"a\x00b\r\n",
        ORIGINAL + b"bare\nline\r\n",
        ORIGINAL + b"bare\rreturn\r\n",
        ORIGINAL + b"x\r\n" * MOST_RETURNED,
    ],
)
def test_of_an_original_that_is_large_or_not_clean_only_the_header_section_comes_back(
    original: bytes,
) -> None:
    part = parsed(made(original=original))[1][2]
    assert part.get_content_type() == "text/rfc822-headers"
    assert "Hello" not in str(part)
    assert "Your order" in str(part)


def test_a_large_original_is_not_read_to_its_end() -> None:
    read = 0

    def chunks() -> object:
        nonlocal read
        yield ORIGINAL
        while True:
            read += 1
            yield b"x" * 16_384

    assert make_report(occasion(), [FAILED], chunks()) is not None  # type: ignore[arg-type]
    assert read <= 5


def test_of_a_large_header_section_the_beginning_comes_back() -> None:
    rows = b"".join(b"X-%d: %s\r\n" % (n, b"x" * 500) for n in range(60))
    content = made(original=rows + b"Last: 1\r\n\r\nHello\r\n" + b"x\r\n" * MOST_RETURNED).content
    assert b"X-0: x" in content
    assert b"X-59" not in content
    assert len(content) < MOST_HEADER + 4000


def test_a_header_section_of_8_bits_comes_back_encoded_and_can_be_read() -> None:
    original = b"Subject: \xc3\xa9 = 1 \r\nX: " + b"y" * 2000 + b"\r\n\r\n"
    letter = made(Told(Kind.DELAYED, path(), LATER), original=original)
    part = parsed(letter)[1][2]
    assert part.get_payload(decode=True) == original.removesuffix(b"\r\n")
    assert letter.content.isascii()
    assert letter.reverse_path.body is None


@pytest.mark.parametrize(
    ("original", "kind"),
    [
        (b"Subject: x\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n", "message/rfc822"),
        ("Subject: Grüße\r\n\r\nHello\r\n".encode(), "message/global"),
    ],
)
def test_a_whole_original_of_8_bits_makes_a_report_of_8_bits(original: bytes, kind: str) -> None:
    letter = made(original=original)
    message, parts = parsed(letter)
    assert letter.reverse_path.body == "8BITMIME"
    assert message["Content-Transfer-Encoding"] == parts[2]["Content-Transfer-Encoding"] == "8bit"
    assert parts[2].get_content_type() == kind
    assert original in letter.content


def test_an_author_outside_ascii_is_written_to_in_utf8() -> None:
    reverse_path = ReversePath("jürgen@shop.example", box("jürgen@shop.example"), smtputf8=True)
    letter = made(about=occasion(reverse_path))
    assert "To: <jürgen@shop.example>\r\n".encode() in letter.content
    assert letter.reverse_path.smtputf8
    assert letter.forward_path.text == "jürgen@shop.example"
    plain = made(about=occasion(ReversePath("ann@bücher.example", box("ann@bücher.example"), smtputf8=True)))
    assert b"To: <ann@xn--bcher-kva.example>\r\n" in plain.content
    assert not plain.reverse_path.smtputf8


def test_an_address_outside_ascii_is_shown_as_it_is() -> None:
    assert "<jürgen@desk.example>:" in text_of(made(Told(Kind.FAILED, path("jürgen@desk.example"), GONE)))


@pytest.mark.parametrize(
    "message_id", [b"no brackets", b"<a b>", b"<>", b"<" + b"x" * 300 + b">", b"<\xc3\xa9>", b"<a\x00b>"]
)
def test_a_message_id_that_is_none_is_not_referred_to(message_id: bytes) -> None:
    message, _ = parsed(made(original=b"Message-ID: " + message_id + b"\r\n\r\n"))
    assert message["References"] is None


@pytest.mark.parametrize(
    ("notify", "outcome", "late", "expected"),
    [
        (None, GONE, False, Kind.FAILED),
        ("FAILURE", GONE, False, Kind.FAILED),
        ("SUCCESS,FAILURE", GONE, True, Kind.FAILED),
        ("failure", GONE, False, Kind.FAILED),
        ("NEVER", GONE, False, None),
        ("SUCCESS", GONE, False, None),
        ("DELAY", GONE, False, None),
        (None, LATER, False, None),
        (None, LATER, True, None),
        ("FAILURE", LATER, True, None),
        ("DELAY", LATER, False, None),
        ("DELAY", LATER, True, Kind.DELAYED),
        ("FAILURE,DELAY", SILENT, True, Kind.DELAYED),
        ("NEVER", LATER, True, None),
        (None, TAKEN, False, None),
        ("FAILURE,DELAY", TAKEN, True, None),
        ("SUCCESS", TAKEN, False, Kind.RELAYED),
        ("SUCCESS", Delivered(TAKEN.reply, "x", reports=True), False, None),
        ("SUCCESS", Delivered(TAKEN.reply, "x", final=True), False, Kind.DELIVERED),
        ("SUCCESS", Delivered(TAKEN.reply, "x", reports=True, final=True), False, None),
        ("NEVER", TAKEN, False, None),
    ],
)
def test_what_is_due_is_what_notify_asks_for(
    notify: str | None, outcome: Outcome, late: bool, expected: Kind | None
) -> None:
    asked = due(TOOL, [path(), path(notify=notify)], [TAKEN, outcome], late=late)
    assert asked == (((1, expected),) if expected else ())
    assert due(NULL, [path(notify=notify)], [outcome], late=late) == ()


@pytest.mark.parametrize(("code", "kind"), [(250, Delivered), (450, Deferred), (550, Failed)])
def test_a_reply_becomes_an_outcome(code: int, kind: type[Outcome]) -> None:
    assert outcome_of(Reply(code, "", "x"), "hop") == kind(Reply(code, "", "x"), "hop")  # type: ignore[arg-type]


ANY_TEXT = st.one_of(
    st.text(max_size=300),
    st.text('\r\n\t \0\x1b\x7f\x85\u2028:;<>@=-.a"\\{}é\udcff', max_size=40),
    *[
        st.builds(str.__mul__, st.text(alphabet, min_size=20, max_size=50), st.integers(50, 60))
        for alphabet in ("ab @", "ab@")
    ],
)
ANY_PATH = st.builds(
    lambda text, notify, orcpt: ForwardPath(text, Mailbox(text, "x.example"), notify, orcpt),
    ANY_TEXT,
    st.one_of(st.none(), st.sampled_from(["NEVER", "SUCCESS", "FAILURE", "DELAY", "SUCCESS,FAILURE,DELAY"])),
    st.one_of(st.none(), ANY_TEXT, ANY_TEXT.map("rfc822;".__add__), ANY_TEXT.map("utf-8;".__add__)),
)
ANY_REPLY = st.builds(Reply, st.integers(200, 599), ANY_TEXT, ANY_TEXT)
ANY_OUTCOME = st.one_of(
    st.builds(Delivered, ANY_REPLY, ANY_TEXT, st.booleans(), st.booleans()),
    st.builds(Deferred, ANY_REPLY, ANY_TEXT),
    st.builds(Failed, ANY_REPLY, ANY_TEXT),
    st.builds(Unknown, ANY_TEXT, ANY_TEXT),
)
ANY_TOLD = st.builds(Told, st.sampled_from(Kind), ANY_PATH, ANY_OUTCOME, st.one_of(st.none(), ANY_PATH))
ANY_ORIGINAL = st.lists(
    st.one_of(
        st.binary(max_size=200),
        st.sampled_from([b"Subject: x\r\n", b"\r\n", b"\n", b"\r", b"x" * 1200, b"--b=0\r\n", b"Message-ID: <a@b>\r\n", b"\xff: \0\r\n"]),
    ),
    max_size=8,
)  # fmt: skip


@st.composite
def occasions(draw: st.DrawFn) -> Occasion:
    text = draw(ANY_TEXT.filter(bool))
    reverse_path = ReversePath(
        text,
        Mailbox(text, "x.example"),
        ret=draw(st.sampled_from([None, "FULL", "HDRS"])),
        envid=draw(st.one_of(st.none(), ANY_TEXT)),
    )
    keys = {name: draw(ANY_TEXT) for name in ("hostname", "queue_id", "message_id", "boundary")}
    return occasion(reverse_path, retry=draw(st.booleans()), **keys)


@given(occasions(), st.lists(ANY_TOLD, min_size=1, max_size=3), ANY_ORIGINAL)
def test_no_input_makes_a_raw_control_character_or_a_long_line(
    about: Occasion, told: list[Told], original: list[bytes]
) -> None:
    letter = make_report(about, told, original, HeaderEdit(re.compile(rb"x-.*"), ()))
    assert letter is not None
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n", letter.content)
    assert max(map(len, letter.content.split(b"\r\n"))) <= 998
    message = email.message_from_bytes(letter.content)
    assert message.get_content_type() == "multipart/report"
    assert len(message.get_payload()) == 3
    assert message["To"] is not None
    assert letter.reverse_path.text == ""


@given(occasions(), st.lists(ANY_TOLD, max_size=3), ANY_ORIGINAL)
def test_a_report_is_never_made_about_the_null_reverse_path(
    about: Occasion, told: list[Told], original: list[bytes]
) -> None:
    from dataclasses import replace

    null = replace(about, reverse_path=replace(about.reverse_path, text="", mailbox=None))
    assert make_report(null, told, original) is None
    assert due(null.reverse_path, [one.path for one in told], [one.outcome for one in told], late=True) == ()


def test_nothing_to_tell_makes_no_report() -> None:
    assert make_report(occasion(), [], [ORIGINAL]) is None


@given(ANY_PATH, ANY_OUTCOME, st.booleans())
def test_never_means_never(asked: ForwardPath, outcome: Outcome, late: bool) -> None:
    from dataclasses import replace

    assert due(TOOL, [replace(asked, notify="NEVER")], [outcome], late=late) == ()

"""An entry is kept as text and comes back as it was, whatever a client said."""

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from relay.channels import Channel, ChannelBook
from relay.journal.entry import Entry, PathEntry, PathState, Reopening
from relay.journal.record import entry_of_text, text_of_entry
from relay.judge import Finding, Verdict, judge
from relay.mail.envelope import Client
from relay.mail.label import NO_LABEL
from relay.mail.view import MessageView, within
from tests.journal.entries import NOON, copy, entry
from tests.strategies import books, views

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)
PATHS = st.lists(
    st.builds(PathEntry, ANY_TEXT, st.sampled_from(PathState), ANY_TEXT, ANY_TEXT, st.none() | ANY_TEXT),
    max_size=3,
)


def read_back(kept: Entry) -> Entry:
    return entry_of_text(
        text_of_entry(kept),
        number=kept.number,
        at=kept.at,
        ref=kept.ref,
        queue_id=kept.queue_id,
        message_id=kept.message_id,
        reopened=kept.reopened,
    )


def as_kept(view: MessageView, verdict: Verdict) -> tuple[MessageView, Verdict]:
    """Take away what nobody asks of old decisions: labels, settings of the channel, reasons of single findings."""
    channel = verdict.channel
    findings = tuple(
        Finding(found.question, found.holds, found.because, tuple(map(str, found.evidence)))
        for found in verdict.findings
    )
    if channel is not None:
        channel = Channel(channel.name, channel.address, channel.also)
    return replace(view, label=NO_LABEL), replace(verdict, findings=findings, channel=channel)


@given(views(), books(), ANY_TEXT, PATHS)
def test_what_was_seen_and_found_comes_back(
    view: MessageView, book: ChannelBook, text: str, paths: list[PathEntry]
) -> None:
    view = within(view, book.header_size)  # as the relay makes views
    view, verdict = as_kept(view, judge(view, book))
    kept = replace(
        copy(), view=view, verdict=verdict, reverse_path=text, reply=text, next_hop=text, subject=text or None, tool=text,
        paths=tuple(paths), broken_signatures=("X-Ticket-Status",), number=7,
        reopened=Reopening(NOON, "ops"),
    )  # fmt: skip
    assert read_back(kept) == kept


@given(views(), books())
def test_what_comes_back_can_be_judged_again(view: MessageView, book: ChannelBook) -> None:
    first = judge(view, book)
    again = judge(read_back(replace(copy(), view=view, verdict=first)).view, book)
    assert (again.disposition, again.reason, again.doubts) == (first.disposition, first.reason, first.doubts)
    assert [found.mailbox for found in again.recipients] == [found.mailbox for found in first.recipients]


def test_a_record_is_one_line_of_ascii_in_which_ordinary_mail_is_small() -> None:
    text = text_of_entry(copy())
    assert text.isascii()
    assert "\n" not in text
    assert len(text) < 900


def test_the_client_comes_back_with_all_that_is_known_of_it() -> None:
    client = Client(ip_address("2001:db8::5"), "h\udce4lo", esmtp=False, tls=True, user="anna")
    kept = replace(copy(), view=replace(copy().view, client=client))
    assert read_back(kept).view.client == client


def test_the_entry_of_an_event_has_its_message_id_its_tool_and_its_subject_only_if_that_is_kept() -> None:
    fields = (
        "From: care@shop.example",
        "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=",
        "Message-ID:\r\n <x@y.example>",
        "X-Mailer: CRM 9",
    )
    without, with_it = entry(*fields), entry(*fields, keep_subject=True)
    assert (without.message_id, without.tool, without.subject) == ("x@y.example", "CRM 9", None)
    assert with_it.subject == "Grüße"


def test_a_long_subject_and_message_id_are_cut() -> None:
    long = entry(
        "From: care@shop.example",
        "Subject: " + "s" * 5000,
        "Message-ID: <" + "m" * 5000 + ">",
        keep_subject=True,
    )
    assert len(long.subject or "") <= 998
    assert len(long.message_id) <= 998


def test_a_doubtful_entry_is_one_that_was_closed_or_would_have_been() -> None:
    closed = entry("From: care@shop.example", "To: orders@shop.example")
    opened = entry("From: care@shop.example", "To: care@shop.example")
    assert closed.verdict.auto_closed
    assert closed.verdict.doubts
    assert closed.doubtful
    assert opened.verdict.doubts
    assert not opened.doubtful


def test_time_passes_through_in_microseconds() -> None:
    at = NOON + timedelta(microseconds=1)
    assert read_back(replace(copy(), at=at)).at == at

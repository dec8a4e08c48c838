"""A digest tells what was closed and by which tool, the doubtful first, and nothing from the network raw."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.journal.digest import (
    MOST_DOUBTFUL,
    MOST_TOOLS,
    Closing,
    Digest,
    Gathering,
    Tool,
    digest_values,
    subject_of,
    text_of,
)
from relay.journal.entry import Entry, Reopening
from relay.journal.phrases import phrases
from relay.judge import Doubt
from relay.judge.explain import Language
from tests.docs.pages import named
from tests.journal.entries import NOON, copy, customer, entry
from tests.samples import CARE_CHANNEL, book

BERLIN = ZoneInfo("Europe/Berlin")
OBSERVING = book(replace(CARE_CHANNEL, auto_close=type(CARE_CHANNEL.auto_close)("observe")))


def made(entries: Iterable[Entry], channel: str = "care") -> Digest:
    gathering = Gathering(channel, lambda at: at.astimezone(BERLIN))
    for each in entries:
        gathering.add(each)
    return gathering.digest(NOON - timedelta(days=1), NOON)


def doubtful(number: int = 0, *fields: str, **more: object) -> Entry:
    """A message that is closed although nobody outside is in To or Cc."""
    return entry(
        "From: care@shop.example",
        f"To: orders{number}@shop.example",
        *(fields or ("X-Mailer: Form 2",)),
        **{"at": NOON + timedelta(minutes=number), "book": INSIDE, "queue_id": f"D{number}", **more},
    )


INSIDE = book(inside=frozenset({"shop.example"}))
OBSERVING_INSIDE = book(*OBSERVING.channels, inside=frozenset({"shop.example"}))


def observed(number: int = 0, **more: object) -> Entry:
    return copy(number, book=OBSERVING, queue_id=f"O{number}", **more)


def test_the_newest_are_named_although_what_was_only_observed_is_read_last():
    """A channel that observed in the morning and closes since noon."""
    of_a_tool = ("X-Mailer: Form 2",)
    older = [doubtful(number, *of_a_tool, book=OBSERVING_INSIDE) for number in range(MOST_DOUBTFUL)]
    newer = [doubtful(number, *of_a_tool) for number in range(1000, 1000 + MOST_DOUBTFUL)]
    digest = made([*newer, *older])
    assert (digest.closed, digest.observed) == (MOST_DOUBTFUL, MOST_DOUBTFUL)
    assert [each.ref for each in digest.doubtful] == [each.ref for each in reversed(newer)]
    (tool,) = digest.tools
    assert [each.ref for each in tool.latest] == [each.ref for each in reversed(newer[-3:])]


def test_what_was_closed_is_counted_and_told_by_tool_with_the_latest_of_each():
    digest = made([copy(1, queue_id="Q1"), copy(2, queue_id="Q2"), doubtful(3)])
    assert (digest.closed, digest.observed, digest.in_doubt) == (3, 0, 1)
    assert [(tool.name, tool.messages) for tool in digest.tools] == [("CRM 9", 2), ("Form 2", 1)]
    assert text_of(digest) == (
        "Channel care, from 2026-03-03 13:00 until 2026-03-04 13:00\n"
        "\n"
        "3 tickets closed, 1 of them in doubt.\n"
        "\n"
        "In doubt: a customer may be speaking\n"
        "\n"
        "  2026-03-04 13:03  to orders3@shop.example\n"
        "    nobody outside is in To or Cc\n"
        "    Form 2, D3\n"
        "\n"
        "By the tool that seems to have sent it, the latest of each\n"
        "\n"
        "       2  CRM 9\n"
        "            2026-03-04 13:02  to anna2@mail.example, Q2\n"
        "            2026-03-04 13:01  to anna1@mail.example, Q1\n"
        "       1  Form 2\n"
        "            2026-03-04 13:03  to orders3@shop.example, D3\n"
        "\n"
        "The tool is a hint from fields that anybody can write; it decides nothing.\n"
        "Why a ticket was closed: helpdesk-relay journal show ID (the ID stands last on its line).\n"
    )


def test_it_speaks_german():
    text = text_of(made([copy(1, queue_id="Q1"), doubtful(3)]), Language.DE)
    assert text.startswith("Kanal care, von 2026-03-03 13:00 bis 2026-03-04 13:00\n\n")
    assert "2 Tickets geschlossen, 1 davon im Zweifel." in text
    assert "niemand von außen steht in To oder Cc" in text
    assert "Das Programm ist ein Hinweis" in text


@pytest.mark.parametrize("language", Language)
def test_both_languages_say_everything(language: Language):
    say = phrases(language)
    for name in say.__slots__:
        words = getattr(say, name)
        assert words(1) != words(2) if callable(words) else words


def test_for_an_observing_channel_it_says_what_would_have_been_closed_and_how_to_switch_it_on():
    text = text_of(made([observed(1), observed(2)]))
    assert "2 tickets would have been closed." in text
    assert "auto_close: always" in text
    assert "tickets closed" not in text


def test_a_channel_that_was_switched_on_meanwhile_has_both_sums():
    assert subject_of(made([observed(1), copy(2)])) == (
        "care: 1 ticket closed, 1 ticket would have been closed"
    )


def test_messages_that_stayed_open_and_those_of_other_channels_are_left_out():
    other = entry("From: orders@shop.example", "To: anna@mail.example")
    digest = made([customer(1), other, entry("From: care@shop.example", "To: care@shop.example")])
    assert digest.nothing
    assert "No ticket was closed." in text_of(digest)
    assert not made([other], "orders").nothing


def test_a_ticket_that_was_opened_again_is_told():
    again = replace(doubtful(1), reopened=Reopening(NOON, "anna"))
    text = text_of(made([again, copy(2)]))
    assert "1 was opened again." in text
    assert "nobody outside is in To or Cc; opened again\n" in text


def test_the_newest_doubtful_ones_are_named_and_the_others_counted():
    digest = made(doubtful(number) for number in range(MOST_DOUBTFUL + 7))
    assert digest.in_doubt == MOST_DOUBTFUL + 7
    assert [closing.ref for closing in digest.doubtful][:2] == ["D56", "D55"]
    assert len(digest.doubtful) == MOST_DOUBTFUL
    assert "  and 7 more\n" in text_of(digest)


def test_tools_beyond_the_busiest_are_counted_together():
    fields = [f"X-Mailer: tool {number}" for number in range(MOST_TOOLS + 5)]
    digest = made(
        entry("From: care@shop.example", "To: anna@mail.example", field) for field in [*fields, *fields[:3]]
    )
    assert len(digest.tools) == MOST_TOOLS
    assert digest.tools[0].messages == 2
    assert "       5  other tools\n" in text_of(digest)


def test_tools_that_clients_invent_take_no_endless_memory():
    gathering = Gathering("care", lambda at: at)
    for number in range(3000):
        gathering.add(entry("From: care@shop.example", "To: a@mail.example", f"X-Mailer: {number}"))
    assert len(gathering._tools) == len(gathering._latest) == 1000
    assert gathering.digest(NOON, NOON).closed == 3000


def test_a_message_to_many_names_three_and_how_many_more():
    many = ", ".join(f"a{number}@mail.example" for number in range(8))
    text = text_of(made([entry("From: care@shop.example", f"To: {many}")]))
    assert "to a0@mail.example, a1@mail.example, a2@mail.example, +5, " in text


def test_a_message_without_to_and_cc_and_a_tool_says_so():
    text = text_of(made([entry("From: care@shop.example", queue_id="Q9", book=book())]))
    assert "       1  no tool named\n" in text
    assert "to nobody in To or Cc, Q9" in text


def test_the_web_page_is_named_where_there_is_one():
    digest = made([copy(1)])
    assert text_of(digest, page="https://relay.company.com").endswith(
        "All decisions: https://relay.company.com\n"
    )


HOSTILE = "".join(map(chr, (0x1B, 0x202E, 0x200B, 0x85, 0x07, 0x2028, 0xDC80))) + "[31m<script>"


def test_nothing_from_the_network_is_raw():
    hostile = doubtful(1, f"X-Mailer: tool {HOSTILE}".encode("utf-8", "surrogateescape"))
    hostile = replace(hostile, ref=f"ref {HOSTILE}\nclosed", tool=f"{hostile.tool} {HOSTILE}")
    text = text_of(made([hostile]))
    assert all(character.isprintable() or character == "\n" for character in text)
    assert r"\u202e" in text
    assert "\nclosed" not in text
    assert text.encode()


@given(st.text(alphabet=st.characters(), max_size=300), st.text(max_size=300))
def test_no_text_of_a_message_breaks_a_line_or_makes_it_long(tool: str, ref: str):
    digest = made([replace(doubtful(1), tool=tool, ref=ref)])
    for language in Language:
        lines = text_of(digest, language).split("\n")
        assert len(lines) == text_of(made([doubtful(1)]), language).count("\n") + 1
        assert all(line.isprintable() and len(line) < 300 for line in lines)
    assert json.loads(json.dumps(digest_values(digest)))["closed"] == 1


def test_what_is_very_long_is_cut():
    text = text_of(made([replace(doubtful(1), tool="x" * 500, ref="y" * 500)]))
    assert f"    {'x' * 79}…, {'y' * 79}…\n" in text


def test_subjects_and_contents_are_never_in_it():
    kept = entry(
        "From: care@shop.example", "To: anna@mail.example", "Subject: Your secret order", keep_subject=True
    )
    assert kept.subject
    digest = made([kept])
    assert "secret" not in text_of(digest)
    assert "secret" not in json.dumps(digest_values(digest))


def test_as_values_it_has_the_same_numbers_and_references():
    values = digest_values(made([copy(1, queue_id="Q1"), doubtful(3), observed(4)]))
    assert json.loads(json.dumps(values)) == {
        "channel": "care",
        "since": "2026-03-03T13:00:00+01:00",
        "until": "2026-03-04T13:00:00+01:00",
        "closed": 2,
        "would_close": 1,
        "in_doubt": 1,
        "reopened": 0,
        "doubtful": [
            {
                "ref": "D3",
                "at": "2026-03-04T13:03:00+01:00",
                "recipients": ["orders3@shop.example"],
                "tool": "Form 2",
                "doubts": ["no-outside-recipient"],
                "observed": False,
                "reopened": False,
            }
        ],
        "tools": [
            {"tool": "CRM 9", "messages": 2, "latest": ["O4", "Q1"]},
            {"tool": "Form 2", "messages": 1, "latest": ["D3"]},
        ],
    }


def test_times_are_those_of_the_reader_on_both_sides_of_a_change_of_the_clock():
    before = datetime(2026, 3, 29, 0, 30, tzinfo=BERLIN)
    text = text_of(made([copy(1, at=before), copy(2, at=before + timedelta(hours=2))]))
    assert "2026-03-29 00:30" in text
    assert "2026-03-29 02:30" in text or "2026-03-29 03:30" in text


def test_the_example_in_the_documentation_is_what_a_digest_looks_like():
    def moment(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=BERLIN)

    def closing(at: str, ref: str, to: str, tool: str, *doubts: Doubt) -> Closing:
        return Closing(moment(at), f"65F0A1C2B3-{ref}", (to,), tool, doubts, observed=False, reopened=False)

    crm, form = "CRM 9, SendGrid", "PHP script contact.php"
    odd = closing("2026-03-03 16:20", "9", "orders@company.com", form, Doubt.NO_OUTSIDE_RECIPIENT)
    latest = (
        closing("2026-03-04 06:58", "1F", "anna@customer.example", crm),
        closing("2026-03-04 06:31", "1E", "bob@customer.example", crm),
        closing("2026-03-04 05:12", "1D", "eva@customer.example", crm),
    )
    digest = Digest(
        channel="support",
        since=moment("2026-03-03 07:00"),
        until=moment("2026-03-04 07:00"),
        closed=31,
        observed=0,
        in_doubt=1,
        reopened=0,
        doubtful=(odd,),
        tools=(Tool(crm, 30, latest), Tool(form, 1, (odd,))),
    )
    shown = next(block.text for block in named("docs/digest.md").blocks if block.language == "text")
    assert shown.strip() == text_of(digest).strip()

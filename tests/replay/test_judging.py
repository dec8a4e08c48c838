"""Stored mail judged again: nothing in it raises, and a fault of ours opens the ticket."""

from pathlib import Path

import pytest
from hypothesis import given

from relay.channels import ChannelBook
from relay.judge import Reason, judge
from relay.mail.trace import Given, stored_view
from relay.mail.view import MessageView
from relay.replay.again import Replayed, archived
from relay.replay.archive import open_archive
from relay.replay.judging import LARGEST_HEAD, limit_for, verdict_of, view_of
from tests import strategies
from tests.samples import BOOK, CARE_CHANNEL, book, box

LINE = b"From anna@mail.example Mon Jan  5 10:00:00 2026\n"
COPY = b"From: care@shop.example\nTo: anna@mail.example\nMessage-ID: <1@crm.example>\n\n"


def nothing(error: Exception) -> None:
    raise AssertionError from error


def replayed(
    path: Path, by: ChannelBook = BOOK, against: ChannelBook | None = None, **given: object
) -> list[Replayed]:
    with open_archive(str(path)) as archive:
        found = list(archived(archive, Given(**given), by, against, nothing))  # type: ignore[arg-type]
    return [each for each in found if isinstance(each, Replayed)]


@given(strategies.garbled())
def test_a_stored_message_is_always_judged_as_explain_does(octets: bytes):
    seen = view_of(octets, Given(), 0, nothing)
    assert seen == stored_view(octets, Given())
    assert verdict_of(seen, BOOK, nothing) == judge(seen, BOOK)


def test_an_archive_is_judged_by_the_book_in_force(tmp_path: Path):
    (tmp_path / "box").write_bytes(LINE + COPY + b"\n" + LINE + COPY.replace(b"care@", b"anna@"))
    found = replayed(tmp_path / "box")
    assert [(each.message_id, each.verdict.reason, each.was) for each in found] == [
        ("1@crm.example", Reason.OUTBOUND_COPY, None),
        ("1@crm.example", Reason.FOREIGN_AUTHOR, None),
    ]


def test_what_is_given_counts_for_every_message(tmp_path: Path):
    (tmp_path / "box").write_bytes(LINE + COPY)
    (one,) = replayed(tmp_path / "box", forward_paths=(box("care@shop.example"),))
    assert one.verdict.reason is Reason.SELF_ADDRESSED


def test_against_another_book_both_verdicts_are_told(tmp_path: Path):
    (tmp_path / "box").write_bytes(LINE + COPY)
    (one,) = replayed(tmp_path / "box", BOOK, book(header_size=10))
    assert one.was is not None
    assert (one.was.reason, one.verdict.reason) == (Reason.OUTBOUND_COPY, Reason.UNREADABLE)


@pytest.mark.parametrize(
    ("sizes", "limit"), [((10,), 10), ((10, 100), 100), ((0,), LARGEST_HEAD), ((10, 0), LARGEST_HEAD), ((1 << 30, 0), 1 << 30)]
)  # fmt: skip
def test_as_much_of_a_header_section_is_read_as_the_books_can_judge(sizes: tuple[int, ...], limit: int):
    assert limit_for(*(book(header_size=size) for size in sizes), None) == limit


class Faulty(ChannelBook):
    """A book with a bug: it does not know what to do with one author."""

    def recipients_of(self, view: MessageView) -> tuple[object, ...]:  # type: ignore[override]
        if view.author is not None:
            raise KeyError("a bug")
        return ()


def test_a_fault_of_ours_opens_the_ticket_and_is_told():
    told: list[Exception] = []
    verdict = verdict_of(stored_view(COPY, Given()), Faulty([CARE_CHANNEL]), told.append)
    assert verdict.reason is Reason.UNREADABLE
    assert [type(error) for error in told] == [KeyError]
    assert view_of(None, Given(), 0, told.append).unreadable == "a fault of ours"  # type: ignore[arg-type]
    assert len(told) == 2

from relay.judge import Question
from relay.web.comparing import other_of
from relay.web.pages.shown import row_of
from tests.web.made import copy, customer, entry, settings


def test_a_row_names_whom_the_header_section_names_else_whom_it_arrived_for() -> None:
    assert row_of(copy(3)).addressed == ("anna3@mail.example",)
    bare = entry("From: support@company.com", rcpt_to=("a@x.example", "b@x.example"))
    assert (row_of(bare).addressed, row_of(bare).more) == (("a@x.example", "b@x.example"), 0)
    many = entry("From: support@company.com", "To: " + ", ".join(f"a{n}@x.example" for n in range(8)))
    assert (row_of(many).addressed, row_of(many).more) == (
        ("a0@x.example", "a1@x.example", "a2@x.example"),
        5,
    )


def test_decisions_that_came_out_alike_do_not_turn_anywhere() -> None:
    other = other_of(copy(), copy())
    assert (other.turned, other.differences) == (None, ())


def test_another_forward_path_is_named_as_what_made_the_verdicts_part() -> None:
    other = other_of(copy(), copy(rcpt_to=("support@company.com",)))
    assert other.turned is not None
    assert other.turned.here.question is Question.NOT_SENT_TO_ITSELF
    assert (other.turned.here_mark, other.turned.there_mark) == ("yes", "no")
    assert [(each.aspect, each.here, each.there) for each in other.differences] == [
        ("forward_paths", "in-7f3@relay.company.net", "support@company.com")
    ]


def test_another_book_is_named() -> None:
    never = settings("rule: {when_in_doubt: open}\nplatform: {networks: [198.51.100.0/24]}\n")
    other = other_of(copy(), copy(force=never))
    assert other.turned is not None
    assert other.turned.here.question is Question.FROM_OUTSIDE
    assert [each.aspect for each in other.differences] == ["book"]


def test_where_nothing_was_asked_the_mark_says_so() -> None:
    other = other_of(customer(), copy())
    assert other.turned is not None
    assert other.turned.here.question is Question.AUTHOR_IS_A_CHANNEL
    unread = entry(b"X" * 10, "From: a@b.example, c@d.example")
    found = other_of(unread, copy())
    assert found.turned is not None
    assert found.turned.here_mark in ("no", "moot")
    assert {"author", "recipients"} <= {each.aspect for each in found.differences}

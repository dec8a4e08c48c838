"""What an MTA tells becomes the values of our own house: clients, paths, header sections."""

import re

import pytest

from relay.errors import PeerError
from relay.mail.address import Mailbox
from relay.mail.envelope import Client, HeaderState, ReversePath, Source
from relay.milter import cuts, submission
from relay.milter.cuts import field_may_be_cut
from relay.milter.packets import Origin
from relay.milter.submission import Submission, client_of, forward_path_of, reverse_path_of
from relay.milter.terms import LetThrough, Message, Terms
from tests.samples import box

FORGED = re.compile(rb"x-ticket-status|x-spam.*")


def collected(
    rows: list[tuple[bytes, bytes]], *, header_size: int = 0, leading_space: bool = True
) -> Message:
    terms = Terms(lambda _: LetThrough(), FORGED, header_size=header_size)
    collecting = Submission(
        terms, (Client(), Source.GIVEN), ReversePath(""), 0.0, leading_space=leading_space
    )
    for name, value in rows:
        collecting.take_field(name, value)
    return collecting.message("")


@pytest.mark.parametrize(
    ("origin", "address", "source"),
    [
        (Origin(b"c", b"4", b"192.0.2.5"), "192.0.2.5", Source.GIVEN),
        (Origin(b"c", b"6", b"2001:db8::5"), "2001:db8::5", Source.GIVEN),
        (Origin(b"c", b"6", b"IPv6:2001:DB8::5"), "2001:db8::5", Source.GIVEN),
        (Origin(b"c", b"6", b"fe80::1%eth0"), "fe80::1", Source.GIVEN),
        (Origin(b"c", b"6", b"::ffff:192.0.2.5"), "192.0.2.5", Source.GIVEN),
        (Origin(b"localhost", b"L", b"/run/socket"), "None", Source.GIVEN),
        (Origin(b"c", b"4", b"nonsense\xff"), "None", Source.GIVEN),
        (Origin(b"unknown", b"U"), "None", Source.UNKNOWN),
        (None, "None", Source.UNKNOWN),
    ],
)
def test_the_client_is_who_connect_names(origin: Origin | None, address: str, source: Source) -> None:
    client, how = client_of(origin, "helo", "anna")
    assert (str(client.address), client.helo, client.user, how) == (address, "helo", "anna", source)


@pytest.mark.parametrize(
    ("argument", "path"),
    [
        (b"<Care@SHOP.example>", box("Care@shop.example")),
        (b"care@shop.example", box("care@shop.example")),
        (b" <@a.example,@b.example:care@shop.example> ", box("care@shop.example")),
        (b'<"a b"@shop.example>', box('"a b"@shop.example')),
        ("<grüße@müller.example>".encode(), box("grüße@xn--mller-kva.example")),
        (b"<care@[192.0.2.5]>", box("care@[192.0.2.5]")),
        (b"<PostMaster>", Mailbox("postmaster", "")),
        (b"<anna>", None),
        (b"<>", None),
        (b"<a@b@c>", None),
        (b"", None),
    ],
)
def test_a_forward_path_is_read_as_leniently_as_the_mta_took_it(
    argument: bytes, path: Mailbox | None
) -> None:
    assert forward_path_of([argument, b"NOTIFY=NEVER"]) == path


def test_a_reverse_path_may_be_null() -> None:
    assert reverse_path_of([b"<>", b"BODY=8BITMIME"]) == ReversePath("", None)


def test_parameters_of_mail_that_mean_nothing_to_us_are_passed_over() -> None:
    path = reverse_path_of(
        [b"<Care@shop.example>", b"SIZE=12", b"size=x", b"AUTH=<>", b"\xff=1", b"smtputf8"]
    )
    assert path == ReversePath("Care@shop.example", box("care@shop.example"), size=12, smtputf8=True)


def test_a_header_section_is_put_together_as_it_was_sent() -> None:
    rows = [(b"From", b" a@b\n\tc"), (b"X", b""), (b"Y", b"  z "), (b"To", b" d\r\n e")]
    message = collected(rows)
    assert message.head == b"From: a@b\r\n\tc\r\nX:\r\nY:  z \r\nTo: d\r\n e\r\n\r\n"
    assert message.known.header is HeaderState.COMPLETE


def test_without_leading_blanks_agreed_on_each_field_gets_one() -> None:
    assert (
        collected([(b"From", b"a@b"), (b"X", b"")], leading_space=False).head == b"From: a@b\r\nX: \r\n\r\n"
    )


def test_of_a_header_section_over_the_limit_the_limit_and_one_octet_are_kept() -> None:
    rows = [(b"X", b" 23456")] * 3
    assert len(collected(rows, header_size=32).head) == 32  # exactly the limit: whole
    assert len(collected(rows, header_size=31).head) == 32
    assert len(collected(rows * 100, header_size=31).head) == 32


def test_forged_fields_behind_the_limit_are_found_all_the_same() -> None:
    terms = Terms(lambda _: LetThrough(), FORGED, header_size=10)
    collecting = Submission(terms, (Client(), Source.GIVEN), ReversePath(""), 0.0, leading_space=True)
    for _ in range(5):
        collecting.take_field(b"Subject", b" long enough")
        collecting.take_field(b"X-Ticket-Status", b" auto-closed")
    assert collecting.forged == [(b"X-Ticket-Status", index) for index in range(1, 6)]


def test_a_value_with_a_line_that_is_not_folded_was_not_handed_over_whole() -> None:
    assert collected([(b"X", b" a\nFrom: b")]).known.header is HeaderState.CUT
    assert collected([(b"X", b" a\n\tb")]).known.header is HeaderState.COMPLETE


@pytest.mark.parametrize(
    ("name", "value", "cut"),
    [
        (b"To", b" " + b",".join(b"a%05d@mail.example" % i for i in range(1707)), True),  # 10,241 tokens
        (b"To", b" " + b",".join(b"a%05d@mail.example" % i for i in range(1500)), False),
        (b"CC", b"." * 9300, True),
        (b"X-List", b"." * 9300, False),
        (b"X-List", b" " + b"x" * 59_990, True),
        (b"X-List", b"\n x" * 18_000, True),
        (b"X-List", b" " + b"x" * 50_000, False),
    ],
)
def test_a_field_near_a_limit_of_postfix_counts_as_cut(name: bytes, value: bytes, cut: bool) -> None:
    header = collected([(b"From", b" care@shop.example"), (name, value)]).known.header
    assert (header is HeaderState.CUT) is cut


def test_a_header_section_at_the_limit_of_postfix_counts_as_cut() -> None:
    rows = [(b"X-Filler", b" " + b"x" * 988)] * 102  # 1,000 octets each
    assert collected(rows).known.header is HeaderState.COMPLETE
    assert collected([*rows, (b"X", b" " + b"x" * 400)]).known.header is HeaderState.CUT


def test_the_limits_are_those_that_postfix_has() -> None:
    assert (cuts.LONGEST_SECTION, cuts.LONGEST_FIELD, cuts.MOST_TOKENS) == (102_400, 60_000, 10_240)
    assert not field_may_be_cut(b"to", b"To: anna@mail.example\r\n")


def collecting() -> Submission:
    terms = Terms(lambda _: LetThrough(), FORGED)
    return Submission(terms, (Client(), Source.GIVEN), ReversePath(""), 0.0, leading_space=True)


@pytest.mark.parametrize("name", [b"X-Ticket-Status", b"X-Spam-%d"])
def test_more_forged_fields_than_any_mta_sends_end_the_connection(name: bytes) -> None:
    kept = collecting()
    names = [name.replace(b"%d", b"%d" % number) for number in range(submission.MOST_FORGED_FIELDS)]
    for each in names:
        kept.take_field(each, b"")
    with pytest.raises(PeerError, match="fields that only we may set"):
        kept.take_field(name, b"")


def test_more_forward_paths_than_any_mta_sends_end_the_connection() -> None:
    kept = collecting()
    for number in range(submission.MOST_FORWARD_PATHS):
        kept.take_forward_path(Mailbox(str(number), "a.example"), accepted=True)
    with pytest.raises(PeerError, match="forward-paths"):
        kept.take_forward_path(Mailbox("x", "a.example"), accepted=True)

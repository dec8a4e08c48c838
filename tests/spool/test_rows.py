"""Whatever a client said comes back from the tables as it was."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from relay.database.columns import to_number, to_time
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.spool.item import Item, NewItem, State
from relay.spool.store.rows import NEW_COLUMNS, Lease, claimed_item, item_of, new_row, plain
from tests.strategies import mailboxes, texts

words = st.one_of(st.none(), texts())
reverse_paths = st.builds(
    ReversePath,
    texts(),
    st.one_of(st.none(), mailboxes()),
    st.one_of(st.none(), st.integers(0, 2**62)),
    words,
    st.booleans(),
    words,
    words,
    words,
)
forward_paths = st.builds(ForwardPath, texts(), mailboxes(), words, words)
paths = st.lists(forward_paths, min_size=1, max_size=4).map(tuple)
addresses = st.one_of(st.none(), st.ip_addresses(), st.just(ip_address("fe80::1%eth0")))
clients = st.builds(Client, addresses, texts(), st.booleans(), st.booleans(), words)
zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
times = st.datetimes(datetime(1971, 1, 1), datetime(2999, 1, 1), timezones=zones)  # noqa: DTZ001
new_items = st.builds(
    NewItem,
    st.text("0123456789ABCDEF-", max_size=20),
    st.sampled_from(["helpdesk", "helpdesk:care", "elsewhere", "reports"]),
    reverse_paths,
    paths,
    clients,
    st.binary(max_size=50),
    st.integers(0, 100),
    st.one_of(st.none(), times),
    st.booleans(),
    st.one_of(st.just(()), paths),
    st.sampled_from([None, "care"]),
    st.sampled_from(["", "outbound-copy"]),
)
DEFAULTS = {
    "held": 0, "bounced": 0, "warned": 0, "attempts": 0, "last_reply": "",
}  # fmt: skip


def read_back(row: tuple[object, ...]) -> Item:
    named = {"id": 5} | dict(zip(NEW_COLUMNS, row, strict=True))
    assert isinstance(named["envelope"], str)
    assert named["envelope"].isascii()
    assert "\0" not in named["envelope"]
    return item_of(SimpleNamespace(**(DEFAULTS | named)))


@given(new_items, times, st.integers(100, 10**9))
def test_an_item_comes_back_from_its_row_as_it_was(put: NewItem, accepted_at: datetime, size: int):
    item = read_back(new_row(put, 1, size, to_number(accepted_at), None))
    same = (
        "queue_id", "destination", "reverse_path", "forward_paths", "client", "body_from", "originals", "channel", "reason",
    )  # fmt: skip
    assert {name: getattr(item, name) for name in same} == {name: getattr(put, name) for name in same}
    assert item.accepted_at == accepted_at
    assert item.next_attempt_at == (put.not_before or accepted_at)
    assert item.unknowns == put.unknown
    assert item.state is State.WAITING
    assert item.size == len(put.head) + size - put.body_from


@given(new_items, times, st.integers(100, 10**9))
def test_an_item_that_is_claimed_from_the_start_is_what_its_row_says(
    put: NewItem, accepted_at: datetime, size: int
):
    put = replace(put, not_before=None)
    row = new_row(put, 1, size, to_number(accepted_at), Lease("me", to_number(accepted_at) + 9))
    claimed = claimed_item(put, 5, size, to_number(accepted_at), None)
    assert claimed.in_hand
    assert claimed.crashes == 0  # as a claim tells it: how often we ended before
    assert replace(claimed, crashes=1) == read_back(row)
    assert dict(zip(NEW_COLUMNS, row, strict=True))["due_at"] == to_number(accepted_at) + 9


@given(times)
def test_a_time_comes_back_to_the_microsecond(at: datetime):
    assert to_time(to_number(at)) == at
    assert to_number(at + timedelta(microseconds=1)) == to_number(at) + 1
    assert to_time(to_number(at)).tzinfo is UTC


@given(texts())
def test_words_are_kept_in_printable_ascii(text: str):
    kept = plain(text)
    assert kept.isascii()
    assert kept.isprintable()
    if text.isascii() and text.isprintable():
        assert kept == text

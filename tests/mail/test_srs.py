from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.address import parse_mailbox
from relay.mail.envelope import ForwardPath, ReversePath
from relay.mail.srs import LONGEST, MOST_DAYS, Srs
from tests.samples import box

SRS = Srs("a long and random secret", "relay.example")
TODAY = date(2026, 1, 5)
DAYS = st.dates(date(1970, 1, 1), date(2100, 1, 1))


def of(text: str, **keys: str) -> ReversePath:
    return ReversePath(text, box(text), **keys)  # type: ignore[arg-type]


def returned(reverse_path: ReversePath, **keys: str) -> ForwardPath:
    """Return the forward-path of an answer to ``reverse_path``."""
    assert reverse_path.mailbox is not None
    return ForwardPath(reverse_path.text, reverse_path.mailbox, **keys)


def rewritten(text: str, *, lower: bool = False) -> ForwardPath:
    path = SRS.forward(of(text), TODAY).text
    return ForwardPath(path.lower() if lower else path, box(path))


def test_a_rewritten_reverse_path_is_ours_and_says_whose_it_was() -> None:
    path = SRS.forward(of("Ann@Shop.example", envid="1", ret="HDRS"), TODAY)
    start, _, rest = path.text.partition("=")
    hashed, day, domain, local = rest.split("=")
    assert (start, len(hashed), len(day), domain, local) == (
        "SRS0",
        8,
        2,
        "shop.example",
        "Ann@relay.example",
    )
    assert path.mailbox == parse_mailbox(path.text)
    assert (path.envid, path.ret) == ("1", "HDRS")


ADDRESSES = (
    "ann@shop.example", "Ann.B+tag@Shop.example", "a=b=c@shop.example", '"a b"@shop.example', r'"q\"\\q"@shop.example', "jürgen@shop.example",
    "ann@bücher.example", "SRS0=abcd=ef=a.example=ann@other.example", "SRS1=abcd=first.example==x=y=z@other.example", "ann@[192.0.2.1]",
    "x" * 64 + "@shop.example",
)  # fmt: skip


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_comes_back_as_it_was(text: str) -> None:
    back = SRS.back(returned(SRS.forward(of(text), TODAY), notify="NEVER", orcpt="rfc822;x"), TODAY)
    assert back is not None
    assert back.mailbox == box(text)
    assert back.text.rpartition("@")[0] == text.rpartition("@")[0]
    assert (back.notify, back.orcpt) == ("NEVER", "rfc822;x")


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_that_a_server_wrote_in_small_letters_comes_back(text: str) -> None:
    back = SRS.back(rewritten(text, lower=True), TODAY)
    assert back is not None
    assert back.mailbox == box(text)


@pytest.mark.parametrize(
    ("age", "taken"),
    [(0, True), (1, True), (MOST_DAYS, True), (MOST_DAYS + 1, False), (-1, True), (-2, False), (500, False)],
)
def test_an_address_ages(age: int, taken: bool) -> None:
    path = returned(SRS.forward(of("ann@shop.example"), TODAY))
    assert (SRS.back(path, TODAY + timedelta(days=age)) is not None) is taken


def test_what_cannot_be_rewritten_stays_as_it_is() -> None:
    null, postmaster, long = ReversePath(""), of("ann@shop.example"), of("a" * 230 + "@shop.example")
    assert SRS.forward(null, TODAY) is null
    assert SRS.forward(long, TODAY) is long
    bare = replace(postmaster, text="postmaster", mailbox=box("postmaster@x.example")._replace(domain=""))
    assert SRS.forward(bare, TODAY) is bare


def test_the_longest_address_that_is_rewritten_still_fits_a_path() -> None:
    lengths = [len(SRS.forward(of("a" * n + "@shop.example"), TODAY).text) for n in range(1, 240)]
    assert max(lengths) == LONGEST


@pytest.mark.parametrize(
    "text",
    [
        "ann@relay.example", "SRS0@relay.example", "SRS0=@relay.example", "SRS0====@relay.example", "SRS0=aaaaaaaa=aa=shop.example=ann@relay.example",
        "SRS0=a=aa=shop.example=ann@relay.example", "SRS0=aaaaaaaa=a1=shop.example=ann@relay.example", "SRS0=aaaaaaaa=aa=shop.example@relay.example",
        "SRS1=aaaaaaaa=first.example==aaaa=aa=shop.example=ann@relay.example", "SRS0=aaaaaaaé=aa=shop.example=ann@relay.example",
        "SRS0=ſaaaaaaa=aa=shop.example=ann@relay.example",
    ],
)  # fmt: skip
def test_what_we_did_not_make_is_not_ours(text: str) -> None:
    assert SRS.back(ForwardPath(text, box(text)), TODAY) is None


def test_a_hash_cut_short_does_not_count() -> None:
    path = rewritten("ann@shop.example").text
    for kept in range(8):
        text = path[: 5 + kept] + path[13:]
        assert SRS.back(ForwardPath(text, box(text)), TODAY) is None


def test_another_domain_or_secret_is_not_ours() -> None:
    path = rewritten("ann@shop.example")
    assert Srs("another secret", "relay.example").back(path, TODAY) is None
    assert Srs("a long and random secret", "other.example").back(path, TODAY) is None


@pytest.mark.parametrize("separator", "+-")
def test_the_separators_that_others_change_are_read(separator: str) -> None:
    text = rewritten("ann@shop.example").text.replace("SRS0=", f"SRS0{separator}")
    assert SRS.back(ForwardPath(text, box(text)), TODAY) is not None


def test_the_secret_is_in_no_text() -> None:
    assert "random" not in repr(SRS)


LOCALS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60)


@given(
    LOCALS,
    st.sampled_from(["shop.example", "bücher.example", "[192.0.2.1]", "a.b.c.example"]),
    DAYS,
    st.integers(0, MOST_DAYS),
)
def test_every_address_comes_back_while_it_is_young(local: str, domain: str, day: date, age: int) -> None:
    escaped = local.replace("\\", "\\\\").replace('"', '\\"')
    path = SRS.forward(of(f'"{escaped}"@{domain}'), day)
    if not path.text.startswith(('"SRS0=', "SRS0=")):
        assert len(path.text.encode()) > 150
        return
    back = SRS.back(returned(path), day + timedelta(days=age))
    assert back is not None
    assert back.mailbox == box(f'"{escaped}"@{domain}')


@given(st.data(), DAYS)
def test_any_tampering_is_refused(data: st.DataObject, day: date) -> None:
    path = SRS.forward(of("ann.b@shop.example"), day)
    local, _, domain = path.text.rpartition("@")
    at = data.draw(st.integers(5, len(local) - 1))
    changed = data.draw(
        st.characters(codec="ascii", exclude_categories=("Cc",), exclude_characters='"@\\ ()<>[]:;,.')
    )
    text = local[:at] + changed + local[at + 1 :]
    if text.lower() == local.lower() or (mailbox := parse_mailbox(f"{text}@{domain}")) is None:
        return
    assert SRS.back(ForwardPath(f"{text}@{domain}", mailbox), day) is None


@given(st.text(max_size=80), DAYS)
def test_nothing_that_arrives_breaks_the_way_back(text: str, day: date) -> None:
    path = ForwardPath(f"SRS0={text}@relay.example", box("x@relay.example")._replace(local=text))
    assert SRS.back(path, day) is None

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.delivery.commands import (
    Announced,
    announced,
    mail_command,
    rcpt_command,
    wants_smtputf8,
    xforward_command,
)
from relay.errors import LocalProtocolError
from relay.mail.address import Mailbox, parse_mailbox
from relay.mail.envelope import Client, ForwardPath, ReversePath

NOTHING = Announced()
ALL = Announced(
    pipelining=True,
    size=True,
    eight_bit_mime=True,
    smtputf8=True,
    dsn=True,
    xforward=frozenset({"NAME", "ADDR", "PROTO", "HELO"}),
)


def reverse(text: str, **parameters: object) -> ReversePath:
    return ReversePath(text, parse_mailbox(text), **parameters)  # type: ignore[arg-type]


def forward(text: str, **parameters: str) -> ForwardPath:
    return ForwardPath(text, parse_mailbox(text) or Mailbox(text, ""), **parameters)


def test_what_a_hop_announces_is_read_from_its_extensions() -> None:
    extensions = {
        "pipelining": "",
        "size": "0",
        "8bitmime": "",
        "smtputf8": "",
        "dsn": "",
        "xforward": "name Addr PROTO HELO",
    }
    assert announced(extensions) == ALL
    assert announced({"help": ""}) == NOTHING


@pytest.mark.parametrize(
    ("said", "most"), [("35882577", 35_882_577), ("0", 0), ("", 0), ("much", 0), ("-1", 0)]
)
def test_a_size_that_a_hop_names_is_the_most_that_it_takes(said: str, most: int) -> None:
    assert announced({"size": said}).most_octets == most


@pytest.mark.parametrize(
    ("path", "hop", "line"),
    [
        (reverse(""), NOTHING, "MAIL FROM:<>"),
        (reverse("a@b.example", size=0), ALL, "MAIL FROM:<a@b.example> SIZE=0"),
        (
            reverse("a@b.example", size=5, body="8BITMIME", ret="FULL", envid="a+2Bb"),
            NOTHING,
            "MAIL FROM:<a@b.example>",
        ),
        (
            reverse("", body="7BIT", ret="FULL", envid="a+2Bb"),
            ALL,
            "MAIL FROM:<> BODY=7BIT RET=FULL ENVID=a+2Bb",
        ),
        (reverse("a@b.example", auth="x+40y"), ALL, "MAIL FROM:<a@b.example>"),
        (reverse('"a b>"@b.example'), ALL, 'MAIL FROM:<"a b>"@b.example>'),
        (reverse("a@müller.example"), NOTHING, "MAIL FROM:<a@xn--mller-kva.example>"),
        (reverse("é@b.example"), NOTHING, None),
        (reverse("a@b.example", smtputf8=True), NOTHING, "MAIL FROM:<a@b.example>"),
        (reverse("a@b.example", smtputf8=True), ALL, "MAIL FROM:<a@b.example> SMTPUTF8"),
        (reverse("é@müller.example"), ALL, "MAIL FROM:<é@müller.example> SMTPUTF8"),
    ],
)
def test_mail_says_what_the_hop_takes(path: ReversePath, hop: Announced, line: str | None) -> None:
    said = mail_command(path, hop, utf8=wants_smtputf8(path, (), hop))
    assert said == (None if line is None else line.encode() + b"\r\n")


@pytest.mark.parametrize(
    ("path", "hop", "utf8", "line"),
    [
        (forward("postmaster"), ALL, False, "RCPT TO:<postmaster>"),
        (
            forward("a@b.example", notify="NEVER", orcpt="rfc822;a@b.example"),
            NOTHING,
            False,
            "RCPT TO:<a@b.example>",
        ),
        (
            forward("a@b.example", notify="NEVER", orcpt="rfc822;x"),
            ALL,
            False,
            "RCPT TO:<a@b.example> NOTIFY=NEVER ORCPT=rfc822;x",
        ),
        (forward("a@b.example", orcpt="utf-8;é"), ALL, False, "RCPT TO:<a@b.example>"),
        (forward("a@b.example", orcpt="utf-8;é"), ALL, True, "RCPT TO:<a@b.example> ORCPT=utf-8;é"),
        (forward("a@müller.example"), ALL, False, "RCPT TO:<a@xn--mller-kva.example>"),
        (forward("a@müller.example"), ALL, True, "RCPT TO:<a@müller.example>"),
        (forward("é@b.example"), ALL, False, None),
        (forward("a@☃️.example"), ALL, False, None),
    ],
)
def test_rcpt_says_what_the_hop_takes(
    path: ForwardPath, hop: Announced, utf8: bool, line: str | None
) -> None:
    assert rcpt_command(path, hop, utf8=utf8) == (None if line is None else line.encode() + b"\r\n")


def test_smtputf8_is_wanted_where_the_client_asked_or_a_path_cannot_be_told_without() -> None:
    plain = reverse("a@b.example")
    assert not wants_smtputf8(plain, (forward("a@müller.example"),), ALL)
    assert wants_smtputf8(plain, (forward("a@b.example"), forward("é@b.example")), ALL)
    assert wants_smtputf8(reverse("é@b.example"), (), ALL)
    assert wants_smtputf8(reverse("a@b.example", smtputf8=True), (), ALL)
    assert not wants_smtputf8(reverse("é@b.example", smtputf8=True), (), NOTHING)


@pytest.mark.parametrize(
    ("client", "line"),
    [
        (Client(), "XFORWARD NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] PROTO=ESMTP HELO=[UNAVAILABLE]"),
        (
            Client(ip_address("192.0.2.1"), "[192.0.2.1]", esmtp=False),
            "XFORWARD NAME=[UNAVAILABLE] ADDR=192.0.2.1 PROTO=SMTP HELO=[192.0.2.1]",
        ),
        (
            Client(None, "a b"),
            "XFORWARD NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] PROTO=ESMTP HELO=[UNAVAILABLE]",
        ),
        (
            Client(None, "x" * 256),
            "XFORWARD NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] PROTO=ESMTP HELO=[UNAVAILABLE]",
        ),
    ],
)
def test_xforward_tells_what_is_known_of_the_client(client: Client, line: str) -> None:
    assert xforward_command(client, ALL.xforward) == line.encode() + b"\r\n"


def test_xforward_has_only_what_was_announced() -> None:
    assert xforward_command(Client(helo="crm"), frozenset({"HELO", "IDENT"})) == b"XFORWARD HELO=crm\r\n"
    assert xforward_command(Client(helo="crm"), NOTHING.xforward) is None


@pytest.mark.parametrize(
    "text",
    [
        "a\r\nQUIT@b",
        "a\n@b",
        "a\x00@b",
        "a@b> NOTIFY=NEVER",
        "a@b>",
        "<a@b",
        "a b@c",
        '"a@b',
        '"a\r\n"@b',
        '"a\\\n"@b',
        "a@b\ud800",
    ],
)
def test_a_path_that_would_end_itself_is_not_sent(text: str) -> None:
    with pytest.raises(LocalProtocolError):
        mail_command(ReversePath(text, None), ALL, utf8=True)
    with pytest.raises(LocalProtocolError):
        rcpt_command(ForwardPath(text, Mailbox("a", "b")), ALL, utf8=True)


@pytest.mark.parametrize("value", ["a b", "a\r\nb", "", "é", "a\x00"])
@pytest.mark.parametrize("name", ["body", "ret", "envid"])
def test_a_value_that_would_end_itself_is_not_sent(name: str, value: str) -> None:
    if value:
        with pytest.raises(LocalProtocolError):
            mail_command(reverse("a@b.example", **{name: value}), ALL, utf8=True)
    with pytest.raises(LocalProtocolError):
        rcpt_command(forward("a@b.example", notify="NEVER\r\n"), ALL, utf8=True)


@given(st.text(), st.text())
def test_whatever_a_path_holds_one_line_comes_out_or_nothing(text: str, value: str) -> None:
    for make in (
        lambda: mail_command(ReversePath(text, parse_mailbox(text), envid=value), ALL, utf8=True),
        lambda: rcpt_command(ForwardPath(text, Mailbox("a", "b"), orcpt=value), ALL, utf8=False),
    ):
        try:
            line = make()
        except LocalProtocolError:
            continue
        if line is not None:
            assert line.endswith(b"\r\n")
            assert not {0, 10, 13} & set(line[:-2])

"""What hypothesis makes: addresses, header sections, views and books, ordinary ones and broken ones."""

from ipaddress import ip_address

from hypothesis import strategies as st

from relay.channels import AutoClose, BccEvidence, Channel, ChannelBook, Platform, Rule, WhenInDoubt
from relay.mail.address import Mailbox, mailbox
from relay.mail.envelope import Client, HeaderState, Known, Source
from relay.mail.proof import Proof, ProofFault, Unproved
from relay.mail.view import Evidence, MessageView, Recipient, make_view, unread_view
from tests.samples import box, networks

CHANNEL_ADDRESSES = tuple(
    map(box, ("care@shop.example", "hello@shop.example", "orders@shop.example", "a+b@shop.example"))
)
INBOUND = box("in-1@desk.example")
NEIGHBOURS = tuple(
    map(
        box,
        (
            "care+t1@shop.example",
            "a+b+c@shop.example",
            "a@shop.example",
            "in-1+x@desk.example",
            "boss@in.example",
        ),
    )
)
STRANGERS = tuple(
    map(
        box,
        ("anna@mail.example", "care@shop.example.evil.example", "ſhop@mail.example", '"a b"@mail.example'),
    )
)
TRICKY = 'aAkKſ\u212a\u0130éE\u0301üß.@+"\\ \t()<>,;:[]-_\u3002\u037e\u1fefζΣσ\udcff'


def texts() -> st.SearchStrategy[str]:
    """Return any text, often of characters that normal forms change."""
    return st.one_of(st.text(), st.text(TRICKY, max_size=30))


def mailboxes() -> st.SearchStrategy[Mailbox]:
    """Return addresses: the book's own, near ones, strangers, and any with a quoted local part."""
    odd = st.builds(
        lambda local, domain: mailbox('"' + local.replace("\\", "\\\\").replace('"', '\\"') + '"', domain),
        st.text(st.characters(exclude_categories=()), max_size=8),
        st.sampled_from(["x.example", "müller.example", "☃.example", "[192.0.2.1]", "Shop.Example"]),
    )
    return st.one_of(st.sampled_from((*CHANNEL_ADDRESSES, INBOUND, *NEIGHBOURS, *STRANGERS)), odd)


def octets() -> st.SearchStrategy[bytes]:
    """Return octets that mean something in a header section, in any order, and any others."""
    pieces = st.sampled_from(
        (b"From: ", b"From:", b"To: ", b"from :", b"X-Ticket-Status: x", b"\r\n", b"\n", b"\r", b"\r\n ", b"\n\t", b"From ", b":", b" ", b"\0",
         b"\xff", b"a@b", b"care@shop.example", b"<", b">", b",", b'"', b"(", b")", b"Received: x\n", b"Bcc: y\n", b"\x0b", b"\x0c", b"\x85")
    )  # fmt: skip
    return st.one_of(st.binary(max_size=200), st.lists(pieces, max_size=20).map(b"".join))


_ADDRESS_TEXTS = (
    "care@shop.example", "Care <care@shop.example>", "CARE@shop.example", "care+t1@shop.example", "hello@shop.example", "orders@shop.example",
    "anna@mail.example", '"Anna, M." <anna@mail.example>', "Team: anna@mail.example, care@shop.example;", "undisclosed-recipients:;",
    "anna@mail.example (care@shop.example)", "foo care@shop.example bar", '"care@shop.example', "<@a,@b:care@shop.example>", "", ";", ",", "Anna",
    "in-1@desk.example", "boss@in.example", "anna@mail.example; bob@mail.example", "=?utf-8?q?care=40shop=2Eexample?=",
)  # fmt: skip
_NAMES = (
    "From", "To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc", "Reply-To", "Delivered-To", "X-Original-To", "Envelope-To", "Return-Path",
    "X-Forwarded-For", "List-Id", "X-Original-Sender", "X-Original-From", "Sender", "X-Ticket-Status", "x-ticket-reason",
)  # fmt: skip


def fields() -> st.SearchStrategy[bytes]:
    """Return one field, its line end included."""
    address = st.builds(
        lambda name, gap, values, end: f"{name}{gap}:{' ' if gap else ''}{','.join(values)}".encode() + end,
        st.sampled_from(_NAMES),
        st.sampled_from(["", " ", "\t"]),
        st.lists(st.sampled_from(_ADDRESS_TEXTS), max_size=3),
        st.sampled_from([b"\r\n", b"\n", b"\r\n\tmore@mail.example\r\n"]),
    )
    fixed = st.sampled_from(
        (b"Received: from a ([192.0.2.5]) by b; Mon, 5 Jan 2026 10:00:00 +0000\r\n", b"Content-Type: multipart/report; x=y\r\n",
         b"Subject: =?utf-8?q?From=3A?=\r\n", b"DKIM-Signature: v=1;\r\n\tb=x\r\n", b"no field\r\n", b"From: care@shop.example\r\n",
         b"To: anna@mail.example\r\n", b"X: \xff\x00\r\n")
    )  # fmt: skip
    return st.one_of(address, fixed)


def header_sections() -> st.SearchStrategy[bytes]:
    """Return header sections that look like ones, with or without their end and a body."""
    plain = st.sampled_from(
        (b"From: care@shop.example\r\nTo: anna@mail.example\r\n", b"From: care@shop.example\n", b"")
    )
    ends = st.sampled_from(
        (b"", b"\r\n", b"\n", b"\r\nFrom: body@mail.example\r\n", b"\nTo: care@shop.example\n\n")
    )
    return st.builds(
        lambda start, rows, end: start + b"".join(rows) + end, plain, st.lists(fields(), max_size=8), ends
    )


def garbled() -> st.SearchStrategy[bytes]:
    """Return header sections with a few octets changed, taken out or put in."""

    def garble(section: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
        for at, taken, put in changes:
            place = at % (len(section) + 1)
            section = section[:place] + put + section[place + taken :]
        return section

    change = st.tuples(st.integers(0, 2000), st.integers(0, 3), octets())
    return st.builds(garble, header_sections(), st.lists(change, min_size=1, max_size=4))


def clients() -> st.SearchStrategy[Client]:
    addresses = ("198.51.100.7", "192.0.2.5", "2001:db8::5", "10.0.0.1")
    return st.builds(
        Client,
        st.one_of(st.none(), st.sampled_from(list(map(ip_address, addresses)))),
        user=st.sampled_from((None, "desk", "anna")),
    )


def knowns() -> st.SearchStrategy[Known]:
    sources = st.sampled_from(Source)
    return st.builds(
        Known, sources, sources, st.sampled_from((HeaderState.COMPLETE,) * 4 + (HeaderState.CUT,))
    )


def proofs() -> st.SearchStrategy[Proof]:
    return st.builds(
        Proof,
        st.sampled_from(("dkim", "authentication-results")),
        st.sampled_from(("mail.desk.example", "evil.example")),
        st.sampled_from(("", "mx.shop.example", "mx.evil.example")),
    )


def unproved() -> st.SearchStrategy[tuple[Unproved, ...]]:
    one = st.builds(
        Unproved, st.sampled_from(("mail.desk.example", "evil.example")), st.sampled_from(ProofFault)
    )
    return st.lists(one, max_size=3).map(tuple)


def signers() -> st.SearchStrategy[frozenset[str] | None]:
    return st.one_of(st.none(), st.frozensets(st.sampled_from(("mail.desk.example", "evil.example"))))


def read_views() -> st.SearchStrategy[MessageView]:
    """Return views as they come from header sections."""
    heads = st.one_of(header_sections(), header_sections(), garbled())
    return st.builds(
        make_view,
        heads,
        st.lists(mailboxes(), max_size=3),
        clients(),
        knowns(),
        limit=st.sampled_from((0, 0, 0, 100)),
    )


_WHERE = (
    ("To", Evidence.ADDRESSED), ("Cc", Evidence.ADDRESSED), ("Resent-To", Evidence.ADDRESSED), ("Bcc", Evidence.BLIND),
    ("Resent-Bcc", Evidence.BLIND), ("envelope", Evidence.ENVELOPE), ("trace:Delivered-To", Evidence.TRACE),
)  # fmt: skip


def recipients() -> st.SearchStrategy[Recipient]:
    return st.builds(
        lambda address, seen, certain: Recipient(address, seen[0], seen[1], certain=certain),
        mailboxes(),
        st.sampled_from(_WHERE),
        st.booleans(),
    )


def made_views() -> st.SearchStrategy[MessageView]:
    """Return views with an author, made part by part."""
    return st.builds(
        MessageView,
        author=mailboxes(),
        author_fault=st.none(),
        recipients=st.lists(recipients(), max_size=5).map(tuple),
        reply_to=st.lists(mailboxes(), max_size=2).map(tuple),
        list_field=st.sampled_from((None, "List-Id")),
        originals=st.lists(mailboxes(), max_size=2).map(tuple),
        delivery_report=st.booleans(),
        client=clients(),
        known=st.builds(Known, st.sampled_from(Source), st.sampled_from(Source)),
        header_octets=st.sampled_from((10, 10, 10, 5000)),
        proofs=st.lists(proofs(), max_size=1).map(tuple),
        unproved=unproved(),
        signers=signers(),
    )


def copies() -> st.SearchStrategy[MessageView]:
    """Return views with a channel as author and little against them, so that many are closed."""
    rarely = st.sampled_from((False, False, False, True))
    strangers = st.builds(
        lambda address, seen, certain: Recipient(address, seen[0], seen[1], certain=certain),
        st.sampled_from((*STRANGERS, INBOUND, *NEIGHBOURS)),
        st.sampled_from(_WHERE),
        st.booleans(),
    )
    return st.builds(
        MessageView,
        author=st.sampled_from(CHANNEL_ADDRESSES),
        author_fault=st.none(),
        recipients=st.lists(st.one_of(strangers, strangers, recipients()), max_size=3).map(tuple),
        reply_to=st.lists(mailboxes(), max_size=1).map(tuple),
        list_field=rarely.map(lambda listed: "List-Id" if listed else None),
        originals=st.lists(mailboxes(), max_size=1).map(tuple),
        delivery_report=rarely,
        client=clients(),
        known=st.builds(Known, st.sampled_from(Source), st.sampled_from(Source)),
        header_octets=st.just(10),
    )


def unread_views() -> st.SearchStrategy[MessageView]:
    envelope = st.lists(mailboxes(), max_size=2).map(
        lambda paths: tuple(Recipient(path, "envelope", Evidence.ENVELOPE) for path in paths)
    )
    return st.builds(unread_view, st.just("a fault of ours"), envelope, clients(), knowns())


def views() -> st.SearchStrategy[MessageView]:
    return st.one_of(read_views(), made_views(), copies(), unread_views())


def rules() -> st.SearchStrategy[Rule]:
    return st.builds(
        Rule,
        st.frozensets(st.sampled_from(BccEvidence)),
        st.sampled_from(WhenInDoubt),
        st.sampled_from(("+", "", "-")),
    )


def books() -> st.SearchStrategy[ChannelBook]:
    """Return books of up to three channels, whose addresses are those that views are made of."""
    close, doubt = st.sampled_from(AutoClose), st.one_of(st.none(), st.sampled_from(WhenInDoubt))

    def channels(
        closes: list[AutoClose], doubts: list[WhenInDoubt | None], inbound: tuple[Mailbox, ...]
    ) -> tuple[Channel, ...]:
        care, hello, orders, ab = CHANNEL_ADDRESSES
        return (
            Channel("care", care, (hello,), inbound, closes[0], doubts[0]),
            Channel("orders", orders, (), (), closes[1], doubts[1]),
            Channel("ab", ab, (), (), closes[2], doubts[2]),
        )

    three = {"min_size": 3, "max_size": 3}
    return st.builds(
        ChannelBook,
        st.builds(
            channels, st.lists(close, **three), st.lists(doubt, **three), st.sampled_from(((INBOUND,), ()))
        ),
        rule=rules(),
        platform=st.sampled_from(
            (
                Platform(),
                Platform(
                    networks("192.0.2.0/28", "2001:db8::/48"),
                    frozenset({"desk"}),
                    frozenset({"mail.desk.example"}),
                    frozenset({"mx.shop.example"}),
                ),
            )
        ),
        trusted_trace=st.sampled_from((networks(), networks("198.51.100.0/24"))),
        domains=st.sampled_from(((), ("desk.example",))),
        inside=st.sampled_from(((), ("in.example",))),
        header_size=st.sampled_from((1024 * 1024, 0, 100)),
    )

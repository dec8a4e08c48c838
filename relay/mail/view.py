"""What a judge may look at: made from a header section and what is known of the transaction.  Pure.

A view is made without the channel book: it holds every recipient with its evidence, also what a
book may not believe, so that the same view can be judged by another book.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from relay.mail.address import Mailbox, parse_mailbox
from relay.mail.address_list import AddressList, read_address_list
from relay.mail.author import AuthorFault, author_of
from relay.mail.envelope import Client, HeaderState, Known
from relay.mail.fields import blank_line, names_and_values, text_on_one_line
from relay.mail.label import LABEL_FIELDS, NO_LABEL, Label, label_of
from relay.mail.proof import Proof, Proved, Unproved

HEADER_CUT = "the header section was cut on its way to us"
"""Why a header section that an MTA cut was not read."""
OUR_FAULT = "a fault of ours"
"""Why a header section that we failed to read was not read."""


class Evidence(StrEnum):
    """Which kind of sign a recipient is known by; a book believes a kind or does not."""

    ADDRESSED = "addressed"
    """To, Cc, Resent-To, Resent-Cc."""
    BLIND = "blind"
    """Bcc, Resent-Bcc."""
    ENVELOPE = "envelope"
    TRACE = "trace"


class Recipient(NamedTuple):
    """One address, and where it was seen."""

    mailbox: Mailbox
    where: str
    """``To``, ``Cc``, …, ``envelope``, ``trace:Delivered-To``."""
    evidence: Evidence
    certain: bool = True
    """False: it only stands in a broken part, so it counts if it is the author's channel."""


@dataclass(frozen=True, slots=True)
class MessageView:
    """Everything that a question may be answered from."""

    author: Mailbox | None
    author_fault: AuthorFault | None
    """None exactly if there is an author, or the header section was not read."""
    recipients: tuple[Recipient, ...]
    reply_to: tuple[Mailbox, ...]
    list_field: str | None
    """List-Id, Mailing-List or X-Google-Group-Id, whichever is there."""
    originals: tuple[Mailbox, ...]
    """What X-Original-Sender and X-Original-From name."""
    delivery_report: bool
    client: Client
    known: Known
    header_octets: int
    unreadable: str | None = None
    """Words for why the header section was not read, if it was not."""
    proofs: tuple[Proof, ...] = ()
    unproved: tuple[Unproved, ...] = ()
    """Signatures that were looked at and are no proof."""
    signers: frozenset[str] | None = None
    """The domains that signatures name; None: it was not looked which."""
    label: Label = NO_LABEL
    """For people and for the journal; no question looks at it."""


_ADDRESSED = ("To", "Cc", "Resent-To", "Resent-Cc")
_BLIND = ("Bcc", "Resent-Bcc")
_TRACE = (
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Envelope-To",
    "X-Forwarded-To",
    "X-Forwarded-For",
    "X-Gm-Original-To",
)
_LIST_FIELDS = ("List-Id", "Mailing-List", "X-Google-Group-Id")
_ORIGINAL_FIELDS = ("X-Original-Sender", "X-Original-From")


def _lower(names: Iterable[str]) -> dict[bytes, str]:
    return {name.lower().encode(): name for name in names}


_RECIPIENT_FIELDS = {
    field: (where, evidence)
    for evidence, names in ((Evidence.ADDRESSED, _ADDRESSED), (Evidence.BLIND, _BLIND))
    for field, where in _lower(names).items()
}
_TRACE_FIELDS = _lower(_TRACE)
_LISTS = _lower(_LIST_FIELDS)
_ORIGINALS = _lower(_ORIGINAL_FIELDS)
_READ = frozenset(
    (
        *_lower((*_ADDRESSED, *_BLIND, *_LIST_FIELDS, *_ORIGINAL_FIELDS, "From", "Reply-To", "Content-Type")),
        *_TRACE_FIELDS,
        *LABEL_FIELDS,
    )
)
ALL_KNOWN = Known()
"""What is known of a message that is on its way, nearly always."""
_REPORT = re.compile(r"[ \t]*multipart[ \t]*/[ \t]*report[ \t]*(?:;|\Z)", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")
_BLANKS_AND_COMMAS = re.compile(r"[ \t,]+")


def make_view(
    head: bytes,
    forward_paths: Iterable[Mailbox],
    client: Client,
    known: Known = ALL_KNOWN,
    *,
    limit: int = 0,
) -> MessageView:
    """Return the view of a message.

    ``head`` is its beginning, at least up to the empty line; ``forward_paths`` are all well-formed ones of the
    transaction; ``limit`` is ``limits.header_size`` in octets (0: none), a larger header section is not read.
    """
    end, octets = blank_line(head)
    if limit and octets > limit:
        return _too_large(_envelope(forward_paths), client, known, octets, limit)
    if known.header is HeaderState.CUT:
        return unread_view(HEADER_CUT, _envelope(forward_paths), client, known, octets)
    return view_of_rows(names_and_values(head, end), octets, forward_paths, client, known)


def view_of_rows(
    rows: Iterable[tuple[bytes, bytes]],
    header_octets: int,
    forward_paths: Iterable[Mailbox],
    client: Client,
    known: Known,
) -> MessageView:
    """Return the view of a message whose header section has these ``names_and_values``; see ``make_view``."""
    found, from_is_below_junk = _fields_of(rows)
    author, fault = author_of(found.get(b"from", []), below_junk=from_is_below_junk)
    return MessageView(
        author=author,
        author_fault=fault,
        recipients=_recipients(found, _envelope(forward_paths)),
        reply_to=_named(found, (b"reply-to",)),
        list_field=_list_field(found),
        originals=_named(found, _ORIGINALS),
        delivery_report=_is_report(found.get(b"content-type", ())),
        client=client,
        known=known,
        header_octets=header_octets,
        label=label_of(found),
    )


def unread_view(
    why: str, envelope: tuple[Recipient, ...], client: Client, known: Known, header_octets: int = 0
) -> MessageView:
    """Return the view of a message whose header section could not be read; it can only be judged open."""
    return MessageView(
        author=None,
        author_fault=None,
        recipients=envelope,
        reply_to=(),
        list_field=None,
        originals=(),
        delivery_report=False,
        client=client,
        known=known,
        header_octets=header_octets,
        unreadable=why,
    )


def with_proved(view: MessageView, proved: Proved) -> MessageView:
    """Return ``view`` with what its signatures prove."""
    return replace(view, signers=proved.signers, proofs=proved.proofs, unproved=proved.unproved)


def within(view: MessageView, limit: int) -> MessageView:
    """Return ``view`` as it would be had it been made with ``limit``."""
    if not limit or view.header_octets <= limit:
        return view
    envelope = tuple([seen for seen in view.recipients if seen.evidence is Evidence.ENVELOPE])
    return _too_large(envelope, view.client, view.known, view.header_octets, limit)


def _envelope(forward_paths: Iterable[Mailbox]) -> tuple[Recipient, ...]:
    unique = dict.fromkeys(forward_paths)
    return tuple([Recipient(path, "envelope", Evidence.ENVELOPE) for path in unique])


def _too_large(
    envelope: tuple[Recipient, ...], client: Client, known: Known, octets: int, limit: int
) -> MessageView:
    cut = Known(known.envelope, known.client, HeaderState.CUT)
    return unread_view(f"the header section is larger than {limit} octets", envelope, client, cut, octets)


_Found = dict[bytes, list[bytes]]


def _fields_of(rows: Iterable[tuple[bytes, bytes]]) -> tuple[_Found, bool]:
    """Return the values of the fields that a view is made from, and whether a From stands below junk."""
    found: _Found = {}
    junk = below_junk = False
    trace: list[tuple[int, bytes, bytes]] = []
    hops = 0
    for written, value in rows:
        name = written.lower()
        if name in _READ:
            if name in _TRACE_FIELDS:
                trace.append((hops, name, value))
            else:
                found.setdefault(name, []).append(value)
                below_junk = below_junk or (junk and name == b"from")
        elif name == b"received":
            hops += 1
        elif not name:
            junk = True
    written_by_the_last_hop = min(hops, 2)
    for above, name, value in trace:
        if above < written_by_the_last_hop:
            found.setdefault(name, []).append(value)
    return found, below_junk


def _recipients(found: _Found, envelope: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
    named: list[Recipient] = []
    for name, said in _RECIPIENT_FIELDS.items():
        if name in found:
            where, evidence = said
            seen = _seen_in(found[name])
            named += [Recipient(address, where, evidence, certain) for address, certain in seen.items()]
    if found.keys().isdisjoint(_TRACE_FIELDS):
        return (*named, *envelope)
    traced = [
        Recipient(address, f"trace:{where}", Evidence.TRACE)
        for name, where in _TRACE_FIELDS.items()
        if name in found
        for address in dict.fromkeys(address for value in found[name] for address in traced_addresses(value))
    ]
    return (*named, *envelope, *traced)


def _seen_in(values: Iterable[bytes]) -> dict[Mailbox, bool]:
    """Return every address in the fields of one name, and whether it is certain: named, not only standing there."""
    seen: dict[Mailbox, bool] = {}
    for value in values:
        listed = read_address_list(text_on_one_line(value))
        broken = listed.broken
        seen |= dict.fromkeys(_named_by(listed) if broken else listed.mailboxes, True)
        for part in broken:
            for address in part.standing():
                seen.setdefault(address, False)
    return seen


def _named_by(listed: AddressList) -> tuple[Mailbox, ...]:
    """Return what a field names: its mailboxes, and what its broken parts end with."""
    if not listed.broken:
        return listed.mailboxes
    return (*listed.mailboxes, *[part.ends_with for part in listed.broken if part.ends_with])


def traced_addresses(value: bytes) -> tuple[Mailbox, ...]:
    """Return the addresses in a trace field's value, separated by commas or blanks."""
    text = text_on_one_line(value)
    listed = read_address_list(text)
    if not listed.broken:
        return listed.mailboxes
    words = (parse_mailbox(word.strip("<>")) for word in _BLANKS_AND_COMMAS.split(text))
    return tuple(word for word in words if word)


def _named(found: _Found, names: Iterable[bytes]) -> tuple[Mailbox, ...]:
    named: list[Mailbox] = []
    for name in names:
        if name in found:
            for value in found[name]:
                named += _named_by(read_address_list(text_on_one_line(value)))
    return tuple(named)


def _list_field(found: _Found) -> str | None:
    if found.keys().isdisjoint(_LISTS):
        return None
    return next(written for name, written in _LISTS.items() if name in found)


def _is_report(values: Iterable[bytes]) -> bool:
    for value in values:
        text = text_on_one_line(value)
        if _REPORT.match(_COMMENT.sub(" ", text) if "(" in text else text):
            return True
    return False

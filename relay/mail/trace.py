"""What the trace fields of a stored message tell of the transaction that it once came in.  Pure.

Good enough to explain old mail by; never believed of a message that is on its way.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import ip_address

from relay.mail.address import Mailbox
from relay.mail.envelope import Address, Client, Known, Source, plain_address
from relay.mail.fields import blank_line, names_and_values, text_of, unfold
from relay.mail.signatures import signers
from relay.mail.view import MessageView, make_view, traced_addresses, view_of_rows

_FIELDS = {
    b"return-path": b"return-path",
    b"delivered-to": b"forward-path",
    b"x-original-to": b"forward-path",
    b"received": b"received",
}
"""Names in lower case, and what they tell of."""
_FROM_CLAUSE = re.compile(r"\s*from\s([^(;]*?)(\(.*?)?(?:\sby\s|;|\Z)", re.IGNORECASE | re.DOTALL)
"""What the client called itself, and behind a bracket what the server saw (RFC 5321 4.4, TCP-info)."""
_ADDRESS_LITERAL = re.compile(r"(?<!=)[\[(](?:IPv6:)?([0-9a-f:.]{2,45})[\])]", re.IGNORECASE)
"""With square brackets, or as some servers write it in round ones; not the literal of ``helo=``."""
_LONGEST_RECEIVED = 2000


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody says of the transaction of a stored message; None or nothing: not said."""

    reverse_path: str | None = None
    forward_paths: tuple[Mailbox, ...] = ()
    address: Address | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Traced:
    """What the trace fields say; None: nothing."""

    reverse_path: str | None
    forward_path: Mailbox | None
    """From the topmost Delivered-To or X-Original-To alone."""
    address: Address | None
    """The client, from the topmost Received."""


_NOTHING = Traced(None, None, None)


def traced(head: bytes) -> Traced:
    """Read Return-Path, Delivered-To, X-Original-To and the top Received field."""
    return _traced(names_and_values(head, blank_line(head)[0]))


def stored_view(head: bytes, given: Given, *, limit: int = 0) -> MessageView:
    """Return the view of a stored message: what is given counts, the trace fields tell the rest.

    ``head`` and ``limit`` are those of ``make_view``.
    """
    end, octets = blank_line(head)
    if limit and octets > limit:
        return make_view(head, *_transaction(given, _NOTHING), limit=limit)
    rows = names_and_values(head, end)
    view = view_of_rows(rows, octets, *_transaction(given, _traced(rows)))
    return replace(view, signers=signers(rows))


def _traced(rows: Iterable[tuple[bytes, bytes]]) -> Traced:
    topmost: dict[bytes, bytes] = {}
    for written, value in rows:
        field = _FIELDS.get(written.lower())
        if field is not None and field not in topmost:
            topmost[field] = value
    return_path = topmost.get(b"return-path")
    forward_paths = traced_addresses(topmost.get(b"forward-path", b""))
    return Traced(
        reverse_path=text_of(unfold(return_path)).strip("<>") if return_path is not None else None,
        forward_path=forward_paths[0] if len(forward_paths) == 1 else None,
        address=_client_of(topmost.get(b"received", b"")),
    )


def _transaction(given: Given, said: Traced) -> tuple[tuple[Mailbox, ...], Client, Known]:
    if given.forward_paths:
        paths, envelope = given.forward_paths, Source.GIVEN
    elif said.forward_path is not None:
        paths, envelope = (said.forward_path,), Source.TRACE
    else:
        paths, envelope = (), Source.UNKNOWN
    if given.address is not None or given.user is not None:
        address = given.address if given.address is not None else said.address
        client, source = Client(address, user=given.user), Source.GIVEN
    elif said.address is not None:
        client, source = Client(said.address), Source.TRACE
    else:
        client, source = Client(), Source.UNKNOWN
    return paths, client, Known(envelope, source)


def _client_of(received: bytes) -> Address | None:
    clause = _FROM_CLAUSE.match(text_of(unfold(received[:_LONGEST_RECEIVED])))
    for literal in _ADDRESS_LITERAL.findall(f"{clause[2] or ''} {clause[1]}") if clause else ():
        try:
            return plain_address(ip_address(literal))
        except ValueError:
            continue
    return None

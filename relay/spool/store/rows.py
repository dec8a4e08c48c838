"""Items as rows and back.  An envelope is kept as JSON in ASCII, so that whatever a client said comes back as it was."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from relay.database import columns
from relay.database.columns import to_number, to_time
from relay.mail.address import Mailbox
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.spool.item import Item, NewItem, Octets, State
from relay.spool.reopenable import ToKeep

_LONGEST_REPLY = 2000
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

Row = dict[str, Any]

NEW_COLUMNS = (
    "queue_id",
    "destination",
    "content_id",
    "body_from",
    "size",
    "channel",
    "reason",
    "accepted_at",
    "due_at",
    "next_attempt_at",
    "claimed_by",
    "crashes",
    "unknowns",
    "envelope",
    "head",
)


@dataclass(frozen=True, slots=True)
class Lease:
    """By whom and until when an item is claimed."""

    me: str
    until: int


def new_row(
    item: NewItem, content_id: int, content_size: int, accepted_at: int, lease: Lease | None
) -> tuple[object, ...]:
    """Return the row of an item that has just been accepted, by ``NEW_COLUMNS``; with a lease it is claimed already."""
    due_at = accepted_at if item.not_before is None else to_number(item.not_before)
    return (
        plain(item.queue_id),
        plain(item.destination),
        content_id,
        item.body_from,
        _size(item, content_size),
        None if item.channel is None else plain(item.channel),
        plain(item.reason),
        accepted_at,
        due_at if lease is None else lease.until,
        due_at,
        None if lease is None else lease.me,
        0 if lease is None else 1,
        int(item.unknown),
        envelope(item.reverse_path, item.forward_paths, item.originals, item.client),
        item.head,
    )


def claimed_item(
    item: NewItem, number: int, content_size: int, accepted_at: int, octets: Octets | None
) -> Item:
    """Return an item that has just been accepted and claimed, as ``item_of`` would return its row; its octets if they are at hand."""
    at = to_time(accepted_at)
    return Item(
        id=number,
        queue_id=plain(item.queue_id),
        destination=plain(item.destination),
        reverse_path=item.reverse_path,
        forward_paths=item.forward_paths,
        originals=item.originals,
        client=item.client,
        body_from=item.body_from,
        channel=None if item.channel is None else plain(item.channel),
        reason=plain(item.reason),
        accepted_at=at,
        next_attempt_at=at,
        attempts=0,
        unknowns=int(item.unknown),
        crashes=0,
        state=State.WAITING,
        in_hand=True,
        bounced=False,
        warned=False,
        last_reply="",
        size=_size(item, content_size),
        head=None if octets is None else item.head,
        octets=octets,
    )


def _size(item: NewItem, content_size: int) -> int:
    return len(item.head) + content_size - item.body_from


def kept_row(what: ToKeep, content_id: int, size: int, kept_at: int) -> Row:
    """Return the row of a closed message that is kept from now on."""
    told = {
        "author": [what.author.local, what.author.domain],
        "channel": what.channel,
        "address": [what.channel_address.local, what.channel_address.domain],
        "ways": [[way.destination, list(map(forward_path_row, way.forward_paths))] for way in what.ways],
    }
    return {
        "ref": plain(what.ref),
        "content_id": content_id,
        "size": size,
        "kept_at": kept_at,
        "envelope": _encode(told),
    }


def envelope(
    reverse_path: ReversePath,
    forward_paths: Sequence[ForwardPath],
    originals: Sequence[ForwardPath],
    client: Client,
) -> str:
    """Return an envelope as the tables keep it."""
    return _encode(
        {
            "from": _from(reverse_path),
            "to": list(map(forward_path_row, forward_paths)),
            "said": list(map(forward_path_row, originals)),
            "client": _client(client),
        }
    )


def item_of(row: Any) -> Item:
    """Return the item of a row, its octets not at hand."""
    kept = json.loads(row.envelope)
    return Item(
        id=row.id,
        queue_id=row.queue_id,
        destination=row.destination,
        reverse_path=_reverse_path(*kept["from"]),
        forward_paths=tuple(forward_path_of(*path) for path in kept["to"]),
        originals=tuple(forward_path_of(*path) for path in kept["said"]),
        client=_client_of(*kept["client"]),
        body_from=row.body_from,
        channel=row.channel,
        reason=row.reason,
        accepted_at=to_time(row.accepted_at),
        next_attempt_at=None if row.held else to_time(row.next_attempt_at),
        attempts=row.attempts,
        unknowns=row.unknowns,
        crashes=row.crashes,
        state=State.HELD if row.held else State.WAITING,
        in_hand=row.claimed_by is not None,
        bounced=bool(row.bounced),
        warned=bool(row.warned),
        last_reply=row.last_reply,
        size=row.size,
    )


def plain(text: str) -> str:
    """Return ``text`` in printable ASCII, as far as a column needs it."""
    return columns.plain(text)[:_LONGEST_REPLY]


def _from(path: ReversePath) -> list[object]:
    box = path.mailbox
    return [
        path.text,
        None if box is None else [box.local, box.domain],
        path.size,
        path.body,
        path.smtputf8,
        path.ret,
        path.envid,
        path.auth,
    ]


def _reverse_path(text: str, box: list[str] | None, *others: Any) -> ReversePath:
    return ReversePath(text, None if box is None else Mailbox(*box), *others)


def forward_path_row(path: ForwardPath) -> list[str | None]:
    """Return a forward-path as the tables keep it."""
    return [path.text, path.mailbox.local, path.mailbox.domain, path.notify, path.orcpt]


def forward_path_of(text: str, local: str, domain: str, notify: str | None, orcpt: str | None) -> ForwardPath:
    """Return a forward-path of the tables."""
    return ForwardPath(text, Mailbox(local, domain), notify, orcpt)


def _client(client: Client) -> list[object]:
    address = None if client.address is None else str(client.address)
    return [address, client.helo, client.esmtp, client.tls, client.user]


def _client_of(address: str | None, helo: str, esmtp: bool, tls: bool, user: str | None) -> Client:  # noqa: FBT001
    return Client(None if address is None else ip_address(address), helo, esmtp, tls, user)

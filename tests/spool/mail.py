"""Items and contents that tests of the spool are written with."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from relay.mail.content import HeldContent
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.spool.item import HELPDESK, Item, NewItem
from relay.spool.reopenable import OpenWay, ToKeep
from relay.spool.store import Store
from tests.samples import box

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
CLIENT = Client(ip_address("192.0.2.7"), "client.example", tls=True, user="anna")
HEAD = b"Subject: hello\r\n\r\n"
STAMPED = b"X-Ticket-Status: auto-closed\r\n" + HEAD


@dataclass
class Time:
    """A clock that stands until it is moved."""

    at: datetime = NOON

    def now(self) -> datetime:
        return self.at

    def pass_(self, **time: float) -> datetime:
        self.at += timedelta(**time)
        return self.at


def path(text: str, **more: Any) -> ForwardPath:
    return ForwardPath(text, box(text), **more)


def reverse(text: str = "anna@mail.example", **more: Any) -> ReversePath:
    return ReversePath(text, box(text) if text else None, **more)


def new(queue_id: str = "Q-1", *to: str, **more: Any) -> NewItem:
    """Return an item for ``to``; whatever is not given is ordinary."""
    paths = tuple(path(one) for one in to or ("care@shop.example",))
    ordinary = {
        "destination": HELPDESK,
        "reverse_path": reverse(),
        "forward_paths": paths,
        "client": CLIENT,
        "head": STAMPED,
        "body_from": len(HEAD),
    }
    return NewItem(queue_id, **(ordinary | more))


def to_keep(ref: str = "Q-1", **more: Any) -> ToKeep:
    """Return what is known of a closed message; whatever is not given is ordinary."""
    ordinary = {
        "author": box("help@shop.example"),
        "channel": "care",
        "channel_address": box("care@shop.example"),
        "ways": (OpenWay("helpdesk", (path("in-1@desk.example"),)),),
    }
    return ToKeep(ref, **(ordinary | more))


def content(body: bytes = b"How are you?\r\n") -> HeldContent:
    return HeldContent(HEAD + body)


async def octets(store: Store, item: Item) -> bytes:
    """Return all octets of an item, read twice over."""
    async with store.at_hand(item) as open_item:
        first, second = b"".join(open_item.chunks()), b"".join(open_item.chunks())
    assert first == second
    assert len(first) == item.size
    return first


async def items_of(store: Store) -> list[Item]:
    return [item async for item in store.list()]

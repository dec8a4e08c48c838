"""What waits in the queue: a page of it, and the verbs of ``helpdesk-relay queue``."""

from collections.abc import Awaitable, Callable, Collection

from relay.spool.item import Filter, Item
from relay.spool.store import Store

VERBS: dict[str, Callable[[Store, Collection[int]], Awaitable[int]]] = {
    "retry": lambda store, ids: store.retry(ids),
    "hold": lambda store, ids: store.hold(ids),
    "release": lambda store, ids: store.release(ids),
    "bounce": lambda store, ids: store.bounce(ids),
    "delete": lambda store, ids: store.delete(ids),
}
"""Each takes the numbers of items and returns how many it concerned."""
MOST = 1000
"""Items that one request may be about."""


async def page_of(store: Store, wanted: Filter, after: int, most: int) -> tuple[list[Item], bool]:
    """Return up to ``most`` items that are meant, above the number ``after``, and whether there are more."""
    found: list[Item] = []
    async for each in store.list(wanted, after):
        if len(found) == most:
            return found, True
        found.append(each)
    return found, False

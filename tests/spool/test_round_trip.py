"""Anything that can be put comes back as it was put, in any company."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.mail.content import HeldContent
from relay.spool.item import NewItem
from relay.spool.store import SpoolPlace, Store
from tests.spool.mail import Time, octets
from tests.spool.test_rows import new_items


@pytest.fixture(scope="module")
def kept_open(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    place = SpoolPlace(tmp_path_factory.mktemp("round-trip") / "spool")
    store = asyncio.run(Store.open(place, now=Time().now))
    yield store
    asyncio.run(store.close())


bodies = st.one_of(
    st.binary(max_size=200), st.integers(131_000, 131_600).map(lambda size: b"\r\n\0\xff" * (size // 4))
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.lists(new_items, min_size=1, max_size=3), bodies), min_size=1, max_size=4))
def test_what_is_put_together_comes_back_apart(kept_open: Store, puts: list[tuple[list[NewItem], bytes]]):
    async def there_and_back() -> None:
        contents = [HeldContent(b"h" * 100 + body) for _, body in puts]
        await asyncio.gather(
            *(kept_open.put(items, content) for (items, _), content in zip(puts, contents, strict=True))
        )
        found = [item async for item in kept_open.list()]
        expected = [
            (item.reverse_path, item.forward_paths, item.client, item.head + content.octets[item.body_from :])
            for (items, _), content in zip(puts, contents, strict=True)
            for item in items
        ]
        back = [(i.reverse_path, i.forward_paths, i.client, await octets(kept_open, i)) for i in found]
        assert sorted(map(repr, back)) == sorted(map(repr, expected))
        await kept_open.delete([item.id for item in found])

    asyncio.run(there_and_back())

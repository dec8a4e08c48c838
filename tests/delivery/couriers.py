"""A courier on the test's own pool and DNS, and what it delivers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address

from relay.delivery.answers import AddressAnswer, Addresses, Mx, MxAnswer, MxRecords, NoData, NoSuchName
from relay.delivery.client import Timeouts
from relay.delivery.courier import Courier
from relay.delivery.handshake import Dialer
from relay.delivery.pool import Pool
from relay.delivery.wayfinder import Wayfinder
from relay.mail.address import parse_mailbox
from relay.mail.envelope import Address, Client, ForwardPath, ReversePath
from relay.mail.hop import NextHop, Way
from relay.mail.outcome import Delivered, Outcome, Unknown

CONTENT = b"Subject: x\r\n\r\n.dot\r\n"
FROM = ReversePath("tool@shop.example", parse_mailbox("tool@shop.example"))


def to(*addresses: str, **parameters: str) -> tuple[ForwardPath, ...]:
    return tuple(ForwardPath(text, box, **parameters) for text in addresses if (box := parse_mailbox(text)))


ANN, BOB, EVE = to("ann@desk.example", "bob@desk.example", "eve@desk.example")


class Book:
    """DNS by heart."""

    def __init__(
        self, mx: dict[str, MxAnswer] | None = None, hosts: dict[str, str | AddressAnswer] | None = None
    ) -> None:
        self.records = mx or {}
        self.hosts = hosts or {}
        self.slow = 0.0

    async def mx(self, domain: str) -> MxAnswer:
        await asyncio.sleep(self.slow)
        return self.records.get(domain, NoData() if domain in self.hosts else NoSuchName())

    async def addresses(self, host: str) -> AddressAnswer:
        known = self.hosts.get(host, NoSuchName())
        return Addresses((ip_address(known),)) if isinstance(known, str) else known


def by_preference(*hosts: str) -> MxRecords:
    return MxRecords(tuple(Mx(n, host) for n, host in enumerate(hosts)))


def nobody(_: Address) -> bool:
    return False


@dataclass
class Desk:
    """A courier and what it works with."""

    courier: Courier
    pool: Pool
    observed: list[object]
    book: Book

    async def deliver(
        self,
        destination: NextHop | Way,
        *paths: ForwardPath,
        reverse_path: ReversePath = FROM,
        chunks: Callable[[], Iterable[bytes]] = lambda: [CONTENT],
        client: Client | None = None,
        patience: float | None = None,
        skip_failed: bool = True,
    ) -> tuple[Outcome, ...]:
        return await self.courier.deliver(
            destination, reverse_path, paths or (ANN,), chunks, client, patience, skip_failed=skip_failed
        )


@asynccontextmanager
async def desk(
    dialer: Dialer | None = None,
    *,
    book: Book | None = None,
    port: int = 25,
    connections: int = 4,
    **options: object,
) -> AsyncIterator[Desk]:
    pool = Pool(dialer or Dialer("relay.example", Timeouts(connect=5, reply=5, content=5)), connections)
    observed: list[object] = []
    known = book or Book()
    options = {"is_ours": nobody, **options}
    wayfinder = Wayfinder(known, port=port, draw=lambda: 0.0, **options)  # type: ignore[arg-type]
    try:
        yield Desk(Courier(pool, wayfinder, observed.append), pool, observed, known)
    finally:
        await pool.close()


def told(outcome: Outcome) -> tuple[str, int | None, str]:
    """Return the kind of an outcome, its code, and who said so."""
    kind = type(outcome).__name__.lower()
    return kind, None if isinstance(outcome, Unknown) else outcome.reply.code, outcome.hop


def kinds(outcomes: Iterable[Outcome]) -> list[str]:
    return [told(outcome)[0] for outcome in outcomes]


def delivered(outcomes: Iterable[Outcome]) -> bool:
    return all(isinstance(outcome, Delivered) for outcome in outcomes)

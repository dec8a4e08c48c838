"""A DNS server on 127.0.0.1, UDP and TCP on one port, that answers what it is told to and counts what it is asked."""

import asyncio
import contextlib
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Self, cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

HANG = "hang"
RUBBISH = "rubbish"
Said = Sequence[str] | dns.rcode.Rcode | str
"""Records as text, a code to answer with, or HANG, RUBBISH."""


class DnsServer:
    """Use as ``async with``; ``zone`` says what is answered to a name and a type."""

    def __init__(
        self,
        zone: dict[tuple[str, str], Said] | None = None,
        *,
        ttl: int = 300,
        negative_ttl: int | None = 300,
        truncate: bool = False,
    ) -> None:
        self.zone = dict(zone or {})
        self.ttl = ttl
        self.negative_ttl = negative_ttl
        self.truncate = truncate  # everything by UDP
        self.asked: Counter[tuple[str, str]] = Counter()
        self.by_tcp = 0
        self.port = 0
        self.hold = asyncio.Event()
        self.hold.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Udp(self), ("127.0.0.1", self.port))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.01)

    def spawn(self, octets: bytes, transport: asyncio.DatagramTransport, address: tuple[str, int]) -> None:
        async def answer() -> None:
            said = await self.answer(octets, truncated=self.truncate)
            if said is not None:
                transport.sendto(said, address)

        self._keep(asyncio.create_task(answer()))

    async def answer(self, octets: bytes, *, truncated: bool) -> bytes | None:
        query = dns.message.from_wire(octets)
        (question,) = query.question
        name, kind = question.name, question.rdtype
        self.asked[name.to_text(omit_final_dot=True), dns.rdatatype.to_text(kind)] += 1
        await self.hold.wait()
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        said = self._fill(response, name, kind)
        if said == HANG:
            return None
        if said == RUBBISH:
            return response.to_wire()[:13]
        if truncated:
            response.flags |= dns.flags.TC
            response.answer.clear()
        return response.to_wire()

    def _fill(
        self, response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> Said:
        """Put into ``response`` what the zone has, aliases followed as a recursive server does."""
        for _ in range(20):
            text = name.to_text(omit_final_dot=True)
            said = self.zone.get((text, dns.rdatatype.to_text(kind)))
            if said is None and (alias := self.zone.get((text, "CNAME"))) is not None:
                response.answer.append(dns.rrset.from_text(name, self.ttl, "IN", "CNAME", *alias))
                name = dns.name.from_text(alias[0])
                continue
            if isinstance(said, str):
                return said
            if isinstance(said, dns.rcode.Rcode):
                response.set_rcode(said)
            elif said:
                response.answer.append(dns.rrset.from_text(name, self.ttl, "IN", kind, *said))
            else:
                self._negative(response, text, known=said is not None)
            return ()
        return ()

    def _negative(self, response: dns.message.Message, text: str, *, known: bool) -> None:
        if not known and not any(there == text for there, _ in self.zone):
            response.set_rcode(dns.rcode.NXDOMAIN)
        if self.negative_ttl is not None:
            soa = f"ns.example. hostmaster.example. 1 2 3 4 {self.negative_ttl}"
            response.authority.append(dns.rrset.from_text(".", self.negative_ttl, "IN", "SOA", soa))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._keep(task)
        try:
            while True:
                (size,) = struct.unpack("!H", await reader.readexactly(2))
                self.by_tcp += 1
                said = await self.answer(await reader.readexactly(size), truncated=False)
                if said is not None:
                    writer.write(struct.pack("!H", len(said)) + said)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            writer.close()

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._server.spawn(data, self._transport, addr)


@contextlib.contextmanager
def in_a_thread(zone: dict[tuple[str, str], Said]) -> Iterator[DnsServer]:
    """A server for those who do not run in an event loop."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(DnsServer(zone).__aenter__())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(server.__aexit__())
        loop.close()


@contextlib.contextmanager
def of_this_machine(
    zone: dict[tuple[str, str], Said], monkeypatch: pytest.MonkeyPatch
) -> Iterator[DnsServer]:
    """A server that stands in this machine's ``resolv.conf``, as far as dnspython reads it."""
    with in_a_thread(zone) as server:

        def read(resolver: dns.resolver.BaseResolver, _: object) -> None:
            resolver.nameservers, resolver.port = ["127.0.0.1"], server.port

        monkeypatch.setattr(dns.resolver.BaseResolver, "read_resolv_conf", read)
        yield server

"""What DNS says, asked for without blocking and kept for a while.  The only importer of dns.

An answer is kept for as long as it says, an hour at most; that there is none, for a minute at most; trouble, for
a few seconds, so that a domain whose servers are away is not asked for by every message that waits for it.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeVar

from relay.delivery.answers import (
    AddressAnswer,
    Addresses,
    Mx,
    MxAnswer,
    MxRecords,
    NameAnswer,
    Names,
    NoData,
    NoSuchName,
    TextAnswer,
    Texts,
    Trouble,
    both_families,
)
from relay.mail.envelope import Address

if TYPE_CHECKING:
    import dns.asyncresolver
    import dns.name
    import dns.resolver

LIFETIME = 10.0
"""Seconds that a look-up may take in all."""

QUERY = 3.0
"""Seconds that one name server has for one query; then the next one is asked."""
LONGEST = 3600.0
"""Seconds for which an answer is kept at most."""
LONGEST_WITHOUT = 60.0
"""Seconds for which it is kept at most that there is no such name or record."""
AFTER_TROUBLE = 5.0
"""Seconds for which it is kept that DNS does not answer."""
_CONFIGURATION = 60.0
"""Seconds after which ``/etc/resolv.conf`` is read again."""

_Said = MxAnswer | AddressAnswer | TextAnswer | NameAnswer
_Value = TypeVar("_Value", MxRecords, Addresses, Texts, Names)


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: _Said
    until: float


class Resolver:
    """Answers with values; used from one event loop.  Equal questions that are asked at the same time are one."""

    def __init__(
        self,
        nameservers: Sequence[str] = (),
        *,
        port: int = 53,
        query: float = QUERY,
        lifetime: float = LIFETIME,
        most_kept: int = 10_000,
    ) -> None:
        """Ask ``nameservers`` (addresses), or without any those of ``/etc/resolv.conf``."""
        self._nameservers = list(nameservers)
        self._port = port
        self._query = query
        self._lifetime = lifetime
        self._most_kept = most_kept
        self._kept: dict[tuple[str, str], _Kept] = {}  # oldest first
        self._asked: dict[tuple[str, str], asyncio.Task[_Said]] = {}
        self._stub: dns.asyncresolver.Resolver | None = None
        self._stub_until = 0.0

    async def mx(self, domain: str) -> MxAnswer:
        """Return the MX records of ``domain``, a name in A-labels."""
        return _of(MxRecords, await self._answer(domain, "MX"))

    async def addresses(self, host: str) -> AddressAnswer:
        """Return the addresses of ``host``, of both families; the hosts file does not count."""
        return both_families(*await asyncio.gather(self.of_family(host, 4), self.of_family(host, 6)))

    async def of_family(self, host: str, version: int) -> AddressAnswer:
        """Return the addresses of ``host`` of one family, ``version`` 4 or 6."""
        return _of(Addresses, await self._answer(host, "A" if version == 4 else "AAAA"))

    async def texts(self, name: str) -> TextAnswer:
        """Return the TXT records of ``name``."""
        return _of(Texts, await self._answer(name, "TXT"))

    async def names_of(self, address: Address) -> NameAnswer:
        """Return the names that ``address`` has (PTR)."""
        return _of(Names, await self._answer(address.reverse_pointer, "PTR"))

    async def close(self) -> None:
        """Stop asking; whoever waits for an answer is cancelled."""
        for task in (asked := list(self._asked.values())):
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    async def _answer(self, name: str, kind: str) -> _Said:
        question = name.lower().removesuffix("."), kind
        kept = self._kept.get(question)
        if kept is not None and kept.until > _now():
            return kept.answer
        task = self._asked.get(question)
        if task is None:
            task = asyncio.create_task(self._ask(*question))
            self._asked[question] = task
            task.add_done_callback(lambda _: self._asked.pop(question))
        return await asyncio.shield(task)

    async def _ask(self, name: str, kind: str) -> _Said:
        import dns.exception
        import dns.name
        import dns.resolver

        try:
            if not name.isascii():
                return NoSuchName()
            asked = dns.name.from_text(name)
        except (dns.exception.DNSException, ValueError):
            return NoSuchName()
        try:
            found = await self._configured().resolve(asked, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as none:
            seconds = none.response(asked).resolve_chaining().minimum_ttl  # type: ignore[no-untyped-call]
            return self._keep(name, kind, NoSuchName(), min(seconds, LONGEST_WITHOUT))
        except (dns.exception.DNSException, OSError) as trouble:
            return self._keep(name, kind, Trouble(_words(trouble)), AFTER_TROUBLE)
        seconds = found.chaining_result.minimum_ttl
        if found.rrset is None:
            return self._keep(name, kind, NoData(), min(seconds, LONGEST_WITHOUT))
        return self._keep(name, kind, _value(kind, found), min(seconds, LONGEST))

    def _configured(self) -> "dns.asyncresolver.Resolver":
        """Return dnspython's resolver, whose own cache is off; it is made anew so that resolv.conf is read again."""
        import dns.asyncresolver

        if self._stub is None or self._stub_until <= _now():
            self._stub = dns.asyncresolver.Resolver(configure=not self._nameservers)
            self._stub_until = _now() + _CONFIGURATION
            self._stub.timeout, self._stub.lifetime = self._query, self._lifetime
            if self._nameservers:
                self._stub.nameservers, self._stub.port = self._nameservers, self._port
        return self._stub

    def _keep(self, name: str, kind: str, answer: _Said, seconds: float) -> _Said:
        self._kept.pop((name, kind), None)
        if seconds > 0:
            self._kept[name, kind] = _Kept(answer, _now() + seconds)
        if len(self._kept) > self._most_kept:
            del self._kept[next(iter(self._kept))]
        return answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What DNS says of a host."""

    addresses: tuple[str, ...]
    trouble: str = ""
    """Why there is no address, in words; empty if there is one."""

    @property
    def found(self) -> bool:
        """There is an address."""
        return bool(self.addresses)

    @property
    def words(self) -> str:
        """The addresses, or the trouble."""
        return ", ".join(self.addresses) or self.trouble


def addresses_of(host: str) -> Answer:
    """Look ``host`` up as a delivery would, hosts file included; trouble is a value that says what DNS has to say."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return Answer((), _why_not(host))
    return Answer(tuple(dict.fromkeys(str(place[0]) for *_, place in found)))


def _why_not(host: str) -> str:
    import dns.exception
    import dns.resolver

    try:
        dns.resolver.resolve_name(host, lifetime=LIFETIME)
    except dns.resolver.NXDOMAIN:
        return "there is no such name"
    except dns.resolver.NoAnswer:
        return "the name has no address"
    except (dns.exception.DNSException, OSError) as error:
        return f"DNS does not answer ({type(error).__name__})"
    return "this machine cannot look it up, though DNS has it"


def _value(kind: str, found: "dns.resolver.Answer") -> _Said:
    """Return the records in a fixed order: dnspython's is another each time."""
    match kind:
        case "MX":
            records = [Mx(record.preference, _host(record.exchange)) for record in found]
            return MxRecords(tuple(sorted(records, key=lambda record: (record.preference, record.host))))
        case "TXT":
            return Texts(tuple(sorted(b"".join(record.strings) for record in found)))
        case "PTR":
            return Names(tuple(sorted(_host(record.target) for record in found)))
        case _:
            return Addresses(tuple(sorted(ip_address(record.address) for record in found)))


def _of(kind: type[_Value], said: _Said) -> _Value | NoSuchName | NoData | Trouble:
    assert isinstance(said, (kind, NoSuchName, NoData, Trouble)), "a question is answered in its own kind"
    return said


def _host(name: "dns.name.Name") -> str:
    return name.to_text(omit_final_dot=True).lower().removesuffix(".")


def _words(trouble: Exception) -> str:
    import dns.exception
    import dns.resolver

    match trouble:
        case dns.exception.Timeout():
            return "no answer in time"
        case dns.resolver.NoNameservers():
            return "its name servers have no answer"
        case _:
            return f"DNS is no help ({type(trouble).__name__})"


def _now() -> float:
    return asyncio.get_running_loop().time()

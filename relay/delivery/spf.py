"""Whether a domain's SPF record permits an address to send in its name: ``check_host`` of RFC 7208 section 4.

Asked by ``check --dns`` about our own mail; what others send us is not judged by it.
"""

from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import Protocol

from relay.delivery.answers import (
    AddressAnswer,
    Addresses,
    MxAnswer,
    MxRecords,
    NameAnswer,
    Names,
    TextAnswer,
    Texts,
    Trouble,
)
from relay.mail.envelope import Address
from relay.mail.spf import (
    Meaning,
    Mechanism,
    Record,
    Result,
    expand,
    is_spf,
    read_record,
    uses_validated_name,
)

MOST_LOOKUPS = 10
"""Terms that ask DNS, and hosts of one ``mx`` or names of one ``ptr`` (RFC 7208 4.6.4)."""
MOST_VOID = 2
"""Look-ups without an answer."""


class Lookup(Protocol):
    """Answers from DNS; trouble is a value."""

    async def texts(self, name: str) -> TextAnswer:
        """Return the TXT records of ``name``."""
        ...

    async def mx(self, domain: str) -> MxAnswer:
        """Return the MX records of ``domain``."""
        ...

    async def of_family(self, host: str, version: int) -> AddressAnswer:
        """Return the addresses of ``host`` of one family, ``version`` 4 or 6."""
        ...

    async def names_of(self, address: Address) -> NameAnswer:
        """Return the names that ``address`` has (PTR)."""
        ...


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a domain's record says of an address, and why."""

    result: Result
    because: str
    record: str = ""
    """The domain's own record, if there is one and no other beside it."""


class _NoResultError(Exception):
    """The evaluation ends with an error (temperror, permerror) wherever it was."""

    def __init__(self, result: Result, words: str) -> None:
        super().__init__(words)
        self.result = result


async def check_host(address: Address, domain: str, sender: str, helo: str, lookup: Lookup) -> Opinion:
    """Return what the SPF record of ``domain``, a name in A-labels, says of mail from ``address``."""
    evaluation = _Evaluation(lookup, Meaning(address, sender, helo))
    try:
        texts = await evaluation.records(domain)
        if not texts:
            return Opinion(Result.NONE, f"{domain} has no SPF record")
    except _NoResultError as end:
        return Opinion(end.result, str(end))
    try:
        result, because = await evaluation.of_record(domain, texts[0])
    except _NoResultError as end:
        result, because = end.result, str(end)
    return Opinion(result, because, texts[0])


@dataclass(slots=True)
class _Evaluation:
    """One evaluation with the look-ups it has spent."""

    lookup: Lookup
    meaning: Meaning
    lookups: int = 0
    void: int = 0
    validated: list[str] | None = field(default=None)

    async def records(self, domain: str) -> list[str]:
        """Return the one SPF record of ``domain``, or nothing."""
        answer = await self.lookup.texts(domain)
        if isinstance(answer, Trouble):
            raise _NoResultError(Result.TEMPERROR, f"DNS does not say what {domain} permits: {answer.words}")
        said = answer.records if isinstance(answer, Texts) else ()
        found = [text for octets in said if is_spf(text := octets.decode("utf-8", "backslashreplace"))]
        if len(found) > 1:
            raise _NoResultError(
                Result.PERMERROR, f"{domain} has {len(found)} SPF records, where one is allowed"
            )
        return found

    async def of_record(self, domain: str, text: str) -> tuple[Result, str]:
        try:
            record = read_record(text)
        except ValueError as wrong:
            raise _NoResultError(Result.PERMERROR, f"in the SPF record of {domain} {wrong}") from None
        await self._validate(record)
        for mechanism in record.mechanisms:
            if await self._matches(mechanism, domain):
                return mechanism.result, f"{mechanism.text} in the SPF record of {domain} says so"
        if record.redirect is None:
            return Result.NEUTRAL, f"no term of the SPF record of {domain} matches"
        return await self._redirected(record.redirect, domain)

    async def _redirected(self, redirect: str, domain: str) -> tuple[Result, str]:
        self._count(f"redirect={redirect}")
        target = expand(redirect, domain, self.meaning)
        texts = await self.records(target)
        if not texts:
            raise _NoResultError(Result.PERMERROR, f"{domain} redirects to {target}, which has no SPF record")
        return await self.of_record(target, texts[0])

    async def _matches(self, mechanism: Mechanism, domain: str) -> bool:
        if mechanism.name == "all":
            return True
        if mechanism.network is not None:
            return self.meaning.address in mechanism.network
        self._count(mechanism.text)
        target = expand(mechanism.domain, domain, self.meaning) if mechanism.domain else domain
        match mechanism.name:
            case "include":
                return await self._included(target, domain)
            case "exists":
                return bool(await self._addresses(target, 4))
            case "a":
                return self._near(await self._addresses(target), mechanism)
            case "mx":
                return await self._among_mx(target, mechanism)
            case _:
                target = target.lower()
                return any(name == target or name.endswith(f".{target}") for name in await self._names())

    async def _included(self, target: str, domain: str) -> bool:
        texts = await self.records(target)
        if not texts:
            raise _NoResultError(Result.PERMERROR, f"{domain} includes {target}, which has no SPF record")
        result, _ = await self.of_record(target, texts[0])
        return result is Result.PASS

    async def _among_mx(self, target: str, mechanism: Mechanism) -> bool:
        answer = await self.lookup.mx(target)
        self._note(target, answer)
        hosts = [record.host for record in answer.records] if isinstance(answer, MxRecords) else []
        if len(hosts) > MOST_LOOKUPS:
            raise _NoResultError(Result.PERMERROR, f"{target} has more than {MOST_LOOKUPS} MX records")
        for host in filter(None, hosts):
            if self._near(await self._addresses(host), mechanism):
                return True
        return False

    async def _addresses(self, host: str, version: int = 0) -> tuple[Address, ...]:
        answer = await self.lookup.of_family(host, version or self.meaning.address.version)
        self._note(host, answer)
        return answer.addresses if isinstance(answer, Addresses) else ()

    def _near(self, addresses: tuple[Address, ...], mechanism: Mechanism) -> bool:
        length = mechanism.four if self.meaning.address.version == 4 else mechanism.six
        return any(
            self.meaning.address in ip_network(f"{address}/{length}", strict=False) for address in addresses
        )

    async def _names(self) -> list[str]:
        """Return the names of the address that lead back to it (RFC 7208 5.5); trouble is no name."""
        if self.validated is None:
            self.validated = []
            answer = await self.lookup.names_of(self.meaning.address)
            names = answer.names[:MOST_LOOKUPS] if isinstance(answer, Names) else ()
            for name in names:
                back = await self.lookup.of_family(name, self.meaning.address.version)
                if isinstance(back, Addresses) and self.meaning.address in back.addresses:
                    self.validated.append(name)
        return self.validated

    async def _validate(self, record: Record) -> None:
        if uses_validated_name(record) and (names := await self._names()):
            self.meaning = replace(self.meaning, validated_name=names[0])

    def _count(self, term: str) -> None:
        self.lookups += 1
        if self.lookups > MOST_LOOKUPS:
            raise _NoResultError(
                Result.PERMERROR,
                f"{term} is one look-up too many: {MOST_LOOKUPS} are allowed, includes counted",
            )

    def _note(self, name: str, answer: AddressAnswer | MxAnswer) -> None:
        """Count an answer without a record; raise where DNS does not answer."""
        if isinstance(answer, Trouble):
            raise _NoResultError(Result.TEMPERROR, f"DNS does not answer for {name}: {answer.words}")
        if isinstance(answer, (Addresses, MxRecords)):
            return
        self.void += 1
        if self.void > MOST_VOID:
            raise _NoResultError(
                Result.PERMERROR, f"{name} is the third name in it that does not exist, where two are allowed"
            )

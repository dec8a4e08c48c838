"""Where mail for us arrives: what DNS says of our own name and of the domains whose mail is the helpdesk's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from relay.delivery.answers import AddressAnswer, Addresses, MxAnswer, MxRecords, NoData, Trouble
from relay.delivery.wayfinder import Lookup
from relay.mail.envelope import Address
from relay.service.survey.point import About, Answer, Point, record


@dataclass(frozen=True, slots=True)
class Ourselves:
    """How this server is known."""

    hostname: str
    """In A-labels."""
    addresses: tuple[Address, ...]
    """Those of ``hostname``."""
    is_ours: Callable[[Address], bool]

    def are(self, host: str, answer: AddressAnswer) -> bool:
        """Tell whether ``host``, of which DNS says ``answer``, is this server."""
        found = answer.addresses if isinstance(answer, Addresses) else ()
        return host == self.hostname or any(
            address in self.addresses or self.is_ours(address) for address in found
        )


def hostname_point(hostname: str, answer: AddressAnswer, seen: Sequence[Address]) -> Point:
    """Say whether our own name has an address (``answer``); ``seen`` are those that we send from, if known."""
    if isinstance(answer, Addresses):
        return Point(About.HOSTNAME, hostname, Answer.YES, ", ".join(map(str, answer.addresses)))
    if "." not in hostname:
        words = (
            "our name is no full one, and servers on the Internet want one; write hostname: relay.company.com"
        )
        return Point(About.HOSTNAME, hostname, Answer.WARNING, words)
    if isinstance(answer, Trouble):
        return Point(About.HOSTNAME, hostname, Answer.WARNING, answer.words)
    words = "our name has no address: some servers refuse mail from who calls himself so"
    wanted = [record(hostname, "A" if address.version == 4 else "AAAA", str(address)) for address in seen]
    wanted = wanted or [record(hostname, "A", "<the address of this server>")]
    return Point(About.HOSTNAME, hostname, Answer.WARNING, words, tuple(wanted))


async def arrival(domain: str, us: Ourselves, lookup: Lookup) -> list[Point]:
    """Say whether mail for ``domain`` arrives at this server; elsewhere may be right, where that server hands it on."""
    answer = await lookup.mx(domain)
    if isinstance(answer, Trouble):
        return [Point(About.ARRIVAL, domain, Answer.WARNING, answer.words)]
    wanted = (record(domain, "MX", f"10 {us.hostname}."),) if "." in us.hostname else ()
    hosts = await _hosts(domain, answer, lookup)
    if not hosts:
        return [Point(About.ARRIVAL, domain, Answer.WARNING, "no server takes mail for it", wanted)]
    ours = [host for host in hosts if us.are(host, await lookup.addresses(host))]
    if ours:
        return [Point(About.ARRIVAL, domain, Answer.YES, f"{', '.join(ours)} is this server")]
    words = f"{', '.join(hosts)} takes it: right if that server hands it on to this one, else publish what is named"
    return [Point(About.ARRIVAL, domain, Answer.HINT, words, wanted)]


async def _hosts(domain: str, answer: MxAnswer, lookup: Lookup) -> list[str]:
    if isinstance(answer, MxRecords):
        return [each.host for each in answer.records if each.host]
    if isinstance(answer, NoData) and isinstance(await lookup.addresses(domain), Addresses):
        return [domain]  # implicit MX
    return []

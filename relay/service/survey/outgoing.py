"""From which addresses our mail leaves, as far as it can be told from here, and what DNS calls them."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Protocol

from relay.delivery.answers import NameAnswer, Names, Trouble
from relay.delivery.wire import Link
from relay.mail.envelope import Address
from relay.service.survey.point import About, Answer, Point, record
from relay.service.survey.servers import on_the_internet


class Lookup(Protocol):
    """Answers from DNS; trouble is a value."""

    async def names_of(self, address: Address) -> NameAnswer:
        """Return the names that ``address`` has (PTR)."""
        ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The addresses that servers on the Internet see."""

    addresses: tuple[Address, ...]
    """At best one of each family; empty where nothing at all is known."""
    doubt: str = ""
    """Why they are only assumed, and how to tell; empty where a server was reached from them."""


def outgoing(links: Sequence[Link], named: Sequence[Address]) -> Outgoing:
    """Return the addresses from which servers were reached; ``named``, those of ``hostname``, where nobody can know."""
    outside = [link for link in links if on_the_internet(link.theirs)]
    seen = dict.fromkeys(link.ours for link in outside if on_the_internet(link.ours))
    if seen:
        return Outgoing(tuple(map(ip_address, seen)))
    assumed = tuple(address for address in named if on_the_internet(str(address)))
    return Outgoing(assumed, _doubt(outside, links) + _HOW_TO_TELL)


_HOW_TO_TELL = (
    "; the topmost Received field that the next server writes on a message of yours names the right one"
)


def _doubt(outside: Sequence[Link], links: Sequence[Link]) -> str:
    if outside:
        return f"mail leaves this machine from {outside[0].ours}, and a gateway gives it another address"
    if links:
        return "no server on the Internet was reached: who sends for us there, and from which address, is not known"
    return "no server was reached, so our outgoing address is not known"


async def reverse_name(address: Address, hostname: str, lookup: Lookup) -> list[Point]:
    """Say whether ``address`` has our name (PTR), which many servers want of whoever brings them mail."""
    answer = await lookup.names_of(address)
    of = str(address)
    if isinstance(answer, Trouble):
        return [Point(About.REVERSE_NAME, of, Answer.WARNING, answer.words)]
    if isinstance(answer, Names) and hostname in answer.names:
        return [Point(About.REVERSE_NAME, of, Answer.YES, f"it is called {hostname}")]
    called = f"it is called {', '.join(answer.names)}" if isinstance(answer, Names) else "it has no name"
    words = f"{called}, not {hostname}: some servers refuse such mail; whoever gave you the address publishes"
    wanted = record(address.reverse_pointer, "PTR", f"{hostname}.")
    return [Point(About.REVERSE_NAME, of, Answer.WARNING, words, (wanted,))]

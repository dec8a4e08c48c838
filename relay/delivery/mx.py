"""The way to a domain: from what DNS says to next hops in order (RFC 5321 5.1, RFC 7505).  Pure.

====================================================  =========================================================
DNS, or the domain itself                             the way
====================================================  =========================================================
an address literal                                    that address
MX records                                            their hosts by preference, equals shuffled, every address
no MX record, the domain has addresses                the domain itself (implicit MX)
an MX record that is the root, alone (null MX)        failed 556 5.1.10
no such domain; neither MX nor address                failed 550 5.1.2
MX records, none of whose hosts has an address        failed 550 5.4.4
DNS does not answer, and nothing usable is known      deferred 451 4.4.3
we are among the hosts                                those that are preferred to us; if there is none, failed 554 5.4.6
====================================================  =========================================================
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from itertools import chain, zip_longest

from relay.delivery.answers import (
    AddressAnswer,
    Addresses,
    Mx,
    MxAnswer,
    NoData,
    NoSuchName,
    Trouble,
)
from relay.mail.envelope import Address, plain_address
from relay.mail.hop import NextHop, Scheme
from relay.mail.outcome import Deferred, Failed
from relay.mail.reply import Reply

MOST_HOSTS = 20
"""MX hosts of a domain whose addresses are asked for."""
MOST_HOPS = 10
"""Addresses that are tried for one forward-path in one attempt."""

HopsInOrder = tuple[NextHop, ...] | Deferred | Failed
"""Next hops in the order in which they are tried, at least one; or the outcome, where there is none."""

_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_LITERAL = re.compile(r"\[(?:(?P<six>ipv6:)?(?P<address>[0-9a-f.:]+))\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a way depends on beside the domain and DNS."""

    is_us: Callable[[str, Sequence[Address]], bool]
    """Tells whether the host of this name (empty for an address literal) and these addresses is this server."""
    draw: Callable[[], float]
    """Gives the random numbers by which equals are shuffled."""
    port: int = 25


def way_without_dns(domain: str, scheme: Scheme, terms: Terms) -> HopsInOrder | None:
    """Return the way to an address literal (RFC 5321 4.1.3), or to nothing; None where DNS has to be asked."""
    if _HOST.fullmatch(domain):
        return None
    address = _literal(domain)
    if address is None:
        return Failed(
            Reply(550, "5.1.2", f"{domain or 'An empty domain'} is nothing that mail can be sent to")
        )
    if terms.is_us("", (address,)):
        return _loops(domain)
    return (NextHop(scheme, str(address), terms.port),)


def hosts_of(domain: str, answer: MxAnswer) -> tuple[Mx, ...] | Deferred | Failed:
    """Return the hosts whose addresses are to be asked for, the preferred first; or the outcome, if that is clear."""
    match answer:
        case Trouble(words):
            return _dns_trouble(domain, words)
        case NoSuchName():
            return Failed(Reply(550, "5.1.2", f"There is no domain {domain}"))
        case NoData():
            return (Mx(0, domain),)
    if all(not record.host for record in answer.records):
        return Failed(Reply(556, "5.1.10", f"The domain {domain} takes no mail (null MX)"))
    usable = [record for record in answer.records if _HOST.fullmatch(record.host)]
    if not usable:
        return _no_address(domain)
    return tuple(sorted(usable, key=lambda record: record.preference)[:MOST_HOSTS])


def way_to(
    domain: str, answer: MxAnswer, found: Mapping[str, AddressAnswer], scheme: Scheme, terms: Terms
) -> HopsInOrder:
    """Return the way to ``domain``; ``found`` are the addresses of ``hosts_of``, by name."""
    hosts = hosts_of(domain, answer)
    if not isinstance(hosts, tuple):
        return hosts
    known = [(host, _addresses(found.get(host.host))) for host in hosts]
    ours = [host.preference for host, addresses in known if terms.is_us(host.host, addresses)]
    left = [(host, addresses) for host, addresses in known if not ours or host.preference < min(ours)]
    if not left:
        return _loops(domain)
    left.sort(key=lambda pair: (pair[0].preference, terms.draw()))
    hops = dict.fromkeys(
        NextHop(scheme, str(address), terms.port, name=host.host)
        for host, addresses in left
        for address in _in_turn(addresses, terms.draw)
    )
    if hops:
        return tuple(hops)[:MOST_HOPS]
    troubles = [trouble for host, _ in left if isinstance(trouble := found.get(host.host), Trouble)]
    if troubles:
        return _dns_trouble(domain, troubles[0].words)
    if isinstance(answer, NoData):
        return Failed(Reply(550, "5.1.2", f"The domain {domain} has neither a mail server nor an address"))
    return _no_address(domain)


def _literal(domain: str) -> Address | None:
    found = _LITERAL.fullmatch(domain)
    if found is None:
        return None
    try:
        return plain_address(IPv6Address(found["address"])) if found["six"] else IPv4Address(found["address"])
    except ValueError:
        return None


def _addresses(answer: AddressAnswer | None) -> tuple[Address, ...]:
    return answer.addresses if isinstance(answer, Addresses) else ()


def _in_turn(addresses: Sequence[Address], draw: Callable[[], float]) -> list[Address]:
    """Return IPv6 and IPv4 in turn, each shuffled, so that a family that is cut off costs one try and not all."""
    shuffled = sorted(addresses, key=lambda _: draw())
    six = [address for address in shuffled if address.version == 6]
    four = [address for address in shuffled if address.version == 4]
    return [address for address in chain.from_iterable(zip_longest(six, four)) if address is not None]


def _loops(domain: str) -> Failed:
    return Failed(Reply(554, "5.4.6", f"Mail for {domain} comes back to this server"))


def _no_address(domain: str) -> Failed:
    return Failed(Reply(550, "5.4.4", f"None of the mail servers of {domain} has an address"))


def _dns_trouble(domain: str, words: str) -> Deferred:
    return Deferred(Reply(451, "4.4.3", f"DNS does not say where mail for {domain} goes: {words}"))

"""Look up where mail goes: the MX records of a domain, the addresses of a named server."""

import asyncio
from ipaddress import ip_address

from relay.delivery.answers import Addresses, MxRecords, NoData
from relay.delivery.resolver import addresses_of
from relay.delivery.wayfinder import Lookup, Wayfinder
from relay.mail.hop import NextHop
from relay.mail.outcome import Deferred, Failed
from relay.service.survey.point import About, Answer, Point
from relay.service.survey.targets import POSTMASTER, ByMx, Target

_LOOPS = "5.4.6"

Found = tuple[list[Point], tuple[NextHop, ...]]
"""What is to be said, and the servers to which mail would go."""


async def found_by_name(target: Target, hop: NextHop) -> Found:
    """Look a named server up, as a delivery would (the hosts file counts)."""
    if not hop.host or _is_address(hop.host):
        return [], (hop,)
    answer = await asyncio.to_thread(addresses_of, hop.host)
    of = of_target(hop.host, target)
    if not answer.found:
        return [Point(About.WAY, of, Answer.NO, answer.words)], ()
    return [Point(About.WAY, of, Answer.YES, answer.words)], (hop,)


async def found_by_mx(target: Target, to: ByMx, wayfinder: Wayfinder, lookup: Lookup) -> Found:
    """Look the servers of a domain up, as a delivery would."""
    hops = await wayfinder.hops_to(to.domain, to.scheme)
    of = of_target(to.domain, target)
    if isinstance(hops, Deferred | Failed):
        return [Point(About.WAY, of, Answer.NO, hops.reply.text + _remedy(target, hops))], ()
    answer = await lookup.mx(to.domain)
    if isinstance(answer, NoData):
        words = "no MX record, so its own addresses (implicit MX): " + ", ".join(hop.host for hop in hops)
        return [Point(About.WAY, of, Answer.YES, words)], hops
    if not isinstance(answer, MxRecords):  # an address literal
        return [Point(About.WAY, of, Answer.YES, "an address, no name")], hops
    listed = ", ".join(f"{record.preference} {record.host or '.'}" for record in answer.records)
    left_out = sorted({record.host for record in answer.records} - {hop.name for hop in hops})
    points = [await _left_out(host, to.domain, lookup) for host in left_out]
    return [Point(About.WAY, of, Answer.YES, f"MX {listed}"), *points], hops


async def _left_out(host: str, domain: str, lookup: Lookup) -> Point:
    if isinstance(await lookup.addresses(host), Addresses):
        words = (
            f"not tried for {domain}: it is this server itself, or no better than it, or there are too many"
        )
        return Point(About.WAY, host, Answer.HINT, words)
    return Point(
        About.WAY, host, Answer.WARNING, f"an MX record of {domain} names it, and it has no address now"
    )


def _remedy(target: Target, outcome: Deferred | Failed) -> str:
    if outcome.reply.enhanced != _LOOPS:
        return ""
    if target.whose == (POSTMASTER,):
        return "; set postmaster to an address that somebody reads"
    return "; write where the helpdesk takes it: channels.<name>.forward_to, or a server in place of mx"


def of_target(name: str, target: Target) -> str:
    """Return ``name`` with whose mail goes there."""
    return f"{name} ({_listed(target.whose)})"


def _listed(names: tuple[str, ...]) -> str:
    most = 3
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

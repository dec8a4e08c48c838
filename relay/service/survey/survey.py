"""Look at everything around us that channels.yaml needs: DNS, next hops, our own names; bounded in time in all.

What DNS or a server does not answer is an answer, too: nothing here raises for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from relay.channels import ChannelBook
from relay.delivery import spf, wayfinder
from relay.delivery.answers import AddressAnswer, Addresses, Trouble
from relay.delivery.client import Timeouts
from relay.delivery.handshake import Dialer
from relay.delivery.ourselves import is_our_address
from relay.delivery.resolver import Resolver
from relay.delivery.route import Routes
from relay.delivery.wayfinder import Wayfinder
from relay.mail.address import normal_domain
from relay.mail.envelope import Address
from relay.mail.hop import NextHop
from relay.service.in_force import hostname_of
from relay.service.survey.arrival import Ourselves, arrival, hostname_point
from relay.service.survey.forwarding import spf_points, srs_points
from relay.service.survey.outgoing import Outgoing, outgoing, reverse_name
from relay.service.survey.point import About, Answer, Point
from relay.service.survey.servers import Dial, Seen, look_at
from relay.service.survey.targets import ByMx, Target, foreign_domains, targets_of
from relay.service.survey.ways import Found, found_by_mx, found_by_name, of_target
from relay.service.translate import routes_of
from relay.settings.model import DeliverSettings, Settings

STAGE = 15.0
"""Seconds for each of the three stages: ways, servers, names."""
AT_ONCE = 10
"""Look-ups, or servers, at a time."""
_CONNECT, _REPLY = 5.0, 10.0
"""Seconds that a server has at most, if ``deliver.timeouts`` allow as much."""
_NO_TIME = "there was no time left to look"

_T = TypeVar("_T")


class Lookup(wayfinder.Lookup, spf.Lookup, Protocol):
    """Answers from DNS; trouble is a value."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a survey works with."""

    lookup: Lookup
    dial: Dial
    is_ours: Callable[[Address], bool] = is_our_address
    port: int = 25
    """Where the servers in MX records listen."""
    stage: float = STAGE


async def surveyed(settings: Settings) -> tuple[Point, ...]:
    """Look with this machine's own means; UnreadableFileError where ``deliver.tls.ca`` cannot be used."""
    resolver = Resolver()
    try:
        return await survey(settings, Means(resolver, dialer_of(settings.deliver, hostname_of(settings))))
    finally:
        await resolver.close()


def dialer_of(deliver: DeliverSettings, hostname: str) -> Dialer:
    """Return what connects as a delivery would, with less patience."""
    connect, reply = deliver.timeouts.connect.total_seconds(), deliver.timeouts.reply.total_seconds()
    timeouts = Timeouts(min(connect or _CONNECT, _CONNECT), min(reply or _REPLY, _REPLY))
    return Dialer(hostname, timeouts, Path(deliver.tls.ca) if deliver.tls.ca else None)


async def survey(settings: Settings, means: Means) -> tuple[Point, ...]:
    """Return what was found, in an order that reads well: ways, servers, our own names, forwarding."""
    hostname = normal_domain(hostname_of(settings))
    book = settings.book()
    routes = routes_of(settings, book, hostname, date.today)
    return await _Survey(settings, book, routes, hostname, means).run()


@dataclass(frozen=True, slots=True)
class _Survey:
    settings: Settings
    book: ChannelBook
    routes: Routes
    hostname: str
    means: Means

    async def run(self) -> tuple[Point, ...]:
        lookup = self.means.lookup
        targets = targets_of(self.settings, self.routes)
        ways: list[_Task[Found]] = [
            _Task(partial(self._way, target), ([_no_way(target)], ())) for target in targets
        ]
        asked: _Task[AddressAnswer] = _Task(partial(lookup.addresses, self.hostname), Trouble(_NO_TIME))
        found, (named,) = await asyncio.gather(self._all(ways), self._all([asked]))
        seen = await self._servers(targets, found)
        addresses = named.addresses if isinstance(named, Addresses) else ()
        leaving = outgoing([each.link for each in seen if each.link is not None], addresses)
        by_mx = any(isinstance(target.to, ByMx) for target in targets)
        return (
            *chain.from_iterable(points for points, _ in found),
            *chain.from_iterable(each.points for each in seen),
            hostname_point(self.hostname, named, () if leaving.doubt else leaving.addresses),
            *await self._names(addresses, leaving, outside=by_mx or not leaving.doubt),
        )

    async def _way(self, target: Target) -> Found:
        if not isinstance(target.to, ByMx):
            return await found_by_name(target, target.to)
        means = self.means
        finder = Wayfinder(
            means.lookup, names=[self.hostname], is_ours=means.is_ours, draw=lambda: 0.0, port=means.port
        )
        return await found_by_mx(target, target.to, finder, means.lookup)

    async def _servers(self, targets: Sequence[Target], found: Sequence[Found]) -> list[Seen]:
        beyond: dict[NextHop, bool] = {}
        for target, (_, hops) in zip(targets, found, strict=True):
            for hop in hops:
                beyond[hop] = beyond.get(hop, False) or target.beyond_ascii
        size = self.settings.limits.message_size
        return await self._all(
            [
                _Task(
                    partial(look_at, hop, self.means.dial, size, beyond_ascii=needed),
                    Seen((Point(About.SERVER, str(hop), Answer.UNREACHABLE, _NO_TIME),)),
                )
                for hop, needed in beyond.items()
            ]
        )

    async def _names(
        self, addresses: tuple[Address, ...], leaving: Outgoing, *, outside: bool
    ) -> Iterable[Point]:
        lookup, book, deliver = self.means.lookup, self.book, self.settings.deliver
        us = Ourselves(self.hostname, addresses, self.means.is_ours)
        foreign = foreign_domains(self.settings, self.routes)
        tasks = [
            _Task(
                partial(reverse_name, address, self.hostname, lookup),
                _unknown(About.REVERSE_NAME, str(address)),
            )
            for address in (leaving.addresses if outside else ())
        ]
        tasks += [
            _Task(partial(arrival, domain, us, lookup), _unknown(About.ARRIVAL, domain))
            for domain in sorted(book.channel_domains | book.domains)
        ]
        tasks.append(
            _Task(partial(srs_points, deliver, foreign, us, lookup), _unknown(About.SRS, self.hostname))
        )
        rewritten = {self.hostname} if deliver.srs_secret is not None else set()
        kept = (book.channel_domains | book.domains | book.inside) - rewritten if foreign else set()
        tasks += [
            _Task(
                partial(spf_points, domain, leaving, lookup, rewritten=domain in rewritten),
                _unknown(About.SPF, domain),
            )
            for domain in (*rewritten, *sorted(kept))
        ]
        points = await self._all(tasks)
        return chain.from_iterable(points)

    async def _all(self, tasks: Sequence["_Task[_T]"]) -> list[_T]:
        """Return the tasks' values in order; in place of one that is not there in time, what it has for that."""
        gate = asyncio.Semaphore(AT_ONCE)
        deadline = asyncio.get_running_loop().time() + self.means.stage

        async def one(task: _Task[_T]) -> _T:
            try:
                async with asyncio.timeout_at(deadline), gate:
                    return await task.act()
            except TimeoutError:
                return task.late

        return await asyncio.gather(*map(one, tasks))


@dataclass(frozen=True, slots=True)
class _Task(Generic[_T]):
    act: Callable[[], Awaitable[_T]]
    late: _T
    """What holds where it takes too long."""


def _no_way(target: Target) -> Point:
    to = target.to
    return Point(
        About.WAY, of_target(to.domain if isinstance(to, ByMx) else to.host, target), Answer.NO, _NO_TIME
    )


def _unknown(about: About, of: str) -> list[Point]:
    return [Point(about, of, Answer.WARNING, _NO_TIME)]

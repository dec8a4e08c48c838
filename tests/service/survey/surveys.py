"""A survey of a channels.yaml, with DNS and servers on loopback."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from relay.delivery.client import Timeouts
from relay.delivery.handshake import Dialer
from relay.delivery.resolver import Resolver
from relay.service.survey.point import About, Answer, Point
from relay.service.survey.survey import Means, survey
from relay.settings.parse import parse_settings
from tests.delivery.dns_server import DnsServer, Said
from tests.hosted import POSTMASTER, hosted_channels

Zone = dict[tuple[str, str], Said]
NAME = "relay.company.com"
HOSTED = hosted_channels(
    'helpdesk: mx+starttls, reports: mx, srs_secret: "a long and random one", mode: spool',
    f"{POSTMASTER}limits: {{message_size: 1000000B}}\n",
)
ZONE: Zone = {
    (NAME, "A"): ["192.0.2.7"],
    (NAME, "TXT"): ['"v=spf1 ip4:192.0.2.7 -all"'],
    ("7.2.0.192.in-addr.arpa", "PTR"): [f"{NAME}."],
    ("company.com", "MX"): ["10 mail.company.com."],
    ("company.com", "TXT"): ['"v=spf1 ip4:192.0.2.7 -all"'],
    ("mail.company.com", "A"): ["127.0.0.9"],
    ("desk.example", "MX"): ["10 mx1.desk.example.", "20 mx2.desk.example."],
    ("mx1.desk.example", "A"): ["127.0.0.2"],
    ("mx2.desk.example", "A"): ["127.0.0.3"],
}


@dataclass
class Surveys:
    """What was found, to be asked."""

    points: Sequence[Point] = field(default_factory=tuple)

    def about(self, about: About, of: str = "") -> list[Point]:
        """Those of this very name, or else those in whose name it stands."""
        found = [point for point in self.points if point.about is about and of in point.of]
        return [point for point in found if point.of == of] or found

    def one(self, about: About, of: str = "") -> Point:
        (point,) = self.about(about, of)
        return point

    def wrong(self) -> list[tuple[About, str]]:
        return [(point.about, point.of) for point in self.points if point.answer is Answer.NO]


@asynccontextmanager
async def dns(zone: Zone) -> AsyncIterator[Resolver]:
    async with DnsServer(zone) as server:
        resolver = Resolver(["127.0.0.1"], port=server.port, query=0.3, lifetime=0.5)
        try:
            yield resolver
        finally:
            await resolver.close()


async def surveyed(
    text: str = HOSTED,
    *,
    changes: Zone | None = None,
    port: int = 1,
    ca: Path | None = None,
    stage: float = 15,
) -> Surveys:
    """Survey ``text`` in ``ZONE`` with ``changes``; MX hosts listen on ``port``."""
    async with dns({**ZONE, **(changes or {})}) as resolver:
        dial = Dialer(NAME, Timeouts(1, 1, 1), ca)
        means = Means(resolver, dial, is_ours=lambda _: False, port=port, stage=stage)
        settings = parse_settings(text, "channels.yaml", Path("/x"), {})
        return Surveys(await survey(settings, means))

"""Ask a server what it offers: connect, EHLO, TLS, login, as a delivery would; no mail is sent."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from relay.delivery.client import Connection
from relay.delivery.commands import Announced
from relay.delivery.faults import NoConnectionError, NoTlsError, UnreachableError
from relay.delivery.wire import Link
from relay.mail.hop import NextHop, Scheme
from relay.service.survey.point import About, Answer, Point

Dial = Callable[[NextHop], Awaitable[Connection]]
_LEAVE_WITHIN = 2.0
_INSIDE = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers' NAT
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "::/127",
            "fc00::/7",
            "fe80::/10",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server showed."""

    points: tuple[Point, ...]
    link: Link | None = None
    """None where there was no connection."""


def on_the_internet(address: str) -> bool:
    """Tell whether everybody can know ``address``: it is not of a private network, of this machine, or empty."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return not any(parsed.version == inside.version and parsed in inside for inside in _INSIDE)


async def look_at(hop: NextHop, dial: Dial, message_size: int, *, beyond_ascii: bool) -> Seen:
    """Connect to ``hop`` and say what it offers; ``message_size`` is the largest content that we take (0: any)."""
    try:
        connection = await dial(hop)
    except UnreachableError as fault:
        words = f"not reachable from here: {fault}"
        return Seen((Point(About.SERVER, str(hop), Answer.UNREACHABLE, words),))
    except NoTlsError as fault:
        return Seen((Point(About.TLS, str(hop), Answer.NO, f"{fault}; {_remedy(hop)}"),))
    except NoConnectionError as fault:
        for_now = fault.reply is not None and fault.reply.temporary
        return Seen((Point(About.SERVER, str(hop), Answer.WARNING if for_now else Answer.NO, str(fault)),))
    offered, link = connection.announced, connection.link
    connection.quit()
    await connection.closed(_LEAVE_WITHIN)
    return Seen((*_points(hop, offered, link, message_size, beyond_ascii=beyond_ascii),), link)


def _points(
    hop: NextHop, offered: Announced, link: Link, message_size: int, *, beyond_ascii: bool
) -> Iterator[Point]:
    of = str(hop)
    yield Point(About.SERVER, of, Answer.YES, f"answers and offers {_listed(offered)}")
    yield _tls(hop, link)
    if offered.most_octets and not 0 < message_size <= offered.most_octets:
        ours = f"limits.message_size is {message_size}" if message_size else "limits.message_size is no limit"
        words = (
            f"takes {offered.most_octets} octets at most, and {ours}: what is larger would be refused there; "
            f"write limits.message_size: {offered.most_octets}B"
        )
        yield Point(About.SIZE, of, Answer.WARNING, words)
    if not offered.smtputf8:
        who = "an address of yours is" if beyond_ascii else "addresses may be"
        words = f"offers no SMTPUTF8, and {who} outside ASCII: such mail fails with 553 5.6.7"
        yield Point(About.UTF8, of, Answer.NO if beyond_ascii else Answer.WARNING, words)


def _tls(hop: NextHop, link: Link) -> Point:
    of = str(hop)
    if hop.tls_required:
        return Point(About.TLS, of, Answer.YES, f"its certificate holds for {hop.server}")
    if link.encrypted:
        return Point(About.TLS, of, Answer.YES, "TLS is used; nobody asked to have its certificate checked")
    if on_the_internet(link.theirs):
        return Point(About.TLS, of, Answer.WARNING, "offers no STARTTLS, so mail goes there in the clear")
    return Point(About.TLS, of, Answer.HINT, "no TLS, on this machine or a private network")


def _remedy(hop: NextHop) -> str:
    if not hop.tls_required:
        return "it offers a TLS that does not work, which its operator has to mend"
    checked = "name the server as its certificate does, or trust its issuer with deliver.tls.ca"
    if hop.scheme is Scheme.SMTPS:
        return checked
    plain = "mx" if hop.name else f"smtp://{hop.host}:{hop.port}"
    return f"{checked}, or write {plain} to use TLS where it is offered, unchecked"


def _listed(offered: Announced) -> str:
    size = f"SIZE {offered.most_octets}" if offered.most_octets else "SIZE"
    words = {
        size: offered.size,
        "8BITMIME": offered.eight_bit_mime,
        "SMTPUTF8": offered.smtputf8,
        "PIPELINING": offered.pipelining,
        "DSN": offered.dsn,
    }
    return ", ".join(word for word, there in words.items() if there) or "no extension"

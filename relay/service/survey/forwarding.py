"""What forwarding to others needs: SRS, a way back for what bounces, and an SPF record that permits us."""

from collections.abc import Sequence
from ipaddress import ip_address

from relay.delivery import wayfinder
from relay.delivery.spf import Lookup, Opinion, check_host
from relay.mail.envelope import Address
from relay.mail.hop import Way
from relay.mail.spf import VERSION, Result, is_spf
from relay.service.survey.arrival import Ourselves, arrival
from relay.service.survey.outgoing import Outgoing
from relay.service.survey.point import About, Answer, Point, text_record
from relay.settings.model import DeliverSettings

_NOBODY = ip_address("0.0.0.0")  # noqa: S104
"""Stands for an outgoing address that nobody knows: only the record itself can be found wanting then."""
_SENDER = "SRS0"
"""The local part of our reverse-paths, as far as it is always the same."""


async def srs_points(
    deliver: DeliverSettings, foreign: Sequence[str], us: Ourselves, lookup: wayfinder.Lookup
) -> list[Point]:
    """Say whether reverse-paths are rewritten where they have to be, and whether what bounces comes back.

    ``foreign`` are the domains of others to which the helpdesk's mail is forwarded.
    """
    if deliver.srs_secret is None:
        words = (
            f"mail is forwarded to {', '.join(foreign)} with its own reverse-path, so SPF of everybody who writes to you "
            "fails there; set deliver.srs_secret"
        )
        return [Point(About.SRS, us.hostname, Answer.WARNING, words)] if foreign else []
    points = [_way_back(point) for point in await arrival(us.hostname, us, lookup)]
    if deliver.reports is Way.HOLD:
        words = "what comes back to a rewritten reverse-path is held for you; write deliver.reports: mx to have it go home"
        points.append(Point(About.SRS, us.hostname, Answer.WARNING, words))
    return points


async def spf_points(domain: str, leaving: Outgoing, lookup: Lookup, *, rewritten: bool) -> list[Point]:
    """Say whether the SPF record of ``domain`` permits the addresses that we send from.

    With ``rewritten`` it is the domain that we put into reverse-paths, and must have a record; else one of ours, whose
    reverse-paths stay as they are.
    """
    addresses = leaving.addresses or (_NOBODY,)
    return [await _spf_point(domain, address, leaving, lookup, rewritten=rewritten) for address in addresses]


def proposed(record: str, addresses: Sequence[Address]) -> str:
    """Return an SPF record that permits ``addresses``: ``record`` with them in front, or a new one."""
    terms = [f"ip{address.version}:{address}" for address in addresses] or ["ip4:<the address we send from>"]
    rest = [term for term in record[len(VERSION) :].split() if term not in terms] if is_spf(record) else []
    return " ".join([VERSION, *terms, *(rest or ["-all"])])


def _way_back(arrives: Point) -> Point:
    nobody = arrives.answer is Answer.WARNING and bool(arrives.publish)
    words = (
        f"rewritten reverse-paths are in this domain, and what bounces comes back to it: {arrives.because}"
    )
    return Point(About.SRS, arrives.of, Answer.NO if nobody else arrives.answer, words, arrives.publish)


async def _spf_point(
    domain: str, address: Address, leaving: Outgoing, lookup: Lookup, *, rewritten: bool
) -> Point:
    opinion = await check_host(address, domain, f"{_SENDER}@{domain}", domain, lookup)
    words = opinion.because if address == _NOBODY else f"{opinion.result} for {address}: {opinion.because}"
    if leaving.doubt:
        words = f"{words} ({leaving.doubt})"
    if opinion.result is Result.NONE and not rewritten:
        words = f"{opinion.because}, so nothing that goes out in its name fails by it"
        return Point(About.SPF, domain, Answer.HINT, words)
    answer = _answer(opinion, sure=not leaving.doubt)
    if answer is Answer.NO and not rewritten:
        answer = Answer.WARNING
    broken = opinion.result is Result.PERMERROR
    if broken and not rewritten:
        words = f"{words}; mend the record, it is no good to anybody whom it permits"
    if opinion.result in (Result.PASS, Result.TEMPERROR) or (broken and not rewritten):
        return Point(About.SPF, domain, answer, words)
    known = "" if broken else opinion.record
    return Point(About.SPF, domain, answer, words, (text_record(domain, proposed(known, leaving.addresses)),))


def _answer(opinion: Opinion, *, sure: bool) -> Answer:
    match opinion.result:
        case Result.PASS:
            return Answer.YES
        case Result.NONE | Result.PERMERROR:
            return Answer.NO
        case Result.TEMPERROR:
            return Answer.WARNING
        case _:
            return Answer.NO if sure else Answer.WARNING

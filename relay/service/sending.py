"""Mail goes out: what a route or a destination of the spool names, by courier or to the sandbox; reports."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from relay.delivery.courier import Courier
from relay.delivery.route import Hop
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.hop import NextHop, Way
from relay.mail.outcome import Deferred, Failed, Outcome, outcome_of
from relay.mail.reply import Reply
from relay.mail.report import Occasion, Told, due, make_report
from relay.mail.srs import Srs
from relay.pipeline.message import PREPENDED_AT_MOST
from relay.pipeline.seams import Exchange, Plan
from relay.spool.item import REPORTS, Item, NewItem
from relay.stamp import without_stamp

VERIFIED_FOR = 3600.0
"""Seconds for which a helpdesk's word about a forward-path is believed."""
_MOST_VERIFIED = 10_000
_NO_WAY = Reply(451, "4.3.5", "The settings name no way to this address now")


@dataclass(frozen=True, slots=True)
class Ways:
    """The settings in force, as far as sending goes by them."""

    plan: Plan
    courier: Courier
    give_up_after: timedelta
    srs: Srs | None


class Sending:
    """Everything that leaves this process by SMTP or LMTP."""

    def __init__(
        self,
        ways: Callable[[], Ways],
        stand_in: Callable[[], Exchange],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        new_queue_id: Callable[[], str],
    ) -> None:
        """Take what answers with the ways in force, a maker of exchanges with the sandbox, and clocks."""
        self._ways = ways
        self._stand_in = stand_in
        self._now = now
        self._monotonic = monotonic
        self._new_queue_id = new_queue_id
        self._verified: dict[tuple[Hop, str], tuple[float, Reply | None]] = {}

    async def attempt(
        self,
        hop: Hop,
        reverse_path: ReversePath,
        forward_paths: Sequence[ForwardPath],
        chunks: Callable[[], Iterable[bytes]],
        client: Client | None,
        patience: float | None,
    ) -> tuple[Outcome, ...]:
        """Try to hand a message over, now; one outcome for each forward-path, in order."""
        if hop is Way.SANDBOX:
            return await self._to_sandbox(reverse_path, forward_paths, chunks)
        if not isinstance(hop, NextHop) and hop not in (Way.MX, Way.MX_STARTTLS):
            return (Deferred(_NO_WAY),) * len(forward_paths)
        told = self._rewritten(reverse_path, forward_paths)
        if told.size is not None:
            told = told.sized(told.size + PREPENDED_AT_MOST)
        known = client if isinstance(hop, NextHop) else None
        return await self._ways().courier.deliver(hop, told, forward_paths, chunks, known, patience)

    async def deliver(self, item: Item) -> tuple[Outcome, ...]:
        """Try an item of the spool that is at hand; what its destination means is looked up now."""
        plan = self._ways().plan
        hop = plan.routes.hop_of(item.destination) or Way.HOLD
        reverse_path = item.reverse_path.sized(item.size)
        client = item.client if plan.tell_client else None
        return await self.attempt(hop, reverse_path, item.forward_paths, item.chunks, client, None)

    async def verify(self, hop: Hop, path: ForwardPath) -> Reply | None:
        """Ask a helpdesk whether it knows ``path``: its refusal for good, or None; believed for an hour."""
        if not isinstance(hop, NextHop):
            return None
        key = (hop, path.text)
        now = self._monotonic()
        until, known = self._verified.get(key, (0.0, None))
        if now < until:
            return known
        ways = self._ways()
        outcome = await ways.courier.verify(hop, path, ways.plan.patience)
        if isinstance(outcome, Deferred):
            return None
        answer = outcome.reply if isinstance(outcome, Failed) else None
        if len(self._verified) >= _MOST_VERIFIED:
            self._verified.clear()
        self._verified[key] = (now + VERIFIED_FOR, answer)
        return answer

    def report(
        self, item: Item, told: Sequence[tuple[int, Outcome]], *, late: bool
    ) -> tuple[NewItem, bytes] | None:
        """Make the report that is due about ``told`` (places of forward-paths and what became of them), if any."""
        ways = self._ways()
        paths = [item.original(number) for number, _ in told]
        outcomes = [outcome for _, outcome in told]
        said = []
        for place, kind in due(item.reverse_path, paths, outcomes, late=late):
            number, outcome = told[place]
            path, original = item.forward_paths[number], paths[place]
            said.append(Told(kind, path, outcome, None if original == path else original))
        if not said:
            return None
        hostname, now = ways.plan.hostname, self._now()
        occasion = Occasion(
            hostname=hostname,
            queue_id=item.queue_id,
            reverse_path=item.reverse_path,
            arrived_at=item.accepted_at,
            attempted_at=now,
            made_at=now,
            message_id=f"{uuid4()}@{hostname}",
            boundary=secrets.token_hex(16),
            retry_until=item.accepted_at + ways.give_up_after if late and ways.give_up_after else None,
        )
        letter = make_report(occasion, said, item.chunks(), without_stamp(ways.plan.stamp))
        if letter is None:
            return None
        new = NewItem(
            queue_id=self._new_queue_id(),
            destination=REPORTS,
            reverse_path=letter.reverse_path,
            forward_paths=(letter.forward_path,),
            client=Client(),
            head=b"",
            body_from=0,
        )
        return new, letter.content

    async def _to_sandbox(
        self,
        reverse_path: ReversePath,
        forward_paths: Sequence[ForwardPath],
        chunks: Callable[[], Iterable[bytes]],
    ) -> tuple[Outcome, ...]:
        exchange = self._stand_in()
        _, replies = await exchange.envelope(reverse_path, forward_paths)
        final = iter(await exchange.data(chunks()))
        return tuple(outcome_of(next(final) if reply.positive else reply, "sandbox") for reply in replies)

    def _rewritten(self, reverse_path: ReversePath, forward_paths: Sequence[ForwardPath]) -> ReversePath:
        """Rewrite a foreign reverse-path (SRS) where the mail leaves for a domain that is not ours."""
        ways = self._ways()
        is_ours = ways.plan.routes.is_our_domain
        box = reverse_path.mailbox
        if ways.srs is None or box is None or is_ours(box.domain):
            return reverse_path
        if all(is_ours(path.mailbox.domain) for path in forward_paths):
            return reverse_path
        return ways.srs.forward(reverse_path, self._now().date())

"""Mode pass-through: every step of the mail transaction is the next hop's; nothing is stored.

Each forward-path is put to the next hop as it comes and gets that hop's own answer, and the final reply
is the hop's.  A bug of ours outside judging is a temporary answer, and so is whatever the hop breaks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from relay.delivery.faults import (
    AllBusyError,
    NoConnectionError,
    StaleConnectionError,
    UnknownOutcomeError,
)
from relay.delivery.route import Route
from relay.errors import PeerError
from relay.events import ForwardPathRefused, HopTrouble, Judged, PathOutcome, TransactionEnded
from relay.mail.address import Mailbox
from relay.mail.content import Content
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.hop import NextHop
from relay.mail.outcome import Outcome, outcome_of
from relay.mail.received import received_field
from relay.mail.reply import Reply
from relay.pipeline.message import PREPENDED_AT_MOST, broken_signatures, judged, outgoing
from relay.pipeline.seams import Exchange, Means, Plan
from relay.stamp import stamp, without_stamp

HOLD_SECONDS = 1.0
"""How long a next hop's connection waits for a client that says nothing; then it is given back."""

ANOTHER_HOP = Reply(452, "4.5.3", "This address has another next hop; send to it in a transaction of its own")
ONE_AT_A_TIME = Reply(
    452, "4.5.3", "The next hop takes one address a transaction; send to this one in its own"
)
NO_CONNECTION = Reply(451, "4.4.1", "The next hop cannot be reached now; try again later")
BUSY = Reply(451, "4.4.5", "The next hop is busy; try again later")
BROKE_OFF = Reply(451, "4.4.2", "The next hop broke off; try again later")
NOT_CONFIRMED = Reply(451, "4.4.2", "The next hop did not say whether it took the message; try again later")
CHANGED_ITS_MIND = Reply(
    451, "4.3.0", "The next hop no longer takes an address that it took before; try again later"
)


class PassThrough:
    """One mail transaction whose every step is the next hop's."""

    def __init__(self, plan: Plan, means: Means, client: Client, reverse_path: ReversePath) -> None:
        self._plan = plan
        self._means = means
        self._client = client
        self._reverse_path = reverse_path
        size = reverse_path.size
        self._told = reverse_path if size is None else reverse_path.sized(size + PREPENDED_AT_MOST)
        self._queue_id = means.new_queue_id()
        self._began = means.monotonic()
        self._evidence: dict[Mailbox, None] = {}
        self._accepted: list[ForwardPath] = []
        self._refused: list[PathOutcome] = []
        self._route: Route | None = None
        self._exchange: Exchange | None = None
        self._give_back: asyncio.TimerHandle | None = None

    def note(self, path: ForwardPath) -> None:
        """Keep a forward-path as evidence; whatever was answered to it, it was asked for."""
        self._evidence[path.mailbox] = None

    async def rcpt(self, path: ForwardPath) -> Reply:
        """Put a forward-path to its next hop and return that hop's answer."""
        self.note(path)
        reply = await self._answer(path)
        if not reply.positive:
            refused = ForwardPathRefused(self._queue_id, self._client, self._reverse_path, path.text, reply)
            self._refused.append(PathOutcome(path, outcome_of(reply)))
            self._means.observe(refused)
        return reply

    async def _answer(self, path: ForwardPath) -> Reply:
        route = self._plan.routes.route(path, may_relay=self._plan.may_relay(self._client))
        if isinstance(route, Reply):
            return route
        if self._accepted and self._route is not None:
            if (route.hop, route.for_the_helpdesk) != (self._route.hop, self._route.for_the_helpdesk):
                return ANOTHER_HOP
            if isinstance(route.hop, NextHop) and route.hop.lmtp:
                return ONE_AT_A_TIME
        reply = await self._talk(route, lambda: self._put(route))
        if reply.positive:
            self._route = route
            self._accepted.append(route.path)
        if not self._accepted:
            self._release()
        elif self._exchange is not None:
            self._give_back = asyncio.get_running_loop().call_later(HOLD_SECONDS, self._release)
        return reply

    async def content(self, content: Content) -> Reply:
        """Judge, stamp and hand over; return what the next hop says."""
        try:
            return await self._content(content)
        finally:
            self._release()

    async def _content(self, content: Content) -> Reply:
        route = self._route
        assert route is not None, "the session asks for a content only where a forward-path was accepted"
        self._stop_timer()
        complete = self._means.monotonic()
        plan, found = self._plan, None
        if route.for_the_helpdesk:
            found = await judged(plan, content, self._evidence, self._client, self._means)
            edit = stamp(found[1], plan.stamp, self._queue_id, self._queue_id)
        else:
            edit = without_stamp(plan.stamp)
        sent = outgoing(content, edit, self._received())
        reply = await self._talk(route, lambda: self._hand_over(route, sent.chunks()))
        self._release()
        hop = str(route.hop)
        ended = self._means.monotonic()
        self._means.observe(
            TransactionEnded(
                queue_id=self._queue_id,
                client=self._client,
                reverse_path=self._reverse_path,
                forward_paths=len(self._accepted),
                size=content.size,
                judged=Judged(*found, self._queue_id, broken_signatures(content, edit, sent))
                if found
                else None,
                next_hop=hop,
                reply=reply,
                seconds=ended - self._began,
                at=self._means.now(),
                outcomes=self._outcomes(outcome_of(reply, hop)),
                waited=ended - complete,
            )
        )
        return reply

    def _outcomes(self, outcome: Outcome) -> tuple[PathOutcome, ...]:
        return (*[PathOutcome(path, outcome) for path in self._accepted], *self._refused)

    async def abandon(self) -> None:
        """Give everything back: the client went another way."""
        self._release()

    def _received(self) -> bytes:
        return received_field(
            self._client,
            self._plan.hostname,
            self._queue_id,
            self._means.now(),
            smtputf8=self._reverse_path.smtputf8,
        )

    async def _put(self, route: Route) -> Reply:
        exchange = self._exchange
        if exchange is not None and self._accepted:
            return await exchange.rcpt(route.path)
        mail, replies = await self._begin(route, [*self._accepted, route.path])
        if mail.positive and all(reply.positive for reply in replies[:-1]):
            return replies[-1]
        self._release()  # what the hop would take is not what the client was promised
        return CHANGED_ITS_MIND if mail.positive else mail

    async def _hand_over(self, route: Route, chunks: Iterable[bytes]) -> Reply:
        if self._exchange is None:
            mail, replies = await self._begin(route, self._accepted)
            if not mail.positive or not all(reply.positive for reply in replies):
                return CHANGED_ITS_MIND
        assert self._exchange is not None
        return (await self._exchange.data(chunks))[0]

    async def _begin(self, route: Route, paths: Sequence[ForwardPath]) -> tuple[Reply, tuple[Reply, ...]]:
        """Begin a transaction with the hop, on a new connection if a kept one turns out to be gone."""
        client = self._client if self._plan.tell_client else None
        if self._exchange is None:
            self._exchange = await self._means.hops.acquire(route.hop, self._plan.patience)
        try:
            return await self._exchange.envelope(self._told, paths, client)
        except StaleConnectionError:
            self._release()
        self._exchange = await self._means.hops.acquire(route.hop, self._plan.patience, fresh=True)
        return await self._exchange.envelope(self._told, paths, client)

    async def _talk(self, route: Route, step: Callable[[], Awaitable[Reply]]) -> Reply:
        """Take one step with the hop; whatever it breaks becomes a temporary answer."""
        self._stop_timer()
        try:
            reply = await step()
            if reply.code != 421:
                return reply
            self._release()  # the hop is leaving; what it has accepted is put again
            return Reply(451, "4.3.2", reply.text)
        except UnknownOutcomeError as fault:
            reply, words = NOT_CONFIRMED, str(fault)
        except AllBusyError as fault:
            reply, words = BUSY, str(fault)
        except NoConnectionError as fault:
            reply, words = NO_CONNECTION, str(fault)
        except PeerError as fault:
            reply, words = BROKE_OFF, str(fault)
        except BaseException:
            self._release()
            raise
        self._release()
        self._means.observe(HopTrouble(str(route.hop), self._queue_id, words))
        return reply

    def _stop_timer(self) -> None:
        if self._give_back is not None:
            self._give_back.cancel()
            self._give_back = None

    def _release(self) -> None:
        """Give the connection back; what was accepted is put again before DATA."""
        self._stop_timer()
        if self._exchange is not None:
            exchange, self._exchange = self._exchange, None
            self._means.hops.release(exchange)

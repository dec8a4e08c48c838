"""Modes with a spool: what cannot be handed over while the client waits is durable before the 250.

The happy path stores nothing: the helpdesk's forward-paths are tried while the client waits, and its own
words are the answer.  Forward-paths elsewhere always go by the spool.  Where closed tickets can be opened again,
the content of each is kept too, by the same transaction as what waits, or else by one of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from relay.delivery.route import Hop, Route
from relay.errors import NotDurableError
from relay.events import (
    ClosedNotKept,
    Fault,
    ForwardPathRefused,
    Judged,
    PathOutcome,
    SpoolTrouble,
    TransactionEnded,
)
from relay.judge import Verdict
from relay.mail.address import Mailbox
from relay.mail.content import Content
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.outcome import Delivered, Failed, Outcome, Unknown, outcome_of
from relay.mail.received import received_field
from relay.mail.reply import Reply
from relay.mail.view import MessageView
from relay.pipeline.message import Outgoing, broken_signatures, judged, outgoing
from relay.pipeline.seams import Means, Plan, SpoolMeans
from relay.spool.item import NewItem
from relay.spool.reopenable import OpenWay, ToKeep
from relay.stamp import stamp, without_stamp

TAKEN = Reply(250, "2.1.5", "OK")
NOT_KEPT = Reply(452, "4.3.1", "The message cannot be kept now; try again later")


@dataclass(slots=True)
class _Part:
    """The forward-paths of one transaction that go the same way."""

    hop: Hop
    destination: str
    for_the_helpdesk: bool
    message: Outgoing
    paths: list[ForwardPath] = field(default_factory=list)
    originals: list[ForwardPath] = field(default_factory=list)
    open_paths: list[ForwardPath] = field(default_factory=list)
    """What the hop would be told of an open ticket, one for each path."""
    outcomes: tuple[Outcome, ...] | None = None
    """None: not tried yet."""


class Spooled:
    """One mail transaction that ends in a delivery, in the spool, or in both."""

    def __init__(
        self, plan: Plan, means: Means, spool: SpoolMeans, client: Client, reverse_path: ReversePath
    ) -> None:
        self._plan = plan
        self._means = means
        self._spool = spool
        self._client = client
        self._reverse_path = reverse_path
        self._queue_id = means.new_queue_id()
        self._began = means.monotonic()
        self._evidence: dict[Mailbox, None] = {}
        self._routes: list[Route] = []
        self._refused: list[PathOutcome] = []

    def note(self, path: ForwardPath) -> None:
        """Keep a forward-path as evidence; whatever was answered to it, it was asked for."""
        self._evidence[path.mailbox] = None

    async def rcpt(self, path: ForwardPath) -> Reply:
        """Take a forward-path, or refuse it; one that only its domain speaks for is verified with the helpdesk."""
        self.note(path)
        route = self._plan.routes.route(path, may_relay=self._plan.may_relay(self._client))
        reply = route if isinstance(route, Reply) else await self._verified(route)
        if reply is not None:
            self._refused.append(PathOutcome(path, outcome_of(reply)))
            self._means.observe(
                ForwardPathRefused(self._queue_id, self._client, self._reverse_path, path.text, reply)
            )
            return reply
        assert isinstance(route, Route)
        self._routes.append(route)
        return TAKEN

    async def content(self, content: Content) -> Reply:
        """Judge, stamp, hand over what can be handed over now, keep the rest; return the one answer to all."""
        began = self._means.monotonic()
        found = await self._judged(content)
        verdict = found[1] if found is not None else None
        parts = list(self._parts(content, verdict))
        if self._plan.try_at_once:
            await self._try(parts, began)
        refusal = _refused_by_all(parts)
        reply = refusal or await self._keep(parts, verdict, content)
        ended = self._means.monotonic()
        self._means.observe(
            TransactionEnded(
                queue_id=self._queue_id,
                client=self._client,
                reverse_path=self._reverse_path,
                forward_paths=len(self._routes),
                size=content.size,
                judged=Judged(*found, self._queue_id, self._broken(content, parts)) if found else None,
                next_hop=", ".join(str(part.hop) for part in parts),
                reply=reply,
                seconds=ended - self._began,
                at=self._means.now(),
                outcomes=(*_outcomes(parts), *self._refused),
                waited=ended - began,
            )
        )
        return reply

    async def abandon(self) -> None:
        """Forget it: nothing was kept yet."""

    async def _verified(self, route: Route) -> Reply | None:
        return await self._spool.verify(route.hop, route.path) if route.by_domain_alone else None

    async def _judged(self, content: Content) -> tuple[MessageView, Verdict] | None:
        if not any(route.for_the_helpdesk for route in self._routes):
            return None
        return await judged(self._plan, content, self._evidence, self._client, self._means)

    def _broken(self, content: Content, parts: Sequence[_Part]) -> tuple[str, ...]:
        edit = without_stamp(self._plan.stamp)
        return broken_signatures(content, edit, parts[0].message)

    def _parts(self, content: Content, verdict: Verdict | None) -> Iterator[_Part]:
        """Yield the parts, those for the helpdesk first; all that get the same octets share them."""
        plan = self._plan
        smtputf8 = self._reverse_path.smtputf8
        received = received_field(
            self._client, plan.hostname, self._queue_id, self._means.now(), smtputf8=smtputf8
        )
        messages: dict[bool, Outgoing] = {}
        parts: dict[tuple[Hop, str], _Part] = {}
        for route in sorted(self._routes, key=lambda route: not route.for_the_helpdesk):
            if (stamped := route.for_the_helpdesk) not in messages:
                edit = (
                    stamp(verdict, plan.stamp, self._queue_id, self._queue_id)
                    if stamped and verdict
                    else without_stamp(plan.stamp)
                )
                messages[stamped] = outgoing(content, edit, received)
            key = (route.hop, route.destination)
            part = parts.get(key)
            if part is None:
                part = parts[key] = _Part(route.hop, route.destination, stamped, messages[stamped])
            part.paths.append(route.told(auto_closed=verdict is not None and verdict.auto_closed))
            part.originals.append(route.original)
            part.open_paths.append(route.path)
        yield from parts.values()

    async def _try(self, parts: Iterable[_Part], began: float) -> None:
        """Try the helpdesk's parts while the client waits."""
        plan = self._plan
        for part in parts:
            if part.for_the_helpdesk:
                waited = self._means.monotonic() - began
                part.outcomes = await self._spool.attempt(
                    part.hop,
                    self._reverse_path,
                    part.paths,
                    part.message.chunks,
                    self._client if plan.tell_client else None,
                    None if plan.patience is None else max(0.0, plan.patience - waited),
                )

    async def _keep(self, parts: Sequence[_Part], verdict: Verdict | None, received: Content) -> Reply:
        """Put into the spool whatever is not delivered; return the answer."""
        delivered: Reply | None = None
        items: dict[int, tuple[Content, list[NewItem]]] = {}
        for part in parts:
            delivered = delivered or _first_taken(part)
            for item in self._items(part, verdict):
                content = part.message.content
                items.setdefault(id(content), (content, []))[1].append(item)
        closed = self._to_keep(parts, verdict)
        kept = False
        try:
            for content, group in items.values():
                kept |= await self._spool.put(group, content, closed if content is received else None)
        except NotDurableError as trouble:
            self._means.observe(SpoolTrouble(self._queue_id, str(trouble)))
            return NOT_KEPT
        if closed is not None and not kept:
            await self._keep_closed(closed, received)
        if items or delivered is None:
            return Reply(250, "2.0.0", f"Kept as {self._queue_id}")
        return delivered

    async def _keep_closed(self, closed: ToKeep, content: Content) -> None:
        """Keep a message that has found its way already; whatever goes wrong must not bring it back to the client."""
        try:
            kept = await self._spool.put((), content, closed)
            words = "" if kept else "the disk that holds the spool is too full for what is only kept"
        except NotDurableError as trouble:
            words = str(trouble)
        except Exception as error:  # a supervisor
            self._means.observe(Fault("keeping a closed message", error))
            words = "a fault of ours"
        if words:
            self._means.observe(ClosedNotKept(self._queue_id, words))

    def _to_keep(self, parts: Iterable[_Part], verdict: Verdict | None) -> ToKeep | None:
        if not self._plan.keep_closed or verdict is None or not verdict.auto_closed:
            return None
        assert verdict.author is not None, "what has no author is open"
        assert verdict.channel is not None
        helpdesks = [part for part in parts if part.for_the_helpdesk]
        ways = [OpenWay(part.destination, paths) for part in helpdesks if (paths := _open_paths(part))]
        if not ways:
            return None
        channel = verdict.channel
        return ToKeep(self._queue_id, verdict.author, channel.name, channel.address, tuple(ways))

    def _items(self, part: _Part, verdict: Verdict | None) -> Iterator[NewItem]:
        outcomes = part.outcomes or (None,) * len(part.paths)
        for unknown in (False, True):
            left = [
                index
                for index, outcome in enumerate(outcomes)
                if not isinstance(outcome, Delivered) and isinstance(outcome, Unknown) is unknown
            ]
            if not left:
                continue
            paths = tuple(part.paths[index] for index in left)
            originals = tuple(part.originals[index] for index in left)
            yield NewItem(
                queue_id=self._queue_id,
                destination=part.destination,
                reverse_path=self._reverse_path,
                forward_paths=paths,
                client=self._client,
                head=part.message.head,
                body_from=part.message.body_from,
                not_before=self._means.now() + self._plan.unknown_retry if unknown else None,
                unknown=unknown,
                originals=() if originals == paths else originals,
                channel=verdict.channel.name if verdict is not None and verdict.channel else None,
                reason=verdict.reason if verdict is not None else "",
            )


def _refused_by_all(parts: Sequence[_Part]) -> Reply | None:
    """Return the hop's words if every forward-path was refused for good; then the client hears them."""
    outcomes = [outcome for part in parts for outcome in (part.outcomes or (None,))]
    refusals = [outcome.reply for outcome in outcomes if isinstance(outcome, Failed)]
    return refusals[0] if refusals and len(refusals) == len(outcomes) else None


def _outcomes(parts: Iterable[_Part]) -> Iterator[PathOutcome]:
    for part in parts:
        for number, (original, path) in enumerate(zip(part.originals, part.paths, strict=True)):
            outcome = part.outcomes[number] if part.outcomes is not None else None
            yield PathOutcome(original, outcome, None if path == original else path)


def _open_paths(part: _Part) -> tuple[ForwardPath, ...]:
    """Return what the helpdesk would be told of an open ticket, without what it has refused for good."""
    outcomes = part.outcomes or (None,) * len(part.open_paths)
    pairs = zip(part.open_paths, outcomes, strict=True)
    return tuple(path for path, outcome in pairs if not isinstance(outcome, Failed))


def _first_taken(part: _Part) -> Reply | None:
    taken = (outcome.reply for outcome in part.outcomes or () if isinstance(outcome, Delivered))
    return next(taken, None)

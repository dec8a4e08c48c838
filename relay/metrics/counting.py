"""From an event to the numbers that it changes.  Whatever a client or a next hop may say, label values stay few."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from relay.events import (
    BookTaken,
    ClosedNotKept,
    DigestSent,
    DigestTrouble,
    Fault,
    ForwardPathRefused,
    HopTrouble,
    JournalLost,
    JournalTrouble,
    ReloadRefused,
    SpoolTrouble,
    TransactionEnded,
)
from relay.intake.events import (
    AuthenticationFailed,
    BareNewlinesNormalised,
    Cause,
    ContentRefused,
    SessionBegun,
    SessionCut,
    SessionEnded,
    SessionFaulted,
    SessionRefused,
)
from relay.judge import Doubt, Reason, Verdict
from relay.mail.hop import Scheme, Way
from relay.mail.outcome import Deferred, Delivered, Failed, Outcome, Unknown
from relay.mail.proof import ProofFault
from relay.mail.view import MessageView
from relay.metrics import catalogue as names
from relay.metrics.busiest import Busiest
from relay.metrics.numbers import Numbers
from relay.milter.terms import MilterCut, MilterFaulted, MilterRefused
from relay.spool.events import AttemptEnded, ItemHeld, RunnerTrouble
from relay.spool.item import ELSEWHERE, HELPDESK, REPORTS

SMTP, MILTER = "smtp", "milter"
NEXT_HOP, SPOOL = "next-hop", "spool"
"""The ways by which a client was answered: in the words of a next hop, or with what the spool kept."""
TAKEN, REFUSED = "taken", "refused"
SENT, FAILED = "sent", "failed"
NOT_KEPT, NOT_WORKING, CLOSED_NOT_KEPT = "not-kept", "not-working", "closed-not-kept"
TEMPORARY, PERMANENT = "temporary", "permanent"
VALID, INVALID, UNANSWERED = "valid", "invalid", "unanswered"
WAITING, LEFT = "waiting", "left"
NONE, OTHER, SEVERAL = "none", "other", "several"

WHERE = (
    "judging",
    "judging for the milter",
    "delivering",
    "running the spool",
    "delivering from the spool",
    "reporting",
    "asking for numbers",
    "sending digests",
    "keeping the journal",
    "keeping a closed message",
    "removing what was kept",
    "telling of an event",
    "the web page",
)
"""Where bugs of ours are survived, besides sessions and the milter."""
IN_A_SESSION, IN_THE_MILTER = "in a session", "in the milter"

_OUTCOMES: Mapping[type[Outcome | None], str] = {
    Delivered: "delivered",
    Deferred: "deferred",
    Failed: "failed",
    Unknown: "unknown",
}
_UNANSWERED = frozenset({ProofFault.NO_ANSWER, ProofFault.OUT_OF_TIME})
_CLASSES = {2: "2yz", 4: "4yz", 5: "5yz"}
_SUBJECTS = frozenset(f"{kind}.{subject}" for kind in (4, 5) for subject in range(8))
"""Of enhanced status codes; RFC 3463 section 4 has no more."""
_REFUSE_CLIENTS = (Cause.CONNECTIONS, Cause.CONNECTIONS_PER_CLIENT, Cause.BAD_PROXY_HEADER)
_REFUSE_CONTENTS = (Cause.BARE_NEWLINES, Cause.MESSAGE_SIZE, Cause.RECEIVED, Cause.NO_ROOM)
_CUT_SESSIONS = tuple([cause for cause in Cause if cause not in (*_REFUSE_CLIENTS, *_REFUSE_CONTENTS)])
_HOPS = frozenset({*Scheme, *Way, MILTER})
_DESTINATIONS = frozenset({HELPDESK, ELSEWHERE, REPORTS})


class Counting:
    """Changes numbers as events come."""

    def __init__(self, numbers: Numbers) -> None:
        """Begin with a zero for every label value that is known now, so that Prometheus sees the first step, too."""
        self._of = numbers.of
        self._numbers = numbers
        self._messages = self._of(names.MESSAGES)
        self._doubtful = self._of(names.DOUBTFUL)
        self._doubts = self._of(names.DOUBTS)
        self._transactions = self._of(names.TRANSACTIONS)
        self._octets = self._of(names.OCTETS)
        self._paths = self._of(names.PATHS)
        self._waited = numbers.spreads[names.WAITED.name]
        self._attempts = numbers.spreads[names.ATTEMPTS.name]
        self.channels = Busiest()
        self._begin_with_zeros()
        self._counting = self._acts()

    def _acts(self) -> Mapping[type, Callable[[Any], None]]:
        """Return what each event does."""
        numbers = self._numbers
        return {
            TransactionEnded: self._transaction,
            ForwardPathRefused: self._forward_path,
            AttemptEnded: self._attempt,
            BookTaken: self._book,
            ReloadRefused: self._bad_reload,
            JournalTrouble: lambda _: numbers.only(names.JOURNAL_UP, number=0),
            JournalLost: lambda event: self._add(names.JOURNAL_LOST, number=event.entries),
            SpoolTrouble: lambda _: self._add(names.SPOOL_TROUBLES, NOT_KEPT),
            ClosedNotKept: lambda _: self._add(names.SPOOL_TROUBLES, CLOSED_NOT_KEPT),
            RunnerTrouble: lambda _: self._add(names.SPOOL_TROUBLES, NOT_WORKING),
            ItemHeld: lambda _: self._add(names.HELD),
            HopTrouble: lambda event: self._add(names.HOP_TROUBLES, hop_kind(event.next_hop)),
            DigestSent: lambda _: self._add(names.DIGESTS, SENT),
            DigestTrouble: lambda _: self._add(names.DIGESTS, FAILED),
            SessionBegun: self._session_begun,
            SessionEnded: lambda _: self._add(names.OPEN_SESSIONS, number=-1),
            SessionRefused: lambda event: self._add(names.CLIENTS_REFUSED, event.cause),
            SessionCut: lambda event: self._add(names.SESSIONS_CUT, event.cause),
            ContentRefused: lambda event: self._add(names.CONTENTS_REFUSED, event.cause),
            AuthenticationFailed: lambda _: self._add(names.LOGINS_FAILED),
            BareNewlinesNormalised: lambda _: self._add(names.NORMALISED),
            MilterRefused: lambda _: self._add(names.MILTER_REFUSED),
            MilterCut: lambda _: self._add(names.MILTER_CUT),
            Fault: lambda event: self._add(names.FAULTS, event.where),
            SessionFaulted: lambda _: self._add(names.FAULTS, IN_A_SESSION),
            MilterFaulted: lambda _: self._add(names.FAULTS, IN_THE_MILTER),
        }

    def count(self, event: object) -> None:
        """Count one event; what is not known here is left to others."""
        counting = self._counting.get(type(event))
        if counting is not None:
            counting(event)

    def _add(self, family: names.Family, *values: str, number: float = 1.0) -> None:
        self._of(family)[values] += number

    def _begin_with_zeros(self) -> None:
        for family, values in (
            (names.CLIENTS_REFUSED, _REFUSE_CLIENTS),
            (names.CONTENTS_REFUSED, _REFUSE_CONTENTS),
            (names.SESSIONS_CUT, _CUT_SESSIONS),
            (names.DOUBTS, tuple(Doubt)),
            (names.SIGNATURES, (VALID, INVALID, UNANSWERED)),
            (names.RELOADS, (TAKEN, REFUSED)),
            (names.SPOOL_TROUBLES, (NOT_KEPT, NOT_WORKING, CLOSED_NOT_KEPT)),
            (names.DIGESTS, (SENT, FAILED)),
            (names.FAULTS, (*WHERE, IN_A_SESSION, IN_THE_MILTER)),
            (names.PATHS, (*_OUTCOMES.values(), WAITING, LEFT)),
        ):
            for value in values:
                self._add(family, value, number=0)
        self._add(names.OPEN_SESSIONS, number=0)

    def _transaction(self, event: TransactionEnded) -> None:
        hop, judged = event.next_hop, event.judged
        milter = hop == MILTER
        entrance = MILTER if milter else SMTP
        if judged is not None:
            self._judged(judged.verdict)
            if judged.view.proofs or judged.view.unproved:
                self._add(names.SIGNATURES, _result(judged.view))
        self._transactions[entrance, _CLASSES.get(event.reply.code // 100, OTHER)] += 1
        self._octets[entrance,] += event.size
        if event.waited is not None:
            way = SPOOL if self._forward_paths(event, WAITING) else NEXT_HOP
            self._waited.add((way, hop_kind(hop)), event.waited)
        else:
            self._forward_paths(event, LEFT)

    def _forward_paths(self, event: TransactionEnded, untold: str) -> bool:
        """Count outcomes; True: something of what the client was told is taken was kept for later."""
        paths, kept = self._paths, False
        for number, path in enumerate(event.outcomes):
            outcome = type(path.outcome)
            if outcome is not Delivered and number < event.forward_paths and event.reply.positive:
                kept = True
            paths[_OUTCOMES.get(outcome, untold),] += 1
        return kept

    def _judged(self, verdict: Verdict) -> None:
        channel = "" if verdict.channel is None else self.channels.label(verdict.channel.name)
        reason = verdict.reason
        self._messages[verdict.disposition, reason, channel] += 1
        if verdict.doubts:
            for doubt in verdict.doubts:
                self._doubts[doubt,] += 1
            if verdict.auto_closed or reason is Reason.OBSERVED:
                self._doubtful[reason, channel] += 1

    def _forward_path(self, event: ForwardPathRefused) -> None:
        reply = event.reply
        subject = reply.enhanced.rpartition(".")[0]
        self._add(
            names.PATHS_REFUSED,
            PERMANENT if reply.permanent else TEMPORARY,
            subject if subject in _SUBJECTS else OTHER if reply.enhanced else NONE,
        )

    def _attempt(self, event: AttemptEnded) -> None:
        way = event.item.destination.partition(":")[0]
        destination = way if way in _DESTINATIONS else OTHER
        self._attempts.add((destination,), event.seconds)
        for outcome in event.outcomes:
            self._add(names.SPOOL_OUTCOMES, destination, _OUTCOMES[type(outcome)])
        if event.held_because:
            self._add(names.HELD)
        if event.reported:
            self._add(names.REPORTS)

    def _session_begun(self, _: SessionBegun) -> None:
        self._add(names.SESSIONS)
        self._add(names.OPEN_SESSIONS)

    def _book(self, event: BookTaken) -> None:
        numbers = self._numbers
        numbers.only(names.BOOK, event.digest)
        numbers.only(names.CHANNELS, number=event.channels)
        numbers.only(names.LAST_RELOAD_TAKEN)
        if event.again:
            self._add(names.RELOADS, TAKEN)
            self._of(names.LAST_RELOAD)[TAKEN,] = event.at.timestamp()

    def _bad_reload(self, event: ReloadRefused) -> None:
        self._numbers.only(names.LAST_RELOAD_TAKEN, number=0)
        self._add(names.RELOADS, REFUSED)
        self._of(names.LAST_RELOAD)[REFUSED,] = event.at.timestamp()


def _result(view: MessageView) -> str:
    if view.proofs:
        return VALID
    return INVALID if _UNANSWERED.isdisjoint(each.fault for each in view.unproved) else UNANSWERED


@lru_cache(maxsize=64)
def hop_kind(next_hop: str) -> str:
    """Return how a next hop, or what stands in its place, is reached: a URL's scheme, or one of a few words."""
    if ", " in next_hop:
        kinds = {hop_kind(one) for one in next_hop.split(", ")}
        return kinds.pop() if len(kinds) == 1 else SEVERAL
    kind = next_hop.partition(":")[0]
    return kind if kind in _HOPS else OTHER

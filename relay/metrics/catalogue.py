"""Every metric that there is, its labels and what it tells.  Pure.

Names and units are by Prometheus's conventions; the labels have few values each, whatever clients send.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What Prometheus calls the type of a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: all its time series."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets, without the last, which has none."""


_FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_SLOW = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_PREFIX = "helpdesk_relay_"
_made: list[Family] = []


def _add(family: Family) -> Family:
    _made.append(family)
    return family


def _counter(name: str, text: str, *labels: str) -> Family:
    return _add(Family(f"{_PREFIX}{name}_total", Kind.COUNTER, text, labels))


def _gauge(name: str, text: str, *labels: str) -> Family:
    return _add(Family(_PREFIX + name, Kind.GAUGE, text, labels))


def _histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Family:
    return _add(Family(f"{_PREFIX}{name}_seconds", Kind.HISTOGRAM, text, labels, buckets))


MESSAGES = _counter(
    "messages",
    "Messages for the helpdesk that were judged; channel is the author's, empty where the author is none.",
    "verdict",
    "reason",
    "channel",
)
DOUBTFUL = _counter(
    "doubtful_closings",
    "Messages with doubts whose ticket was closed (outbound-copy), or would have been (observed).",
    "reason",
    "channel",
)
DOUBTS = _counter("doubts", "Doubts that were found, whatever the verdict.", "doubt")
SIGNATURES = _counter(
    "platform_signatures",
    "Messages that only a DKIM signature of the platform could keep open, by what it came to: valid, invalid, or "
    "unanswered (DNS did not say its key in time).",
    "result",
)
TRANSACTIONS = _counter(
    "transactions",
    "Mail transactions that ended with a content, by the class of the reply to it.",
    "entrance",
    "reply",
)
OCTETS = _counter("received_bytes", "Octets of content that were received.", "entrance")
PATHS = _counter(
    "forward_paths",
    "Forward-paths of these transactions, by what became of each while the client waited.",
    "outcome",
)
PATHS_REFUSED = _counter(
    "forward_paths_refused",
    "Forward-paths that were not taken, by us or by the next hop: class and subject of the enhanced status code.",
    "kind",
    "enhanced",
)
WAITED = _histogram(
    "client_wait",
    "From the end of a content to the reply: how long a client waited for judging, handing over and keeping.",
    _FAST,
    "way",
    "hop",
)
SESSIONS = _counter("sessions", "SMTP sessions that were begun.")
OPEN_SESSIONS = _gauge("open_sessions", "SMTP sessions that are open now.")
CLIENTS_REFUSED = _counter(
    "clients_refused", "Clients that were sent away before their first command.", "cause"
)
SESSIONS_CUT = _counter("sessions_cut", "Sessions that were ended by us.", "cause")
CONTENTS_REFUSED = _counter(
    "contents_refused", "Contents that were refused before anybody looked at them.", "cause"
)
LOGINS_FAILED = _counter("logins_failed", "Wrong user names and passwords.")
NORMALISED = _counter("contents_normalised", "Contents whose bare CR or LF became CRLF.")
MILTER_REFUSED = _counter("milter_connections_refused", "Connections of MTAs beyond limits.connections.")
MILTER_CUT = _counter("milter_connections_cut", "Connections of MTAs that were ended by us.")
HOP_TROUBLES = _counter(
    "next_hop_troubles", "Times that a next hop could not be reached, broke off or was silent.", "hop"
)
ATTEMPTS = _histogram(
    "spool_attempt", "Attempts at items of the spool, and how long they took.", _SLOW, "destination"
)
SPOOL_OUTCOMES = _counter(
    "spool_outcomes",
    "Outcomes of these attempts, one for each forward-path.",
    "destination",
    "outcome",
)
HELD = _counter("spool_held", "Times that an item was held.")
REPORTS = _counter("spool_reports", "Times that reports about an item went into the spool.")
SPOOL_TROUBLES = _counter(
    "spool_troubles",
    "Messages that the spool could not keep (not-kept, the client was told to come back); "
    "times that the spool did not do its work (not-working); closed messages that it could not keep to be opened "
    "again (closed-not-kept).",
    "trouble",
)
QUEUE = _gauge("queue_items", "Items in the spool.", "state")
QUEUE_IN_HAND = _gauge("queue_items_in_hand", "Items in the spool that some relay is delivering.")
QUEUE_AGE = _gauge(
    "queue_oldest_age_seconds", "Age of the oldest item that is not held; 0 where there is none."
)
QUEUE_UP = _gauge("queue_up", "1: the spool said how much is in it when it was last asked.")
JOURNAL_WRITTEN = _counter("journal_entries_written", "Entries that were written to the journal.")
JOURNAL_LOST = _counter(
    "journal_entries_lost", "Entries that the journal could not take; their mail went its way."
)
JOURNAL_WAITING = _gauge("journal_waiting_entries", "Entries that wait in memory to be written.")
JOURNAL_ENTRIES = _gauge("journal_entries", "Entries in the journal.")
JOURNAL_OCTETS = _gauge("journal_size_bytes", "Octets that the journal takes.")
JOURNAL_UP = _gauge("journal_up", "1: the journal said how large it is when it was last asked.")
DIGESTS = _counter(
    "digests", "Digests that went into the spool (sent); times that one could not (failed).", "result"
)
BOOK = _gauge("book_info", "The channel book in force, by its digest.", "digest")
CHANNELS = _gauge("channels", "Channels in the book in force.")
RELOADS = _counter("reloads", "Times that channels.yaml was read again.", "result")
LAST_RELOAD = _gauge("last_reload_timestamp_seconds", "When channels.yaml was last read again.", "result")
LAST_RELOAD_TAKEN = _gauge(
    "last_reload_successful", "0: channels.yaml has mistakes, and the relay goes on with what it had before."
)
FAULTS = _counter("faults", "Bugs of ours that cost nobody's mail; please report them.", "where")
BUILD = _gauge("build_info", "Version of the relay and of Python.", "version", "python")
STARTED = _gauge("start_timestamp_seconds", "When the relay began to serve.")

FAMILIES = tuple(_made)
"""In the order of this file."""

"""The log: one structured line for each transaction and for each thing an operator should see.

JSON where nobody watches, readable on a terminal.  Never a password, never content; what comes from the
network is made visible first.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from structlog.processors import format_exc_info
from structlog.typing import EventDict

from relay.errors import RelayError
from relay.events import (
    ClosedNotKept,
    DigestSent,
    DigestTrouble,
    Fault,
    ForwardPathRefused,
    HopTrouble,
    JournalLost,
    JournalTrouble,
    SpoolTrouble,
    TransactionEnded,
)
from relay.intake.events import (
    AuthenticationFailed,
    BareNewlinesNormalised,
    ContentRefused,
    SessionBegun,
    SessionCut,
    SessionEnded,
    SessionFaulted,
    SessionRefused,
)
from relay.mail.envelope import Client
from relay.mail.outcome import Outcome, Unknown
from relay.mail.text import visible
from relay.milter.terms import MilterCut, MilterFaulted, MilterRefused
from relay.settings.words import LogFormat, LogLevel
from relay.spool.events import AttemptEnded, ItemHeld, RunnerTrouble

_LEVELS = {
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.INFO: logging.INFO,
    LogLevel.WARNING: logging.WARNING,
    LogLevel.ERROR: logging.ERROR,
}
_encode = json.JSONEncoder(check_circular=False, default=repr).encode


def _completed(log: object, level: str, facts: EventDict) -> EventDict:
    """Add the level, the time and what an exception left behind; in one step, for every message has a line."""
    facts["level"] = level
    facts["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return format_exc_info(log, level, facts) if "exc_info" in facts else facts


def _shown(_: object, __: str, facts: EventDict) -> EventDict:
    """Return the facts as a terminal may have them; JSON is ASCII, and escapes what does not print by itself."""
    shown = {name: visible(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}
    if "exception" in facts:  # the one fact of several lines
        shown["exception"] = "\n".join(map(visible, facts["exception"].split("\n")))
    return shown


class _JsonLines:
    """Writes lines of JSON, as structlog would by the same steps: every message has a line, and a chain costs twice as much."""

    def __init__(self, stream: TextIO, level: int) -> None:
        self._write = structlog.WriteLogger(stream).msg
        self._level = level

    def info(self, words: str, /, **facts: object) -> None:
        """Write a plain line."""
        if self._level <= logging.INFO:
            self._line("info", words, facts)

    def warning(self, words: str, /, **facts: object) -> None:
        """Write a line that an operator should read."""
        if self._level <= logging.WARNING:
            self._line("warning", words, facts)

    def error(self, words: str, /, **facts: object) -> None:
        """Write a line that an operator must read."""
        self._line("error", words, facts)

    def _line(self, level: str, words: str, facts: EventDict) -> None:
        facts["event"] = words
        self._write(_encode(_completed(self, level, facts)))


class EventLog:
    """Writes events down; until ``configure``, as structlog does by itself."""

    def __init__(self) -> None:
        self._log: Any = structlog.get_logger()

    def configure(self, form: LogFormat, level: LogLevel) -> None:
        """Set the log up, on stderr; may be done again at a reload."""
        readable = form is LogFormat.TEXT or (form is LogFormat.AUTO and sys.stderr.isatty())
        if not readable:
            self._log = _JsonLines(sys.stderr, _LEVELS[level])
            return
        structlog.configure(
            processors=[_completed, _shown, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())],
            wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
            logger_factory=structlog.WriteLoggerFactory(sys.stderr),
            cache_logger_on_first_use=False,
        )
        self._log = structlog.get_logger().bind()  # bound once, not for every line

    def say(self, words: str, /, **facts: object) -> None:
        """Write a plain line."""
        self._log.info(words, **facts)

    def warn(self, words: str, /, **facts: object) -> None:
        """Write a line that an operator should read."""
        self._log.warning(words, **facts)

    def error(self, words: str, /, **facts: object) -> None:
        """Write a line that an operator must read."""
        self._log.error(words, **facts)

    def observe(self, event: object) -> None:
        """Write one event down; what is not known to the log is left to others."""
        match event:
            case TransactionEnded():
                self._transaction(event)
            case AttemptEnded():
                self._attempt(event)
            case SessionBegun() | SessionEnded():
                pass  # no line: what a client does in it has one
            case HopTrouble():
                self._log.warning(
                    "next hop", id=event.queue_id or None, hop=event.next_hop, trouble=visible(event.words)
                )
            case ForwardPathRefused():
                self._log.info(
                    "forward-path not taken",
                    id=event.queue_id,
                    client=_name(event.client),
                    mail_from=visible(event.reverse_path.text),
                    rcpt=visible(event.forward_path),
                    outcome=str(event.reply),
                )
            case Fault():
                self._fault(f"a fault of ours while {event.where}", event.error)
            case _:
                self._of_journal(event)
                self._of_spool(event)
                self._of_milter(event)
                self._of_intake(event)

    def _of_journal(self, event: object) -> None:
        match event:
            case JournalTrouble():
                self._log.error("the journal does not work now", trouble=visible(event.words))
            case JournalLost():
                self._log.error("the journal lost entries", entries=event.entries, why=event.words)
            case DigestSent():
                self._log.info("digest", channel=event.channel, closed=event.closed)
            case DigestTrouble():
                self._log.error(
                    "a digest cannot be sent now", channel=event.channel, trouble=visible(event.words)
                )
            case _:
                pass

    def _of_spool(self, event: object) -> None:
        match event:
            case SpoolTrouble():
                self._log.error("the spool cannot keep mail", id=event.queue_id, trouble=visible(event.words))
            case ClosedNotKept():
                self._log.error(
                    "a closed message is not kept", id=event.queue_id, trouble=visible(event.words)
                )
            case ItemHeld():
                self._log.warning("held", id=event.item.queue_id, why=visible(event.why))
            case RunnerTrouble():
                self._log.error("the spool does not work now", trouble=visible(event.words))
            case _:
                pass

    def _attempt(self, event: AttemptEnded) -> None:
        item = event.item
        self._log.info(
            "attempt",
            id=item.queue_id,
            hop=item.destination,
            tries=item.attempts + 1,
            outcomes=[_outcome(outcome) for outcome in event.outcomes],
            held=event.held_because or None,
            reported=event.reported,
            seconds=round(event.seconds, 4),
        )

    def _of_milter(self, event: object) -> None:
        match event:
            case MilterFaulted():
                self._fault("a fault of ours in the milter", event.error, client=_name(event.client))
            case MilterCut():
                self._log.warning(
                    "milter connection ended",
                    listener=event.listener,
                    client=_name(event.client),
                    trouble=visible(event.words),
                )
            case MilterRefused():
                self._log.warning("milter connection refused", listener=event.listener)
            case _:
                pass

    def _of_intake(self, event: object) -> None:
        match event:
            case SessionFaulted():
                self._fault("a fault of ours in a session", event.error, client=_name(event.client))
            case SessionRefused():
                self._log.info("client refused", client=_name(event.client), cause=event.cause.value)
            case SessionCut():
                self._log.info("session ended", client=_name(event.client), cause=event.cause.value)
            case ContentRefused():
                self._log.info(
                    "content refused",
                    client=_name(event.client),
                    mail_from=visible(event.reverse_path),
                    cause=event.cause.value,
                )
            case BareNewlinesNormalised():
                self._log.warning(
                    "bare newlines made CRLF: the sending tool should be mended",
                    client=_name(event.client),
                    helo=visible(event.client.helo),
                    mail_from=visible(event.reverse_path),
                )
            case AuthenticationFailed():
                self._log.warning("login failed", client=_name(event.client), user=visible(event.user))
            case _:
                pass

    def _transaction(self, event: TransactionEnded) -> None:
        verdict = event.verdict
        facts: dict[str, object] = {
            "id": event.queue_id,
            "client": _name(event.client),
            "mail_from": visible(event.reverse_path.text),
            "rcpts": event.forward_paths,
            "size": event.size,
        }
        if event.client.user is not None:
            facts["user"] = visible(event.client.user)
        if verdict is not None:
            facts |= {"verdict": verdict.disposition, "reason": verdict.reason}
            if verdict.channel is not None:
                facts["channel"] = verdict.channel.name
            if verdict.doubts:
                facts["doubts"] = ",".join(verdict.doubts)
        self._log.info(
            "message", **facts, hop=event.next_hop, outcome=str(event.reply), seconds=round(event.seconds, 4)
        )

    def _fault(self, words: str, error: BaseException, **facts: object) -> None:
        expected = isinstance(error, RelayError)
        self._log.error(words, **facts, error=type(error).__name__, exc_info=None if expected else error)


def _name(client: Client) -> str:
    return client.address_text or "local"


def _outcome(outcome: Outcome) -> str:
    words = outcome.words if isinstance(outcome, Unknown) else str(outcome.reply)
    return f"{type(outcome).__name__.lower()}: {visible(words)}"

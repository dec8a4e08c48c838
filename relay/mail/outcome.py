"""What became of one forward-path in one attempt.  Pure."""

from dataclasses import dataclass

from relay.mail.reply import Reply


@dataclass(frozen=True, slots=True)
class Delivered:
    """A next hop took the message for the forward-path."""

    reply: Reply
    hop: str = ""
    """Who said so."""
    reports: bool = False
    """The hop has taken over the duty to report success (it announces DSN, RFC 3461 5.2.2)."""
    final: bool = False
    """The hop is the last one (LMTP): the message is in the mailbox."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now: a temporary failure, the hop's own (4yz) or ours in reaching it."""

    reply: Reply
    hop: str = ""
    """Who said so; empty where it is our own answer."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Never: a permanent failure (5yz)."""

    reply: Reply
    hop: str = ""
    """Who said so; empty where it is our own answer."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The final dot was sent and nothing came back: the hop may have taken the message (RFC 1047)."""

    words: str
    hop: str = ""


Outcome = Delivered | Deferred | Failed | Unknown


def outcome_of(reply: Reply, hop: str = "") -> Delivered | Deferred | Failed:
    """Return what a final reply to a forward-path or to the content means."""
    if reply.positive:
        return Delivered(reply, hop)
    return Failed(reply, hop) if reply.permanent else Deferred(reply, hop)


def out_of_time(last: Deferred | Unknown) -> Failed:
    """Return what a forward-path comes to that was tried for as long as mail is kept (RFC 3463 X.4.7)."""
    words = last.words if isinstance(last, Unknown) else str(last.reply)
    return Failed(Reply(554, "5.4.7", f"It could not be delivered in time; the last try ended with: {words}"))

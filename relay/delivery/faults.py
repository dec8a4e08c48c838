"""What can go wrong with a next hop's connection; each text is one sentence for the log.  Pure.

Whoever catches ``PeerError`` has caught all of them.  Only after ``UnknownOutcomeError`` may the hop
have taken the message; after every other one it has not.
"""

from relay.errors import PeerError
from relay.mail.reply import Reply


class NoConnectionError(PeerError):
    """There is no usable connection: refused, timed out, no TLS or no login where one is due."""

    def __init__(self, words: str, reply: Reply | None = None) -> None:
        super().__init__(words)
        self.reply = reply
        """What the hop said, where it said something (a greeting of 554, a refused login)."""


class UnreachableError(NoConnectionError):
    """Nobody answers at that place, as far as can be seen from here: no address, refused, timed out."""


class NoTlsError(NoConnectionError):
    """The hop was reached, but there is no TLS where it is due, or its certificate does not hold."""


class AllBusyError(NoConnectionError):
    """All connections to the hop were in use for as long as the caller would wait."""


class DroppedError(PeerError):
    """The hop closed the connection, or announced that with 421."""


class StaleConnectionError(DroppedError):
    """A kept connection was closed before any reply in this transaction: nothing happened, a new one may do."""


class UnknownOutcomeError(PeerError):
    """The final dot was sent, and no reply to it came: the hop may have taken the message (RFC 1047)."""

    def __init__(self, words: str, replies: tuple[Reply | None, ...]) -> None:
        super().__init__(words)
        self.replies = replies
        """As the call would have returned them; None where the outcome is unknown."""

"""What is measured: how large, from how many sessions, one or many messages a connection; a slice is one such case."""

from dataclasses import dataclass

SIZES = {"4k": 4096, "64k": 65_536, "1m": 1_048_576}
SESSIONS = (1, 10, 50)


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of load."""

    size: str
    sessions: int
    once: bool
    """A connection ends after one message."""

    @property
    def octets(self) -> int:
        return SIZES[self.size]

    @property
    def name(self) -> str:
        return f"{self.size}-{self.sessions}-{'one' if self.once else 'many'}"

    @property
    def title(self) -> str:
        size = self.size.upper().replace("K", " KB").replace("M", " MB")
        sessions = "1 session" if self.sessions == 1 else f"{self.sessions} sessions"
        return f"{size}, {sessions}, {'one message' if self.once else 'many messages'} a connection"


CASES = {
    case.name: case
    for case in (
        Case(size, sessions, once) for size in SIZES for once in (False, True) for sessions in SESSIONS
    )
}

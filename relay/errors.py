"""The tree of our exceptions: broken promises; the world's ordinary failures are values.  Pure."""

from dataclasses import dataclass


class RelayError(Exception):
    """The root of everything that we raise on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in channels.yaml: where it stands, and what would be right."""

    file: str
    line: int
    """From 1; 0 where no line can be named."""
    key: str
    """The dotted path, such as ``channels.support.address``; empty for the file as a whole."""
    words: str
    """One sentence that names the mistake and what would be right."""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.key}: {self.words}" if self.key else f"{where}: {self.words}"


class BadSettingsError(RelayError):
    """channels.yaml cannot be used; carries every problem, not only the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class UnreadableFileError(RelayError):
    """A file that was named is missing or cannot be opened; the text is one sentence for the operator."""


class NotAnArchiveError(RelayError):
    """A file or folder that was named holds no stored mail; the text is one sentence for the operator."""


class UnavailableError(RelayError):
    """Something that we need is away or in use (a port, a database): trying again may help."""


class PeerError(RelayError):
    """The other side broke the protocol or went away; its connection is never used again."""


class LocalProtocolError(RelayError):
    """We were about to break the protocol; a bug of ours."""


class SpoolError(RelayError):
    """The spool did not keep one of its promises."""


class NotDurableError(SpoolError):
    """What was to be kept is not on stable storage, and nothing of it is there by halves; later it may go well."""


class DamagedItemError(SpoolError):
    """The octets of a waiting message are gone or not all there."""


class NewerSchemaError(RelayError):
    """A database was made by a newer version of us; the text says which one is needed."""

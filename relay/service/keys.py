"""The key that signs links and sessions and hashes addresses: from channels.yaml, or made once and kept below ``state``.

A key is text, and its octets are those of the text, so whoever copies ``state/web.key`` into another relay's
``web.key`` has the same key there.
"""

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from relay.database.files import bring_names_to_storage, give_to_owner
from relay.errors import UnavailableError, UnreadableFileError
from relay.settings.model import Settings

FILE = "web.key"
_KEY = re.compile(r"[0-9a-f]{64}")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def web_key(settings: Settings) -> bytes:
    """Return the key ``web.key``; where none is set, that of the file, which is made if it is not there.

    UnreadableFileError where the file cannot be read or holds no key, UnavailableError where it cannot be made.
    Processes that come at the same time get the same key.
    """
    if settings.web.key is not None:
        return settings.web.key.encode("utf-8", "surrogateescape")
    folder = Path(settings.state)
    file = folder / FILE
    if not file.exists():
        try:
            _make(folder, file)
        except OSError as error:
            raise UnavailableError(f"the key {file} cannot be made: {error.strerror}") from error
    return _read(file)


def _read(file: Path) -> bytes:
    try:
        text = file.read_text("ascii", errors="replace").strip()
    except OSError as error:
        raise UnreadableFileError(f"the key {file} cannot be opened: {error.strerror}") from error
    if not _KEY.fullmatch(text):
        raise UnreadableFileError(
            f"{file} does not hold 64 hexadecimal digits; put the right ones back, or remove it to have a new key "
            "(links and hashes made with the old one are void then)"
        )
    return text.encode()


def _make(folder: Path, file: Path) -> None:
    """Make ``file`` whole or not at all; whoever comes second leaves it alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = folder / f"{FILE}.{secrets.token_hex(8)}"
    try:
        with os.fdopen(os.open(temporary, _NEW, 0o600), "w") as new:
            new.write(f"{secrets.token_hex(32)}\n")
            new.flush()
            give_to_owner(new.fileno(), folder)
            os.fsync(new.fileno())
        with suppress(FileExistsError):
            os.link(temporary, file)  # unlike a rename it never takes the place of another's
    finally:
        temporary.unlink(missing_ok=True)
    bring_names_to_storage(folder)

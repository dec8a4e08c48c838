"""What our files need besides their octets: the right owner, and a name that outlives a power failure."""

import os
from pathlib import Path


def give_to_owner(number: int, folder: Path) -> None:
    """Give an open file to the owner of ``folder``, so that a command of root's leaves nothing that a relay cannot read."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(number, owner.st_uid, owner.st_gid)


def bring_names_to_storage(folder: Path) -> None:
    """Bring the names in ``folder`` to stable storage."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)

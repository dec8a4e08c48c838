"""The one mailbox in From, or what is wrong with it: an author that readers would not agree on is none.  Pure."""

import re
from collections.abc import Sequence
from enum import StrEnum

from relay.mail.address import Mailbox
from relay.mail.address_list import read_address_list
from relay.mail.fields import text_on_one_line

_BARE_CR_OR_NUL = re.compile(rb"\r(?!\n|\Z)|\x00")


class AuthorFault(StrEnum):
    """Why there is no author."""

    MISSING = "there is no From field"
    EMPTY = "From holds no mailbox"
    FIELDS = "there are several From fields"
    BELOW_JUNK = "From stands below a line that is no field"
    OCTETS = "From holds a bare CR or a NUL"
    GROUP = "From holds a group"
    MAILBOXES = "From names several mailboxes"
    BROKEN = "From can be read in more than one way"

    @property
    def ambiguous(self) -> bool:
        """There may be an author, but readers would not agree on one."""
        return self not in (AuthorFault.MISSING, AuthorFault.EMPTY)


def author_of(values: Sequence[bytes], *, below_junk: bool) -> tuple[Mailbox | None, AuthorFault | None]:
    """Return the author that the From fields with these ``values`` name, or why there is none."""
    if len(values) != 1:
        return None, AuthorFault.FIELDS if values else AuthorFault.MISSING
    if below_junk:
        return None, AuthorFault.BELOW_JUNK
    if _BARE_CR_OR_NUL.search(values[0]):
        return None, AuthorFault.OCTETS
    mailboxes, broken, groups, semicolons = read_address_list(text_on_one_line(values[0]))
    if groups:
        return None, AuthorFault.GROUP
    if len(mailboxes) > 1:
        return None, AuthorFault.MAILBOXES
    if semicolons and mailboxes:
        return None, AuthorFault.BROKEN
    if broken and (mailboxes or any(part.names_somebody for part in broken)):
        return None, AuthorFault.BROKEN
    return (mailboxes[0], None) if mailboxes else (None, AuthorFault.EMPTY)

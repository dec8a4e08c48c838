"""The seam: what intake wants from whoever takes mail transactions, as callables that are handed in.  Pure."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from relay.mail.content import Content
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.reply import Reply


class Transaction(Protocol):
    """One mail transaction after its MAIL was accepted; calls never overlap.

    It ends with exactly one of ``content`` (even if that raises) and ``abandon``.  A raised exception is
    answered 451 4.3.0 by the session; a reply with code 421 makes the session close after it.
    """

    async def rcpt(self, path: ForwardPath) -> Reply:
        """Answer RCPT; every call is evidence, whatever the answer."""
        ...

    def note(self, path: ForwardPath) -> None:
        """Take a well-formed forward-path as evidence that the session itself refused."""
        ...

    async def content(self, content: Content) -> Reply:
        """Answer the final dot.  Not cancelled when the client goes away; the session closes the content after it."""
        ...

    async def abandon(self) -> None:
        """Forget it all: RSET, EHLO, a disconnect or a refused content ended the transaction."""
        ...


class Begin(Protocol):
    """Starts a mail transaction."""

    def __call__(self, client: Client, reverse_path: ReversePath) -> Transaction | Reply:
        """Answer MAIL; a Reply refuses it."""
        ...


Authenticate = Callable[[str, str], Awaitable[bool]]
"""User name and password -> may this user send?  In constant time, and not on the event loop's own thread."""

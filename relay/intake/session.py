# ruff: noqa: N802 - the names of the methods are aiosmtpd's
"""An SMTP session: translate commands into calls of a mail transaction, and its answers into replies.

Policy lives elsewhere: the grammar in ``paths``, the data in ``receiving``, the verdict behind ``Begin``.
"""

from relay.intake import replies
from relay.intake.events import BareNewlinesNormalised, Cause, ContentRefused
from relay.intake.introduction import Introduction
from relay.intake.paths import forward_path_in, parse_mail, parse_rcpt
from relay.intake.receiving import Unwanted, close, receive
from relay.intake.terms import AuthMode
from relay.intake.transaction import Transaction
from relay.mail.envelope import ReversePath
from relay.mail.reply import Reply

_FAR_TOO_MANY = 10
"""So many times ``limits.recipients`` ends the session."""


class Session(Introduction):
    """One client's session, over any number of mail transactions."""

    _transaction: Transaction | None = None
    _path = ReversePath("")
    _forward_paths = 0
    _accepted = 0

    @property
    def in_transaction(self) -> bool:
        """A mail transaction is under way."""
        return self._transaction is not None

    async def smtp_MAIL(self, arg: str | None) -> None:
        """Begin a mail transaction (RFC 5321 4.1.1.2)."""
        if refusal := self._mail_refusal():
            self.object_to(refusal)
            return
        path = parse_mail(arg or "")
        if isinstance(path, Reply):
            self.object_to(path)
            return
        if path.size is not None and 0 < self.terms.limits.message_size < path.size:
            self.object_to(replies.TOO_BIG)
            return
        begun = self.terms.begin(self.client, path)
        if isinstance(begun, Reply):
            self.object_to(begun)
            return
        self._transaction, self._path = begun, path
        self._forward_paths = self._accepted = 0
        self.faulted = False
        self.say(replies.MAIL_OK)

    def _mail_refusal(self) -> Reply | None:
        if not self.client.helo:
            return replies.HELO_FIRST
        if self.settings.auth is AuthMode.REQUIRED and self.client.user is None:
            return replies.AUTH_FIRST
        return None if self._transaction is None else replies.NESTED_MAIL

    async def smtp_RCPT(self, arg: str | None) -> None:
        """Hand a forward-path to the mail transaction (RFC 5321 4.1.1.3)."""
        transaction = self._transaction
        if transaction is None:
            self.object_to(replies.MAIL_FIRST)
            return
        if self.faulted:
            self.say(replies.FAULT)
            return
        path = parse_rcpt(arg or "", smtputf8=self._path.smtputf8)
        if isinstance(path, Reply):
            if (well_formed := forward_path_in(arg or "")) is not None:
                transaction.note(well_formed)
            self.object_to(path)
            return
        self._forward_paths += 1
        if 0 < self.terms.limits.recipients < self._forward_paths and self._is_one_too_many():
            transaction.note(path)
            return
        self.expect_nothing()
        reply = await transaction.rcpt(path)
        self._accepted += reply.positive
        self.say(reply)

    def _is_one_too_many(self) -> bool:
        limit = self.terms.limits.recipients
        if self._forward_paths > limit * _FAR_TOO_MANY:
            self.cut(replies.FAR_TOO_MANY_RECIPIENTS, Cause.RECIPIENTS)
            return True
        if self._accepted >= limit:
            self.say(replies.TOO_MANY_RECIPIENTS)
            return True
        return False

    async def smtp_DATA(self, arg: str | None) -> None:
        """Receive the content and hand it to the mail transaction (RFC 5321 4.1.1.4)."""
        if arg:
            self.object_to(replies.NO_ARGUMENT)
        elif self._transaction is None or not self._forward_paths:
            self.object_to(replies.RCPT_FIRST)
        elif self.faulted:
            self.say(replies.FAULT)
        elif not self._accepted:
            self.object_to(replies.NO_VALID_RECIPIENTS)
        else:
            self.say(replies.GO_AHEAD)
            await self._take_content(self._transaction)

    async def _take_content(self, transaction: Transaction) -> None:
        terms, memory = self.terms, self.reception.memory
        trusted = self.client.user is not None or self.client.address in terms.always_normalised
        normalise = trusted or terms.limits.normalise_bare_newlines
        self.expect_data()
        self.in_data = True
        received = await receive(self, terms, memory, normalise=normalise)
        if received is None:
            self.ending = True
            return
        if received.rest:
            self.put_back(received.rest)
        self.in_data = False
        if isinstance(received, Unwanted):
            terms.observe(ContentRefused(self.client, self._path.text, received.cause))
            await self.abandon()
            self.say(received.reply)
            return
        if received.bare:
            terms.observe(BareNewlinesNormalised(self.client, self._path.text))
        self._transaction = None  # from here on it ends itself, and no disconnect disturbs it
        try:
            reply = await transaction.content(received.content)
        finally:
            close(received.content, memory)
        if reply.positive:
            self.junk = 0
        self.say(reply)

    async def abandon(self) -> None:
        """End the mail transaction, if one is under way."""
        transaction, self._transaction = self._transaction, None
        self.faulted = False
        if transaction is not None:
            try:
                await transaction.abandon()
            except Exception as error:  # what is being thrown away does not matter any more
                self.observe_fault(error)

    async def smtp_RSET(self, arg: str | None) -> None:
        """Forget the mail transaction (RFC 5321 4.1.1.5)."""
        if not arg:
            await self.abandon()
        self.object_to(replies.NO_ARGUMENT if arg else replies.OK)

    async def smtp_NOOP(self, arg: str | None) -> None:  # noqa: ARG002
        """Do nothing (RFC 5321 4.1.1.9)."""
        self.object_to(replies.OK)

    async def smtp_VRFY(self, arg: str | None) -> None:
        """Give nothing away (RFC 5321 7.3)."""
        self.object_to(replies.VRFY if arg else replies.NEEDS_ARGUMENT)

    async def smtp_EXPN(self, arg: str | None) -> None:  # noqa: ARG002
        """Refuse: there are no lists here."""
        self.object_to(replies.NOT_OFFERED)

    async def smtp_HELP(self, arg: str | None) -> None:  # noqa: ARG002
        """Name the RFC (RFC 5321 4.1.1.8)."""
        self.object_to(replies.HELP)

    async def smtp_QUIT(self, arg: str | None) -> None:
        """Say good-bye (RFC 5321 4.1.1.10)."""
        if arg:
            self.object_to(replies.NO_ARGUMENT)
        else:
            self.say(replies.BYE)
            self.ending = True


Session.commands = {
    name.removeprefix("smtp_").encode(): getattr(Session, name)
    for name in (*vars(Session), *vars(Introduction))
    if name.startswith("smtp_")
}
"""Made once, where aiosmtpd looks its methods up for every connection."""

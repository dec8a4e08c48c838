# ruff: noqa: N802 - the names of the methods are aiosmtpd's
"""Who the client is: HELO, EHLO, STARTTLS, AUTH and XCLIENT."""

import asyncio
from dataclasses import replace
from functools import lru_cache

from relay.intake import replies
from relay.intake.authentication import Credentials, read_credentials
from relay.intake.dialogue import Dialogue
from relay.intake.events import AuthenticationFailed, Cause
from relay.intake.terms import AuthMode, TlsMode
from relay.intake.xclient import parse_xclient
from relay.mail.envelope import Client
from relay.mail.reply import Reply

_LONGEST_HELO = 255
_client = lru_cache(maxsize=256)(Client)
"""Returns who a client is; most come again and again under the same name."""


class Introduction(Dialogue):
    """The commands by which a client says, and proves, who it is."""

    _failures = 0
    _told_helo: str | None = None

    async def smtp_HELO(self, hostname: str) -> None:
        """Answer HELO (RFC 5321 4.1.1.1)."""
        if await self._meet(hostname, esmtp=False):
            self.say(replies.hello(self.terms.hostname))

    async def smtp_EHLO(self, hostname: str) -> None:
        """Answer EHLO with what works for this client now (RFC 5321 4.1.1.1)."""
        if await self._meet(hostname, esmtp=True):
            reply = replies.extended_hello(
                self.terms.hostname,
                self.terms.limits.message_size,
                starttls=self._offers_tls() and not self.client.tls,
                auth=self._auth_refusal() is None,
                xclient=self.peer in self.settings.xclient,
            )
            self.say(reply)

    async def _meet(self, name: str, *, esmtp: bool) -> bool:
        if not name or len(name) > _LONGEST_HELO or not name.isprintable():
            self.object_to(replies.BAD_HELO)
            return False
        if self.client.helo and self.is_too_much():
            return False
        if self.in_transaction:
            await self.abandon()
        client = self.client
        helo = self._told_helo or name
        self.client = _client(client.address, helo, esmtp, client.tls, client.user)
        return True

    def _offers_tls(self) -> bool:
        wanted = self.settings.tls in (TlsMode.OPPORTUNISTIC, TlsMode.REQUIRED)
        return wanted and self.reception.terms.tls is not None

    async def smtp_STARTTLS(self, arg: str | None) -> None:
        """Go over to TLS; what came in plain before it is void (RFC 3207)."""
        context = self.reception.terms.tls
        if arg:
            self.object_to(replies.NO_ARGUMENT)
        elif self.client.tls:
            self.object_to(replies.ALREADY_TLS)
        elif context is None or not self._offers_tls():
            self.object_to(replies.NOT_OFFERED)
        else:
            await self.abandon()
            self.say(replies.START_TLS)
            await self.flush()
            self.take_unread()
            if await self.start_tls(context, b""):
                self.client = Client(self.client.address, tls=True)

    def _auth_refusal(self) -> Reply | None:
        if self.settings.auth is AuthMode.NONE or self.terms.authenticate is None:
            return replies.NOT_OFFERED
        if self.client.user is not None:
            return replies.ALREADY_KNOWN
        address = self.peer
        local = address is not None and address.is_loopback
        return None if self.client.tls or local else replies.AUTH_NEEDS_TLS

    async def smtp_AUTH(self, arg: str | None) -> None:
        """Hear user name and password (RFC 4954)."""
        if refusal := self._before_auth(arg):
            self.object_to(refusal)
            return
        answer = await read_credentials(arg or "", self._ask)
        if isinstance(answer, Credentials):
            self.expect_nothing()
            await self._check(answer)
        elif answer is replies.AUTH_FAILED:
            await self._fail("")
        else:
            self.object_to(answer)

    def _before_auth(self, arg: str | None) -> Reply | None:
        if not arg:
            return replies.NEEDS_ARGUMENT
        if not self.client.helo:
            return replies.HELO_FIRST
        return replies.NOT_NOW if self.in_transaction else self._auth_refusal()

    async def _ask(self, challenge: bytes) -> bytes | None:
        self.say(Reply(334, "", challenge.decode("ascii")))
        return await self.next_line()

    async def _check(self, credentials: Credentials) -> None:
        assert self.terms.authenticate is not None
        try:
            right = await self.terms.authenticate(*credentials)
        except Exception as error:  # not the client's fault, so no failure of its own
            self.observe_fault(error)
            self.say(replies.AUTH_FAULT)
            return
        if right:
            self.client = replace(self.client, user=credentials.user)
            self.say(replies.AUTH_DONE)
        else:
            await self._fail(credentials.user)

    async def _fail(self, user: str) -> None:
        self.terms.observe(AuthenticationFailed(self.client, user))
        self._failures += 1
        limits = self.terms.limits
        self.expect_nothing()
        await asyncio.sleep(limits.auth_delay * self._failures)
        if limits.auth_failures and self._failures >= limits.auth_failures:
            self.cut(replies.TOO_MANY_FAILURES, Cause.AUTH_FAILURES)
        else:
            self.say(replies.AUTH_FAILED)

    async def smtp_XCLIENT(self, arg: str | None) -> None:
        """Let an edge MTA say whom it speaks for (Postfix XCLIENT_README)."""
        if self.peer not in self.settings.xclient:
            self.object_to(replies.XCLIENT_DENIED)
            return
        told = replies.NOT_NOW if self.in_transaction else parse_xclient(arg or "")
        if isinstance(told, Reply):
            self.object_to(told)
            return
        client = self.client
        address = told.address if told.address_told else client.address
        user = told.user if told.user_told else client.user
        self._told_helo = told.helo or self._told_helo
        self.client = Client(address, tls=client.tls, user=user)
        self.say(replies.greeting(self.terms.hostname))

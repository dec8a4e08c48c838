"""Signatures verified by a command: DNS is asked only for one that would change the verdict, and maybe not at all."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from relay.channels import ChannelBook
from relay.judge import Verdict, wanted_signers
from relay.mail.content import Content
from relay.mail.proof import Proved
from relay.mail.view import MessageView, with_proved
from relay.replay.judging import Fault, verdict_of

Prove = Callable[[Content, frozenset[str]], Proved]


class Proving:
    """Judges with signatures verified, unless ``offline``; what that takes is loaded for the first of them."""

    def __init__(self, *, offline: bool) -> None:
        self.offline = offline
        self._opened = ExitStack()
        self._prove: Prove | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def verdict(self, view: MessageView, content: Content, book: ChannelBook, fault: Fault) -> Verdict:
        """Return the verdict on ``content``, of which ``view`` is a view of a stored message; OSError while reading it."""
        verdict = verdict_of(view, book, fault)
        wanted = wanted_signers(verdict, book)
        if self.offline or not wanted.intersection(view.signers or ()):
            return verdict
        return verdict_of(with_proved(view, self._loaded()(content, wanted)), book, fault)

    def _loaded(self) -> Prove:
        if self._prove is None:
            import asyncio

            from relay.delivery.resolver import Resolver
            from relay.service.proving import prover

            runner = self._opened.enter_context(asyncio.Runner())
            prove = prover(Resolver(), lambda: datetime.now(UTC))
            self._prove = lambda content, domains: runner.run(prove(content, domains))
        return self._prove

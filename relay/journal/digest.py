"""A channel's digest: what was closed in a span of time, by which tool, what of it in doubt.  Pure.

Never content and never a Subject; what comes from the network is made visible.  The tool is a hint from fields
that anybody can write: it decided nothing, and the digest says so.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from relay.journal.entry import Entry
from relay.journal.phrases import Phrases, phrases
from relay.judge import Doubt
from relay.judge.explain import Language, doubt
from relay.mail.text import unicode_text, visible
from relay.mail.view import Evidence

MOST_DOUBTFUL = 50
"""Those that are named one by one, the newest."""
MOST_TOOLS = 20
_MOST_COUNTED = 1000
"""Tools that are told apart: a client can call itself anything."""
_LATEST = 3
"""Of a tool."""
_MOST_RECIPIENTS = 3
_LONGEST = 80
"""Characters of anything from the network."""


@dataclass(frozen=True, slots=True)
class Closing:
    """One message whose ticket was closed, or would have been; texts fit to be shown."""

    at: datetime
    """In the local time of whoever reads it."""
    ref: str
    recipients: tuple[str, ...]
    """Of To and Cc, and how many more."""
    tool: str
    doubts: tuple[Doubt, ...]
    observed: bool
    """It would have been closed, by a channel that did more than observe."""
    reopened: bool


@dataclass(frozen=True, slots=True)
class Tool:
    """What a tool seems to have sent."""

    name: str
    """Empty where no message told."""
    messages: int
    latest: tuple[Closing, ...]
    """The newest first."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What became of a channel's outbound copies from ``since`` until ``until``."""

    channel: str
    since: datetime
    until: datetime
    closed: int
    observed: int
    """Would have been closed, by a channel that did more than observe."""
    in_doubt: int
    """Of both."""
    reopened: int
    doubtful: tuple[Closing, ...]
    """The newest first, no more than ``MOST_DOUBTFUL``."""
    tools: tuple[Tool, ...]
    """The busiest first, no more than ``MOST_TOOLS``; what others sent is not among them."""

    @property
    def nothing(self) -> bool:
        """There is nothing to tell."""
        return not self.closed and not self.observed


class _Newest:
    """The newest closings of those that come, in whatever order they come."""

    __slots__ = ("_closings", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._closings: list[Closing] = []

    def add(self, closing: Closing) -> None:
        """Take one; one that is older than all that count may go."""
        self._closings.append(closing)
        if len(self._closings) >= 2 * self._most:
            self._closings[:] = self.first()

    def first(self) -> tuple[Closing, ...]:
        """Return those that count, the newest first."""
        newest = sorted(self._closings, key=lambda closing: closing.at, reverse=True)
        return tuple(newest[: self._most])


class Gathering:
    """Takes the entries of one channel, in any order, in bounded memory."""

    def __init__(self, channel: str, local: Callable[[datetime], datetime]) -> None:
        """``local`` gives a time in the zone of whoever reads it."""
        self._channel = channel
        self._local = local
        self._closed = self._observed = self._in_doubt = self._reopened = 0
        self._doubtful = _Newest(MOST_DOUBTFUL)
        self._tools: Counter[str] = Counter()
        self._latest: dict[str, _Newest] = {}

    def add(self, entry: Entry) -> None:
        """Count an entry; one that was not closed, nor would have been, is left out."""
        verdict = entry.verdict
        if verdict.channel is None or verdict.channel.name != self._channel or not entry.would_close:
            return
        closing = _closing(entry, self._local)
        self._closed += verdict.auto_closed
        self._observed += not verdict.auto_closed
        self._reopened += closing.reopened
        if closing.doubts:
            self._in_doubt += 1
            self._doubtful.add(closing)
        if closing.tool in self._tools or len(self._tools) < _MOST_COUNTED:
            self._tools[closing.tool] += 1
            self._latest.setdefault(closing.tool, _Newest(_LATEST)).add(closing)

    def digest(self, since: datetime, until: datetime) -> Digest:
        """Return what came together."""
        return Digest(
            channel=self._channel,
            since=self._local(since),
            until=self._local(until),
            closed=self._closed,
            observed=self._observed,
            in_doubt=self._in_doubt,
            reopened=self._reopened,
            doubtful=self._doubtful.first(),
            tools=tuple(
                Tool(name, messages, self._latest[name].first())
                for name, messages in self._tools.most_common(MOST_TOOLS)
            ),
        )


def subject_of(digest: Digest, language: Language = Language.EN) -> str:
    """Return what the digest says in one line."""
    return f"{digest.channel}: {_sums(digest, phrases(language))}"


def text_of(digest: Digest, language: Language = Language.EN, page: str | None = None) -> str:
    """Return the digest as text for a mail or a terminal; ``page`` is where the web page is."""
    return "\n".join(_lines(digest, phrases(language), language, page)) + "\n"


def digest_values(digest: Digest) -> dict[str, object]:
    """Return the digest as values for JSON."""
    return {
        "channel": digest.channel,
        "since": digest.since.isoformat(),
        "until": digest.until.isoformat(),
        "closed": digest.closed,
        "would_close": digest.observed,
        "in_doubt": digest.in_doubt,
        "reopened": digest.reopened,
        "doubtful": [_closing_values(closing) for closing in digest.doubtful],
        "tools": [
            {
                "tool": tool.name or None,
                "messages": tool.messages,
                "latest": [each.ref for each in tool.latest],
            }
            for tool in digest.tools
        ],
    }


def _closing_values(closing: Closing) -> dict[str, object]:
    return {
        "ref": closing.ref,
        "at": closing.at.isoformat(),
        "recipients": list(closing.recipients),
        "tool": closing.tool or None,
        "doubts": [each.value for each in closing.doubts],
        "observed": closing.observed,
        "reopened": closing.reopened,
    }


def _lines(digest: Digest, say: Phrases, language: Language, page: str | None) -> Iterator[str]:
    yield say.heading.format(channel=digest.channel, since=_time(digest.since), until=_time(digest.until))
    yield ""
    if digest.nothing:
        yield say.nothing
        return
    yield f"{_sums(digest, say)}."
    if digest.observed:
        yield say.observing
    if digest.reopened:
        yield say.reopened(digest.reopened)
    if digest.doubtful:
        yield from _in_doubt(digest, say, language)
    yield from _by_tool(digest, say)
    yield ""
    yield say.hint
    yield say.why
    if page is not None:
        yield say.page.format(page)


def _in_doubt(digest: Digest, say: Phrases, language: Language) -> Iterator[str]:
    yield from ("", say.doubtful, "")
    for closing in digest.doubtful:
        yield f"  {_time(closing.at)}  {_to(closing, say)}"
        marks = [
            mark for mark, is_so in ((say.would, closing.observed), (say.again, closing.reopened)) if is_so
        ]
        yield f"    {'; '.join([*(doubt(each, language) for each in closing.doubts), *marks])}"
        yield f"    {closing.tool or say.no_tool}, {closing.ref}"
    if digest.in_doubt > len(digest.doubtful):
        yield f"  {say.more(digest.in_doubt - len(digest.doubtful))}"


def _by_tool(digest: Digest, say: Phrases) -> Iterator[str]:
    yield from ("", say.tools, "")
    for tool in digest.tools:
        yield f"  {tool.messages:>6}  {tool.name or say.no_tool}"
        for closing in tool.latest:
            yield f"            {_time(closing.at)}  {_to(closing, say)}, {closing.ref}"
    others = digest.closed + digest.observed - sum(tool.messages for tool in digest.tools)
    if others:
        yield f"  {others:>6}  {say.others}"


def _sums(digest: Digest, say: Phrases) -> str:
    sums = [say.closed(digest.closed)] if digest.closed or not digest.observed else []
    if digest.observed:
        sums.append(say.observed(digest.observed))
    if digest.in_doubt:
        sums.append(say.in_doubt(digest.in_doubt))
    return ", ".join(sums)


def _to(closing: Closing, say: Phrases) -> str:
    return f"{say.to} {', '.join(closing.recipients)}" if closing.recipients else say.to_nobody


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _closing(entry: Entry, local: Callable[[datetime], datetime]) -> Closing:
    addressed = dict.fromkeys(
        str(seen.mailbox) for seen in entry.view.recipients if seen.evidence is Evidence.ADDRESSED
    )
    shown = [_shown(address) for address in list(addressed)[:_MOST_RECIPIENTS]]
    if len(addressed) > _MOST_RECIPIENTS:
        shown.append(f"+{len(addressed) - _MOST_RECIPIENTS}")
    return Closing(
        at=local(entry.at),
        ref=_shown(entry.ref),
        recipients=tuple(shown),
        tool=_shown(entry.tool),
        doubts=entry.verdict.doubts,
        observed=not entry.verdict.auto_closed,
        reopened=entry.reopened is not None,
    )


def _shown(text: str) -> str:
    """Return text from the network on one line, short, and with nothing in it that hides."""
    safe = visible(unicode_text(text))
    return safe if len(safe) <= _LONGEST else f"{safe[: _LONGEST - 1]}…"

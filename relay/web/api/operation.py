"""One operation of the API, declared: whoever answers it and whoever documents it read the same."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from starlette.requests import Request

from relay.settings.words import Right
from relay.web.access import Visitor
from relay.web.api.fields import Field, Values
from relay.web.sources import Sources

JSON = "application/json"
MESSAGE = "message/rfc822"


@dataclass(frozen=True, slots=True)
class Body:
    """What a request brings."""

    members: tuple[Field, ...]
    """Of a JSON object."""
    required: tuple[str, ...]
    """The members that must be there."""
    raw: bool = False
    """A message may be sent as it is, too (``message/rfc822``); it is then read as the member ``message``."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read: whoever asks has the right."""

    request: Request
    sources: Sources
    visitor: Visitor
    values: Values
    """Of the path, the query and the body."""


Does = Callable[[Call], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Operation:
    """What can be done by one method at one address."""

    method: str
    path: str
    """Below ``/api/v1``, as OpenAPI and Starlette both write it."""
    name: str
    """Unique; in camel case, for those who make clients from the document."""
    group: str
    summary: str
    does: Does
    """Answers with what JSON can say, or with a response of its own."""
    answers: Any
    """The type of the answer (``shapes``); None: there is none, only 204."""
    right: Right | None = Right.READ
    """None: everybody may."""
    here_by_anybody: bool = False
    """Where reading needs no login, this needs none either."""
    inside: tuple[Field, ...] = ()
    """In the path."""
    query: tuple[Field, ...] = ()
    body: Body | None = None
    refusals: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    """What else it may answer, and when."""
    kind: str = JSON
    """The media type of the answer."""

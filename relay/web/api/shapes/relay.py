"""The relay itself: what is in force, who asks, why something is refused.  Pure."""

from typing import Annotated, NotRequired, TypedDict

from relay.channels import AutoClose, BccEvidence, WhenInDoubt
from relay.settings.words import Right
from relay.web.api.shapes.words import Book, Next


class Channel(TypedDict):
    """A channel in force."""

    name: str
    address: str
    also: list[str]
    inbound: list[str]
    auto_close: AutoClose
    when_in_doubt: WhenInDoubt
    closable: Annotated[str, "What can be closed with the book as it is, in one sentence."]


class RuleKeys(TypedDict):
    """The key `rule` of channels.yaml."""

    bcc_evidence: list[BccEvidence]
    when_in_doubt: WhenInDoubt
    subaddress_separator: str


class PlatformKeys(TypedDict):
    """The key `platform` of channels.yaml."""

    networks: list[str]
    users: list[str]
    dkim_domains: list[str]
    authserv_ids: list[str]


class Channels(TypedDict):
    """The channels in force, and everything else that a verdict depends on."""

    channels: list[Channel]
    next: Next
    rule: RuleKeys
    platform: PlatformKeys
    trusted_trace: list[str]
    domains: list[str]
    inside: list[str]
    header_size: Annotated[int, "`limits.header_size` in octets; 0: no limit."]
    book: Book


class Version(TypedDict):
    """Which relay answers, and what it goes by."""

    version: str
    book: Book


class Session(TypedDict):
    """Who asks, and what he may."""

    user: Annotated[str | None, "null: nobody has logged in."]
    may: Annotated[list[Right], "Here and now; whoever may read without a login has `read`."]
    csrf_token: Annotated[
        str | None, "What a verb needs as `X-CSRF-Token`; null where the login does not come from a cookie."
    ]


class WrongInput(TypedDict):
    """One thing in the request that could not be read."""

    where: Annotated[str, "The parameter, or the member of the body."]
    detail: Annotated[str, "What is wrong, and what would be right."]


class Problem(TypedDict):
    """Why the request was refused (RFC 9457)."""

    type: Annotated[str, "Always `about:blank`: the status says it all."]
    title: str
    status: int
    detail: Annotated[str, "One sentence for people."]
    errors: NotRequired[Annotated[list[WrongInput], "With 422: everything that could not be read."]]
    refs: NotRequired[Annotated[list[str], "With 409: the decisions that are called so."]]
    answer: NotRequired[Annotated[str, "With 409: why the ticket is not opened again, in one word."]]

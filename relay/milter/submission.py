"""A mail transaction as an MTA tells of it, packet by packet: envelope, client, header section.  Pure."""

import re
from functools import lru_cache
from ipaddress import ip_address

from relay.errors import PeerError
from relay.mail.address import Mailbox, parse_mailbox
from relay.mail.envelope import Address, Client, HeaderState, Known, ReversePath, Source, plain_address
from relay.mail.fields import text_of
from relay.milter.cuts import LONGEST_SECTION, field_may_be_cut
from relay.milter.packets import Origin
from relay.milter.terms import Message, Terms

MOST_FORWARD_PATHS = 100_000
MOST_FORGED_FIELDS = 10_000
"""What no MTA sends; they bound what a connection keeps."""

_ROUTE = re.compile(r"@[^:<>]*+:")
_POSTMASTER = re.compile("postmaster", re.IGNORECASE)
_SIZE = re.compile(r"SIZE=([0-9]{1,20})", re.IGNORECASE)
_BARE_LF = re.compile(rb"(?<!\r)\n")
_UNFOLDED = re.compile(rb"\n(?![ \t])")
"""A line end inside a value with no blank behind it: no MTA that hands a field over whole has one."""


def client_of(origin: Origin | None, helo: str, user: str | None) -> tuple[Client, Source]:
    """Return the client that CONNECT told of, and whether it did."""
    if origin is None or origin.family == b"U":
        return Client(helo=helo, user=user), Source.UNKNOWN
    return Client(_address(origin.family, origin.address), helo=helo, user=user), Source.GIVEN


def reverse_path_of(texts: list[bytes]) -> ReversePath:
    """Read the arguments of MAIL; leniently, for the MTA has accepted them."""
    path = _path(texts[0])
    parameters = [text_of(text) for text in texts[1:]]
    sizes = [found[1] for text in parameters if (found := _SIZE.fullmatch(text))]
    return ReversePath(
        path,
        parse_mailbox(path),
        size=int(sizes[0]) if sizes else None,
        smtputf8=any(text.upper() == "SMTPUTF8" for text in parameters),
    )


def forward_path_of(texts: list[bytes]) -> Mailbox | None:
    """Read the arguments of RCPT; None where they are no well-formed forward-path."""
    return _forward_path(texts[0])


@lru_cache(maxsize=1024)
def _forward_path(octets: bytes) -> Mailbox | None:
    path = _path(octets)
    return Mailbox("postmaster", "") if _POSTMASTER.fullmatch(path) else parse_mailbox(path)


def _path(octets: bytes) -> str:
    path = text_of(octets).strip(" \t")
    if path.startswith("<") and path.endswith(">"):
        path = path[1:-1]
    found = _ROUTE.match(path)
    return path[found.end() :] if found else path


@lru_cache(maxsize=1024)
def _address(family: bytes, octets: bytes) -> Address | None:
    if family not in (b"4", b"6"):
        return None
    text = text_of(octets).partition("%")[0]
    try:
        return plain_address(ip_address(text[5:] if text[:5].upper() == "IPV6:" else text))
    except ValueError:
        return None


class Submission:
    """Collects one message; keeps no more of a header section than the terms allow."""

    __slots__ = (
        "_accepted", "_began", "_client", "_counts", "_cut", "_fields", "_forward_paths", "_leading_space", "_octets",
        "_reverse_path", "_source", "forged", "terms",
    )  # fmt: skip

    def __init__(
        self,
        terms: Terms,
        client: tuple[Client, Source],
        reverse_path: ReversePath,
        began: float,
        *,
        leading_space: bool,
    ) -> None:
        self.terms = terms
        self.forged: list[tuple[bytes, int]] = []
        """Fields that only we may set, as name and index among those of that name, in order."""
        self._client, self._source = client
        self._reverse_path = reverse_path
        self._began = began
        self._leading_space = leading_space
        self._forward_paths: dict[Mailbox, None] = {}
        self._accepted: dict[Mailbox, None] = {}
        self._fields: list[bytes] = []
        self._octets = 0
        self._counts: dict[bytes, int] = {}
        self._cut = False

    def take_forward_path(self, path: Mailbox, *, accepted: bool) -> None:
        """Keep a forward-path; it is evidence whatever the MTA answered to it."""
        self._forward_paths[path] = None
        if accepted:
            self._accepted[path] = None
        if len(self._forward_paths) > MOST_FORWARD_PATHS:
            raise PeerError(f"more than {MOST_FORWARD_PATHS} forward-paths")

    def take_field(self, name: bytes, value: bytes) -> None:
        """Keep a field as it stands in the header section."""
        known = name.strip(b" \t").lower()
        if self.terms.forged.fullmatch(known):
            index = self._counts[known] = self._counts.get(known, 0) + 1
            self.forged.append((name, index))
            if index > MOST_FORGED_FIELDS or len(self._counts) > MOST_FORGED_FIELDS:
                raise PeerError(f"more than {MOST_FORGED_FIELDS} fields that only we may set")
        limit = self.terms.header_size
        if limit and self._octets > limit:
            return
        if b"\n" in value:
            self._cut = self._cut or _UNFOLDED.search(value) is not None
            value = _BARE_LF.sub(b"\r\n", value)
        field = b"".join((name, b":" if self._leading_space else b": ", value, b"\r\n"))
        self._fields.append(field)
        self._octets += len(field)
        self._cut = self._cut or self._octets >= LONGEST_SECTION or field_may_be_cut(known, field)

    def message(self, queue_id: str) -> Message:
        """Return what came in, now that the content is at its end."""
        head = b"".join((*self._fields, b"\r\n"))
        limit = self.terms.header_size
        return Message(
            queue_id=queue_id,
            client=self._client,
            reverse_path=self._reverse_path,
            forward_paths=tuple(self._forward_paths),
            accepted=tuple(self._accepted),
            head=head[: limit + 1] if limit and len(head) > limit else head,
            known=Known(Source.GIVEN, self._source, HeaderState.CUT if self._cut else HeaderState.COMPLETE),
            began=self._began,
            stripped=bool(self.forged),
        )

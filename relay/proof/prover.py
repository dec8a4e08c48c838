"""Which of the wanted domains have signed a message, and why the others have not; within a few seconds.

What costs little comes first: signatures that could prove nothing ask DNS for nothing, and a body is read only
for a signature that its key has made of the header section.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice

from relay.mail.content import Content
from relay.mail.fields import Row, read_header
from relay.mail.proof import DKIM, Proof, ProofFault, Proved, Unproved
from relay.mail.signatures import SIGNATURE, read_tags, signer
from relay.proof.canonical import BodyHash, signed_octets
from relay.proof.signature import Signature, read_signature

Lookup = Callable[[str], Awaitable[tuple[bytes, ...] | None]]
"""Returns the TXT records of a name, maybe none; None where DNS does not say.  Remembers what it was told."""

SECONDS = 5.0
"""What may be spent on one message."""
MOST = 3
"""Signatures of one message that are verified, from the top."""
MOST_READ = 100
"""Signatures of one message that are looked at, from the top."""
_AT_ONCE = 64 * 1024
"""Octets of a body that are hashed at once; a body with more is hashed in a thread, beside the event loop."""
_BARE_CR_OR_NUL = re.compile(rb"\r(?!\n)|\x00")


class Prover:
    """Verifies signatures."""

    def __init__(
        self, lookup: Lookup, now: Callable[[], datetime], *, seconds: float = SECONDS, most: int = MOST
    ) -> None:
        self._lookup = lookup
        self._now = now
        self._seconds = seconds
        self._most = most

    async def __call__(self, content: Content, domains: frozenset[str]) -> Proved:
        """Verify the signatures of ``domains`` (in A-labels) until one is valid."""
        rows = read_header(content.head).rows
        fields = islice((row for row in rows if row.name.lower() == SIGNATURE), MOST_READ)
        signed = [(row, signer(read_tags(row.value))) for row in fields]
        signers = frozenset(domain for _, domain in signed if domain)
        wanted = [(row, domain) for row, domain in signed if domain in domains]
        if not wanted:
            return Proved(signers)
        if _is_ambiguous(content.head, rows):
            return Proved(
                signers, unproved=tuple([Unproved(domain, ProofFault.AMBIGUOUS) for _, domain in wanted])
            )
        worth, unproved = self._sorted(wanted)
        message = _Message(content, rows)
        verified = 0
        try:
            async with asyncio.timeout(self._seconds):
                for signature in worth:
                    fault = await self._fault(signature, message)
                    if fault is None:
                        return Proved(signers, (Proof(DKIM, signature.domain),))
                    unproved.append(Unproved(signature.domain, fault))
                    verified += 1
        except TimeoutError:
            unproved += [Unproved(each.domain, ProofFault.OUT_OF_TIME) for each in worth[verified:]]
        return Proved(signers, unproved=tuple(unproved))

    def _sorted(self, wanted: Iterable[tuple[Row, str]]) -> tuple[list[Signature], list[Unproved]]:
        """Return what is worth to be verified, and what is not."""
        worth: list[Signature] = []
        unproved: list[Unproved] = []
        now = self._now().timestamp()
        for row, domain in wanted:
            read = read_signature(row, now)
            if isinstance(read, ProofFault):
                unproved.append(Unproved(domain, read))
            elif len(worth) == self._most:
                unproved.append(Unproved(domain, ProofFault.TOO_MANY))
            else:
                worth.append(read)
        return worth, unproved

    async def _fault(self, signature: Signature, message: "_Message") -> ProofFault | None:
        """Return why ``signature`` is not valid, or None."""
        from relay.proof.key import is_signed, read_key

        records = await self._lookup(signature.key_name)
        if records is None:
            return ProofFault.NO_ANSWER
        key = read_key(records)
        if isinstance(key, ProofFault):
            return key
        if key.kind != signature.kind or (key.not_for_subdomains and signature.for_a_subdomain):
            return ProofFault.BAD_KEY
        if not is_signed(signed_octets(message.rows, signature), signature, key):
            return ProofFault.HEADER_CHANGED
        if await message.body_hash(relaxed=signature.relaxed_body) != signature.body_hash:
            return ProofFault.BODY_CHANGED
        return None


class _Message:
    """The fields of a message, and the hash of its body, made when it is wanted."""

    def __init__(self, content: Content, rows: tuple[Row, ...]) -> None:
        self.rows = rows
        self._content = content
        self._hashes: dict[bool, bytes] = {}

    async def body_hash(self, *, relaxed: bool) -> bytes:
        if relaxed not in self._hashes:
            self._hashes[relaxed] = await self._hashed(BodyHash(relaxed=relaxed))
        return self._hashes[relaxed]

    async def _hashed(self, body: BodyHash) -> bytes:
        content = self._content
        pieces = _slices(content.chunks_from(len(content.head)))
        if content.size - len(content.head) <= _AT_ONCE:
            for piece in pieces:
                body.feed(piece)
        else:
            while await asyncio.to_thread(_feed_next, pieces, body):
                pass
        return body.digest()


def _slices(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), _AT_ONCE):
            yield piece[start : start + _AT_ONCE]


def _feed_next(pieces: Iterator[bytes], body: BodyHash) -> bool:
    """Read and hash a piece; False where there is none."""
    piece = next(pieces, None)
    if piece is None:
        return False
    body.feed(piece)
    return True


def _is_ambiguous(head: bytes, rows: Iterable[Row]) -> bool:
    """Tell whether a verifier and a reader may take the header section for different ones."""
    return (
        any(not row.octets.startswith(row.name + b":") or not row.name for row in rows)
        or [row.name.lower() for row in rows].count(b"from") != 1
        or _BARE_CR_OR_NUL.search(head) is not None
    )

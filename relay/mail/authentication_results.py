"""What an MTA found out about signatures, as it writes it into a message (RFC 8601).  Pure.

Anybody can write such a field, so all that is believed is one of a named verifier, above every Received field that
came with the message; and of that only what is written as plainly as verifiers write it.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from relay.mail.address import normal_domain
from relay.mail.fields import Row, read_header, text_of, unfold
from relay.mail.proof import AUTHENTICATION_RESULTS, Proof, ProofFault, Proved, Unproved
from relay.mail.signatures import signers

MOST_READ = 20
"""Fields of one message that are looked at, from the top."""
LONGEST = 8192
"""Octets of a field that is read."""
_FIELD = b"authentication-results"
_TOKEN = re.compile(r'([ \t]++)|([;=]|(?:"(?:[^"\\]|\\.)*+"|[^ \t;="()\\]++)++)|(\()', re.DOTALL)
"""Blanks; a separator or a value; the beginning of a comment."""
_COMMENT = re.compile(r"\\.|[()]|[^\\()]++", re.DOTALL)
_PAIR = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Results:
    """One field."""

    authserv_id: str
    """Who verified, as written."""
    signers: tuple[str, ...]
    """Domains (header.d, in A-labels) whose signatures are said to be valid."""


def vouched_for(head: bytes, authserv_ids: Collection[str], domains: frozenset[str]) -> Proved:
    """Return which of ``domains`` the fields of ``authserv_ids`` say have signed the message, and which not."""
    rows = read_header(head).rows
    ids = {each.lower(): each for each in authserv_ids}
    found = [
        Proof(AUTHENTICATION_RESULTS, domain, ids[results.authserv_id.lower()])
        for row in _written_by_the_mta(rows)
        if (results := read_results(row.value)) is not None and results.authserv_id.lower() in ids
        for domain in results.signers
        if domain in domains
    ]
    proofs = tuple(dict.fromkeys(found))
    signed = signers([(row.name, row.value) for row in rows])
    left = (signed & domains).difference([proof.domain for proof in proofs])
    unproved = [Unproved(domain, ProofFault.NOT_VOUCHED_FOR) for domain in sorted(left)]
    return Proved(signed, proofs, tuple(unproved))


def read_results(value: bytes) -> Results | None:
    """Read a field; None where it is none of version 1."""
    tokens = _tokens(text_of(unfold(value))) if len(value) <= LONGEST else None
    if tokens is None:
        return None
    parts = list(_parts(tokens))
    match parts[0]:
        case [authserv_id] | [authserv_id, "1"] if authserv_id != "=":
            found = (_signer(part) for part in parts[1:])
            return Results(_plain(authserv_id), tuple([domain for domain in found if domain]))
        case _:
            return None


def _written_by_the_mta(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the fields above the first Received field; without one, nothing tells who wrote what."""
    names = [row.name.lower() for row in rows]
    if b"received" not in names:
        return ()
    above = zip(rows, names[: names.index(b"received")], strict=False)
    fields = [row for row, name in above if name == _FIELD and row.octets.startswith(row.name + b":")]
    return fields[:MOST_READ]


def _tokens(text: str) -> list[str] | None:
    """Return separators and values, these still quoted; None where a quote or a comment has no end."""
    tokens: list[str] = []
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            return None
        place = found.end()
        if found[2]:
            tokens.append(found[2])
        elif found[3]:
            end = _comment_end(text, place)
            if end is None:
                return None
            place = end
    return tokens


def _comment_end(text: str, place: int) -> int | None:
    """Return where the comment whose inside begins at ``place`` ends; comments nest."""
    depth = 1
    for found in _COMMENT.finditer(text, place):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    return None


def _parts(tokens: list[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for word in tokens:
        if word == ";":
            yield part
            part = []
        else:
            part.append(word)
    yield part


def _signer(part: list[str]) -> str | None:
    """Return the domain that a result is about, if it is one of ``dkim=pass`` for exactly one ``header.d``."""
    names, equals, values = part[::3], part[1::3], part[2::3]
    if len(part) % 3 or set(equals) != {"="} or "=" in (*names, *values):
        return None
    (method, *properties), (result, *about) = map(str.lower, names), map(_plain, values)
    if method not in ("dkim", "dkim/1") or result.lower() != "pass":
        return None
    domains = [value for name, value in zip(properties, about, strict=True) if name == "header.d"]
    return normal_domain(domains[0]) if len(domains) == 1 else None


def _plain(value: str) -> str:
    """Return a value without quotes."""
    if '"' not in value:
        return value
    return "".join(
        _PAIR.sub(r"\1", piece[1:-1]) if piece.startswith('"') else piece
        for piece in re.findall(r'"(?:[^"\\]|\\.)*+"|[^"]++', value)
    )

"""Addresses as keyed hashes: to find entries by, and in place of outsiders where ``journal.addresses`` is hashed.  Pure."""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache

from relay.channels import ChannelBook
from relay.journal.entry import Entry, PathEntry
from relay.judge import Finding
from relay.mail.address import Mailbox, parse_mailbox
from relay.mail.view import MessageView, Recipient

HASHED_DOMAIN = "hashed.invalid"
"""Stands for the domain of whoever is hashed; nobody can have it (RFC 2606)."""
_LONGEST_KNOWN = 320
"""Characters; whoever is longer gets no mail (RFC 5321 4.5.3.1), and would be kept in memory whole."""
_ADDRESS = re.compile(r'[^\s<>()\[\],;:"@]+@[^\s<>()\[\],;:"@]+')

Change = Callable[[Mailbox], Mailbox]


def address_number(address: Mailbox, key: bytes = b"") -> int:
    """Return 64 bits, signed, by which an index finds ``address``; without the key nobody can tell from them whose it is."""
    known = len(address.local) + len(address.domain) <= _LONGEST_KNOWN
    return _known_number(address, key) if known else _number(address, key)


def _number(address: Mailbox, key: bytes) -> int:
    return int.from_bytes(_digest(address, key, 8), "big", signed=True)


_known_number = lru_cache(4096)(_number)


def hashed(address: Mailbox, key: bytes) -> Mailbox:
    """Return what stands for an outsider: always the same for the same address and key."""
    return Mailbox("#" + _digest(address, key, 12).hex(), HASHED_DOMAIN)


def without_outsiders(entry: Entry, book: ChannelBook, key: bytes) -> Entry:
    """Return the entry with every outsider's address as a keyed hash, wherever it stands; ours stay readable."""

    def change(address: Mailbox) -> Mailbox:
        return hashed(address, key) if book.is_outsider(address) else address

    verdict = entry.verdict
    view = _changed(entry.view, change)
    return replace(
        entry,
        reverse_path=words_hashed(entry.reverse_path, book, key),
        view=view,
        verdict=replace(
            verdict,
            author=view.author,
            recipients=_recipients(verdict.recipients, change),
            findings=tuple(_finding(finding, book, key) for finding in verdict.findings),
        ),
        reply=words_hashed(entry.reply, book, key),
        paths=tuple(path_hashed(path, book, key) for path in entry.paths),
    )


def path_hashed(path: PathEntry, book: ChannelBook, key: bytes) -> PathEntry:
    """Return what became of a forward-path with outsiders' addresses hashed."""
    return replace(
        path,
        path=words_hashed(path.path, book, key),
        words=words_hashed(path.words, book, key),
        told=words_hashed(path.told, book, key) if path.told is not None else None,
    )


def words_hashed(words: str, book: ChannelBook, key: bytes) -> str:
    """Return words that may hold addresses (a reply, a path) with those of outsiders hashed."""
    if (whole := parse_mailbox(words)) is not None:
        return str(hashed(whole, key)) if book.is_outsider(whole) else words

    def change(found: re.Match[str]) -> str:
        address = parse_mailbox(found[0])
        return found[0] if address is not None and not book.is_outsider(address) else _as_text(found[0], key)

    return _ADDRESS.sub(change, words)


def restored(view: MessageView, own: Iterable[Mailbox], key: bytes) -> MessageView:
    """Return a view in which hashed addresses are readable again where they are among ``own``, those of another book."""
    known = {hashed(address, key): address for address in own}
    return restored_by(view, known)


def restored_by(view: MessageView, known: dict[Mailbox, Mailbox]) -> MessageView:
    """Return a view in which the keys of ``known`` are its values; for many views and one book."""
    return _changed(view, lambda address: known.get(address, address))


def _as_text(words: str, key: bytes) -> str:
    address = parse_mailbox(words)
    return str(hashed(address if address is not None else Mailbox(words, ""), key))


def _changed(view: MessageView, change: Change) -> MessageView:
    return replace(
        view,
        author=change(view.author) if view.author is not None else None,
        recipients=_recipients(view.recipients, change),
        reply_to=tuple(map(change, view.reply_to)),
        originals=tuple(map(change, view.originals)),
    )


def _recipients(recipients: Iterable[Recipient], change: Change) -> tuple[Recipient, ...]:
    return tuple(recipient._replace(mailbox=change(recipient.mailbox)) for recipient in recipients)


def _finding(finding: Finding, book: ChannelBook, key: bytes) -> Finding:
    return finding._replace(evidence=tuple(words_hashed(word, book, key) for word in finding.evidence))


def _digest(address: Mailbox, key: bytes, size: int) -> bytes:
    octets = f"{address.local}@{address.domain}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(octets, digest_size=size, key=key[:64]).digest()

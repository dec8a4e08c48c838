"""An entry as one line of JSON in ASCII, and back; whatever a client may say survives, and no octets raise.  Pure.

Keys are short because there are millions of them; what is as it nearly always is has no key.
"""

import json
from datetime import datetime
from ipaddress import ip_address
from typing import Any

import orjson

from relay.channels import Channel
from relay.database.columns import to_number, to_time
from relay.journal.entry import Entrance, Entry, PathEntry, PathState, Reopening
from relay.judge import Disposition, Doubt, Finding, Question, Reason, Verdict
from relay.judge.verdict import Because, Unknown
from relay.mail.address import Mailbox
from relay.mail.author import AuthorFault
from relay.mail.envelope import Client, HeaderState, Known, Source
from relay.mail.proof import Proof, ProofFault, Unproved
from relay.mail.view import ALL_KNOWN, Evidence, MessageView, Recipient

_ENCODE = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_LETTERS = {Evidence.ADDRESSED: "a", Evidence.BLIND: "b", Evidence.ENVELOPE: "e", Evidence.TRACE: "t"}
_EVIDENCE = {letter: evidence for evidence, letter in _LETTERS.items()}
_QUESTIONS = tuple(Question)
_UNCERTAIN, _NOT_BELIEVED = "?", "-"


def text_of_entry(entry: Entry) -> str:
    """Return everything of an entry that has no column of its own."""
    view, verdict = entry.view, entry.verdict
    record: dict[str, object] = {
        "e": entry.entrance,
        "mf": entry.reverse_path,
        "sz": entry.size,
        "a": _address(view.author) if view.author is not None else None,
        "r": _recipients(view.recipients, verdict.recipients),
        "c": _client(view.client),
        "ho": view.header_octets,
        "why": verdict.reason,
        "f": [(because, holds, *evidence) for _, holds, because, evidence, _ in verdict.findings],
        "b": verdict.book,
        "re": entry.reply,
        "nh": entry.next_hop,
        "s": round(entry.seconds, 4),
        "ps": [_path(path) for path in entry.paths],
    }
    _add_of_view(record, view)
    _add_of_verdict(record, verdict)
    if entry.subject is not None:
        record["su"] = entry.subject
    if entry.tool:
        record["t"] = entry.tool
    if entry.broken_signatures:
        record["bs"] = entry.broken_signatures
    return _encoded(record)


def _add_of_view(record: dict[str, object], view: MessageView) -> None:
    """Add what an ordinary view has not."""
    if view.author_fault is not None:
        record["af"] = view.author_fault
    if view.unreadable is not None:
        record["u"] = view.unreadable
    if view.reply_to:
        record["rt"] = [*map(_address, view.reply_to)]
    known = view.known
    if known is not ALL_KNOWN and known != ALL_KNOWN:
        record["k"] = (known.envelope, known.client, known.header)
    if view.signers is not None:
        record["sd"] = sorted(view.signers)
    if view.unproved:
        record["up"] = [(each.domain, each.fault) for each in view.unproved]
    if view.list_field or view.originals or view.delivery_report or view.proofs:
        record["lf"] = view.list_field
        record["o"] = [*map(_address, view.originals)]
        record["dr"] = view.delivery_report
        record["p"] = [(proof.kind, proof.domain, proof.authserv_id) for proof in view.proofs]


def _add_of_verdict(record: dict[str, object], verdict: Verdict) -> None:
    """Add what only a channel's own mail has."""
    if verdict.auto_closed:
        record["cl"] = True
    if verdict.channel is not None:
        record["ch"] = (verdict.channel.name, [*map(_address, verdict.channel.own)])
    if verdict.doubts:
        record["db"] = verdict.doubts
    if verdict.depends:
        record["dp"] = verdict.depends


def _encoded(record: dict[str, object]) -> str:
    """Return JSON; what orjson refuses (octets that were no UTF-8) is escaped by a slower one."""
    try:
        return orjson.dumps(record).decode("ascii", "strict")
    except (TypeError, UnicodeDecodeError):
        return _ENCODE(record)


def entry_of_text(
    text: str,
    *,
    number: int,
    at: datetime,
    ref: str,
    queue_id: str,
    message_id: str,
    reopened: Reopening | None = None,
) -> Entry:
    """Return the entry that ``text`` was made of."""
    record: dict[str, Any] = _decoded(text)
    view, counted = _view_of(record)
    return Entry(
        at=at,
        ref=ref,
        queue_id=queue_id,
        entrance=Entrance(record["e"]),
        reverse_path=record["mf"],
        size=record["sz"],
        view=view,
        verdict=_verdict_of(record, view, counted),
        reply=record["re"],
        next_hop=record["nh"],
        seconds=record["s"],
        paths=tuple(map(_path_of, record["ps"])),
        message_id=message_id,
        subject=record.get("su"),
        tool=record.get("t", ""),
        broken_signatures=tuple(record.get("bs", ())),
        number=number,
        reopened=reopened,
    )


def _decoded(text: str) -> Any:
    """Return what the JSON says; orjson refuses what only the slower encoder writes."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def _view_of(record: dict[str, Any]) -> tuple[MessageView, tuple[Recipient, ...]]:
    seen = [(_recipient_of(row), _NOT_BELIEVED not in row[2]) for row in record["r"]]
    envelope, client, header = record.get("k", ("given", "given", "complete"))
    address, helo, esmtp, tls, user = record["c"]
    view = MessageView(
        author=_mailbox(record["a"]) if record["a"] is not None else None,
        author_fault=AuthorFault(record["af"]) if "af" in record else None,
        recipients=tuple([recipient for recipient, _ in seen]),
        reply_to=tuple(map(_mailbox, record.get("rt", ()))),
        list_field=record.get("lf"),
        originals=tuple(map(_mailbox, record.get("o", ()))),
        delivery_report=record.get("dr", False),
        client=Client(ip_address(address) if address else None, helo, bool(esmtp), bool(tls), user),
        known=Known(Source(envelope), Source(client), HeaderState(header)),
        header_octets=record["ho"],
        unreadable=record.get("u"),
        proofs=tuple([Proof(*proof) for proof in record.get("p", ())]),
        unproved=tuple([Unproved(domain, ProofFault(fault)) for domain, fault in record.get("up", ())]),
        signers=frozenset(record["sd"]) if "sd" in record else None,
    )
    return view, tuple([recipient for recipient, counts in seen if counts])


def _verdict_of(record: dict[str, Any], view: MessageView, counted: tuple[Recipient, ...]) -> Verdict:
    reason = Reason(record["why"])
    findings = tuple(map(_finding_of, _QUESTIONS, record["f"]))
    channel = None
    if "ch" in record:
        name, (address, *also) = record["ch"]
        channel = Channel(name, _mailbox(address), tuple(map(_mailbox, also)))
    return Verdict(
        disposition=Disposition.AUTO_CLOSED if record.get("cl") else Disposition.OPEN,
        reason=reason,
        findings=findings,
        author=view.author,
        channel=channel,
        doubts=tuple(map(Doubt, record.get("db", ()))),
        recipients=counted,
        known=view.known,
        depends=tuple(map(Unknown, record.get("dp", ()))),
        book=record["b"],
    )


def _finding_of(question: Question, row: list[Any]) -> Finding:
    because, holds, *evidence = row
    return Finding(question, holds, Because(because), tuple(evidence))


def _address(address: Mailbox) -> str:
    """Return an address as text that is taken apart at its last ``@``: a domain has none."""
    return f"{address.local}@{address.domain}"


def _mailbox(text: str) -> Mailbox:
    local, _, domain = text.rpartition("@")
    return Mailbox(local, domain)


def _recipients(seen: tuple[Recipient, ...], counted: tuple[Recipient, ...]) -> list[tuple[str, str, str]]:
    """Return all recipients, marked where they are uncertain or did not count; those that did keep their order."""
    if counted == seen:  # nearly always; mostly they are the same tuple
        return [_recipient(recipient) for recipient in seen]
    rows = []
    believed = iter(counted)
    following = next(believed, None)
    for recipient in seen:
        address, where, marks = _recipient(recipient)
        if recipient == following:
            following = next(believed, None)
        else:
            marks += _NOT_BELIEVED
        rows.append((address, where, marks))
    return rows


def _recipient(recipient: Recipient) -> tuple[str, str, str]:
    (local, domain), where, evidence, certain = recipient
    return f"{local}@{domain}", where, _LETTERS[evidence] if certain else _LETTERS[evidence] + _UNCERTAIN


def _recipient_of(row: list[str]) -> Recipient:
    address, where, marks = row
    return Recipient(_mailbox(address), where, _EVIDENCE[marks[0]], _UNCERTAIN not in marks)


def _client(client: Client) -> tuple[str | None, str, int, int, str | None]:
    return client.address_text or None, client.helo, int(client.esmtp), int(client.tls), client.user


def _path(path: PathEntry) -> tuple[object, ...]:
    row = (path.path, path.state, path.words, path.hop)
    if path.at is not None:
        return (*row, path.told, to_number(path.at))
    return row if path.told is None else (*row, path.told)


def _path_of(row: list[Any]) -> PathEntry:
    path, state, words, hop, *more = row
    told, at = (*more, None, None)[:2]
    return PathEntry(
        path, PathState(state), words, hop, told, to_time(at).astimezone() if at is not None else None
    )

"""Decisions: a list, one with everything that is known of it, and opening its ticket again."""

import re
from datetime import UTC, datetime

from relay.journal.entry import Entry
from relay.journal.moment import moment
from relay.journal.query import LOCAL, Query
from relay.journal.store import Journal
from relay.journal.values import decision_values, entry_values, look_values, stamp_lines
from relay.mail.text import unicode_text
from relay.settings.words import Right
from relay.web.answers import RefusedRequestError
from relay.web.api import fields
from relay.web.api.fields import Field, said
from relay.web.api.operation import Call, Operation
from relay.web.api.shapes import decision as shapes
from relay.web.comparing import Other, other_of
from relay.web.looking import journal_of, meant, note
from relay.web.sources import REOPENED, Reopened

_OTHERS, _LOOKS = 20, 50
_AGO = "[0-9]{1,4}[smhd]"
_DAY_OR_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d))?", re.ASCII | re.IGNORECASE
)


def _since(text: str) -> datetime:
    if not (re.fullmatch(_AGO, text) or _DAY_OR_MOMENT.fullmatch(text)):
        raise ValueError(f"{said(text)} is no time; write 24h, 30d, 2026-03-04 or 2026-03-04T12:00:00Z")
    return moment(text if text[-1] in "smhd" else text.upper(), datetime.now(UTC))


SINCE = Field(
    "since",
    "Not older: so long ago (`24h`, `30d`), a day by the clock of the relay's machine, or a moment with its zone.",
    {
        "anyOf": [
            {"type": "string", "pattern": f"^{_AGO}$"},
            {"type": "string", "format": "date"},
            {"type": "string", "format": "date-time"},
        ]
    },
    _since,
)
REF = fields.words(
    "ref", "Its `ref`; or its queue id, number or Message-ID, if no other decision is called so.", 998
)
_FILTERS = (
    fields.VERDICT,
    fields.REASON,
    fields.CHANNEL,
    fields.address("author", "Only what this address stood in From of."),
    SINCE,
    fields.address(
        "about", "Only what names this address: as author, recipient, in the envelope or in Reply-To."
    ),
    fields.yes_or_no("doubtful", "Only what was closed, or observed, although there are doubts."),
)
_Q = fields.words(
    "q",
    "What a person would type: an address, a Message-ID, a queue id, or a part of an address or subject.",
    998,
)
_LIMIT = fields.number("limit", "So many at most.", 1, 500, 50)
_NOT_FOUND = "The journal knows no such decision (any more)."
_SEVERAL = "Several decisions are called so; `refs` names each."


async def _list(call: Call) -> object:
    values = call.values
    query = Query(**{field.name: values[field.name] for field in _FILTERS}, text=values["q"])
    cursor, most = values["cursor"], values["limit"]
    before = int(cursor) if cursor is not None else None
    entries = await journal_of(call.sources).find(query, most=most + 1, before=before)
    shown = entries[:most]
    more = len(entries) > most
    return {
        "decisions": [entry_values(entry) for entry in shown],
        "next": str(shown[-1].number) if more else None,
    }


async def _show(call: Call) -> object:
    journal = journal_of(call.sources)
    entry = await _the_one(journal, call.values["ref"])
    await note(journal, entry, call.visitor.name or LOCAL)
    alike = await journal.same_message(entry.message_id)
    looks = await journal.looks(entry.ref)
    others = [each for each in alike if each.ref != entry.ref]
    return {
        **decision_values(entry, stamp_lines(entry, call.sources.stamp()), alike, call.values["lang"]),
        "others": [_other(other_of(entry, each)) for each in others[:_OTHERS]],
        "looks": look_values(looks[-_LOOKS:]),
    }


async def _reopen(call: Call) -> object:
    journal = journal_of(call.sources)
    ref = (await _the_one(journal, call.values["ref"])).ref
    who = call.visitor.name
    assert who is not None, "only users may operate"
    answer = await call.sources.reopen(ref, who)
    if answer is Reopened.NO_ENTRY:
        raise RefusedRequestError(404, _NOT_FOUND)
    if answer in (Reopened.NOT_KEPT, Reopened.NOT_CLOSED):
        raise RefusedRequestError(
            409, _capital(REOPENED[answer].format(ref=ref)), more={"answer": answer.value}
        )
    noted = next((entry.reopened for entry in await journal.get(ref) if entry.ref == ref), None)
    told = {"at": noted.at.isoformat(), "who": unicode_text(noted.who)} if noted else None
    return {"ref": ref, "answer": answer.value, "reopened": told}


async def _the_one(journal: Journal, name: str) -> Entry:
    found = await meant(journal, name)
    if not found:
        raise RefusedRequestError(404, _NOT_FOUND)
    if len(found) > 1:
        refs = [entry.ref for entry in found]
        raise RefusedRequestError(
            409, f"{len(refs)} decisions are called so; ask for one by its ref.", more={"refs": refs}
        )
    return found[0]


def _other(other: Other) -> dict[str, object]:
    entry, turned = other.entry, other.turned
    return {
        "ref": entry.ref,
        "at": entry.at.isoformat(),
        "verdict": entry.verdict.disposition.value,
        "reason": entry.verdict.reason.value,
        "turned": {
            "question": turned.here.question.value,
            "here": turned.here.holds,
            "there": turned.there.holds,
        }
        if turned is not None
        else None,
        "differences": [
            {"aspect": each.aspect, "here": unicode_text(each.here), "there": unicode_text(each.there)}
            for each in other.differences
        ],
    }


def _capital(sentence: str) -> str:
    return f"{sentence[0].upper()}{sentence[1:]}."


OPERATIONS = (
    Operation(
        *("GET", "/decisions", "listDecisions", "Decisions", "List decisions, newest first"),
        does=_list,
        answers=shapes.Entries,
        query=(*_FILTERS, _Q, fields.CURSOR, _LIMIT),
    ),
    Operation(
        *(
            "GET",
            "/decisions/{ref}",
            "showDecision",
            "Decisions",
            "Show one decision; the journal notes who looked",
        ),
        does=_show,
        answers=shapes.Decision,
        inside=(REF,),
        query=(fields.LANG,),
        refusals={404: _NOT_FOUND, 409: _SEVERAL},
    ),
    Operation(
        *("POST", "/decisions/{ref}/reopen", "reopenDecision", "Decisions"),
        "Tell the helpdesk, once, to open a closed ticket again",
        does=_reopen,
        answers=shapes.Reopened,
        right=Right.OPERATE,
        inside=(REF,),
        refusals={
            404: _NOT_FOUND,
            409: f"{_SEVERAL} Or `answer` says why it is not opened: `not-closed`, or its content is `not-kept`.",
        },
    ),
)

"""The queue: what waits in the spool, and the verbs of ``helpdesk-relay queue``."""

from datetime import UTC, datetime, timedelta
from functools import partial

from relay.settings.values import duration
from relay.settings.words import Right
from relay.spool.item import Filter, State
from relay.spool.store import Store
from relay.spool.values import item_values
from relay.web.answers import RefusedRequestError
from relay.web.api import fields
from relay.web.api.fields import Field
from relay.web.api.operation import Body, Call, Operation
from relay.web.api.overview import depth_values
from relay.web.api.shapes import queue as shapes
from relay.web.waiting import MOST, VERBS, page_of

_NO_SPOOL = "There is no spool (`deliver.mode: pass-through`)."
_NO_ITEM = "Nothing in the queue has this number (any more)."
_SUMMARIES = {
    "retry": "Make waiting items due now",
    "hold": "Keep items where they are until they are released",
    "release": "Let held items wait again, due now",
    "bounce": "Let items fail now, with the report that is due",
    "delete": "Delete items without a word to anybody",
}


def _age(name: str, meaning: str) -> Field:
    def read(text: str) -> timedelta:
        found = shape.read(text)
        assert isinstance(found, str), "it has the shape of a text"
        ago = duration(found)
        assert ago is not None, "it has the shape of a time"
        return ago

    shape = fields.pattern(name, meaning, "[0-9]{1,4}[smhd]", "time; write 30m, 2h or 5d")
    return Field(name, meaning, shape.schema, read)


_ID = fields.number("id", "Of an item.", 1, fields.LARGEST)
_IDS = Field("ids", "The `id` of each item.", _ID.schema, _ID.read, many=True, most=MOST)
_QUERY = (
    fields.words("queue_id", "Only this queue id.", 100),
    fields.words(
        "hop", "Only this way: `helpdesk`, `helpdesk:` and a channel, `elsewhere` or `reports`.", 200
    ),
    fields.words("channel", "Only this author's channel.", 100),
    fields.words("reason", "Only this verdict's reason, or words of the last reply.", 200),
    fields.one_of("state", "Only what waits, or what is held.", State),
    _age("older_than", "Only what was accepted longer ago, such as `2h`."),
    _age("newer_than", "Only what was accepted since, such as `2h`."),
    fields.CURSOR,
    fields.number("limit", "So many at most.", 1, 500, 100),
)


async def _list(call: Call) -> object:
    values, store = call.values, _store(call)
    now = datetime.now(UTC)
    older, newer = values["older_than"], values["newer_than"]
    wanted = Filter(
        queue_id=values["queue_id"],
        destination=values["hop"],
        channel=values["channel"],
        reason=values["reason"],
        accepted_before=now - older if older is not None else None,
        accepted_after=now - newer if newer is not None else None,
        state=values["state"],
    )
    items, more = await page_of(store, wanted, int(values["cursor"] or 0), values["limit"])
    return {
        "items": list(map(item_values, items)),
        "depth": depth_values(await store.depth()),
        "next": str(items[-1].id) if more else None,
    }


async def _show(call: Call) -> object:
    found = await _store(call).show(call.values["id"])
    if found is None:
        raise RefusedRequestError(404, _NO_ITEM)
    return item_values(found)


async def _change(verb: str, call: Call) -> object:
    ids = list(dict.fromkeys(call.values["ids"]))
    return {verb: await VERBS[verb](_store(call), ids)}


def _store(call: Call) -> Store:
    store = call.sources.spool()
    if store is None:
        raise RefusedRequestError(404, _NO_SPOOL)
    return store


def _verb(verb: str) -> Operation:
    return Operation(
        *("POST", f"/queue/{verb}", f"{verb}Items", "Queue", _SUMMARIES[verb]),
        does=partial(_change, verb),
        answers=shapes.CHANGED[verb],
        right=Right.OPERATE,
        body=Body((_IDS,), ("ids",)),
        refusals={404: _NO_SPOOL},
    )


OPERATIONS = (
    Operation(
        *("GET", "/queue", "listItems", "Queue", "List what waits in the spool, in the order of acceptance"),
        does=_list,
        answers=shapes.Items,
        query=_QUERY,
        refusals={404: _NO_SPOOL},
    ),
    Operation(
        *("GET", "/queue/{id}", "showItem", "Queue", "Show one item"),
        does=_show,
        answers=shapes.Item,
        inside=(_ID,),
        refusals={404: f"{_NO_ITEM} Or: {_NO_SPOOL}"},
    ),
    *map(_verb, VERBS),
)

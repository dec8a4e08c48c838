"""From a request to values: all that cannot be read is told at once, nothing is guessed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeGuard

import orjson
from starlette.requests import Request

from relay.mail.text import unicode_text, visible
from relay.web.answers import RefusedRequestError
from relay.web.api.fields import Field, Values, said
from relay.web.api.operation import JSON, MESSAGE, Body, Operation

Wrong = dict[str, str]


async def read(operation: Operation, request: Request) -> Values:
    """Return what a request says; RefusedRequestError: 400, 404, 415 or 422."""
    wrong: list[Wrong] = []
    query = request.query_params
    given = {name: query.getlist(name) for name in query}
    values = _values(operation.query, given, "parameter", wrong)
    values |= _inside(operation.inside, request)
    if operation.body is not None:
        values |= {
            name: value
            for name, value in (await _body(operation.body, request, wrong)).items()
            if value not in (None, [])
        }
    if wrong:
        raise RefusedRequestError(422, _sentence(wrong), more={"errors": wrong})
    return values


def _inside(fields: Iterable[Field], request: Request) -> Values:
    """Return what stands in the path; of what cannot be read there is nothing."""
    try:
        return {field.name: field.read(request.path_params[field.name]) for field in fields}
    except ValueError:
        raise RefusedRequestError(404, "There is nothing of this name.") from None


async def _body(body: Body, request: Request, wrong: list[Wrong]) -> Values:
    kinds = (JSON, MESSAGE) if body.raw else (JSON,)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    coding = request.headers.get("content-encoding", "identity")
    if kind not in kinds:
        came = f"not {said(kind)}" if kind else "and the request has to say which it is"
        words = f"The body has to be {' or '.join(kinds)}, {came}; set Content-Type."
        raise RefusedRequestError(415, words, {"accept-post": ", ".join(kinds)})
    if coding.strip().lower() not in ("", "identity"):
        words = "The body must not be compressed; leave Content-Encoding out."
        raise RefusedRequestError(415, words, {"accept-encoding": "identity"})
    octets = await request.body()
    if kind == MESSAGE:
        if not octets:
            wrong.append({"where": "body", "detail": "there is no message"})
        return {"message": octets}
    return _members(body, _object(octets), wrong)


def _object(octets: bytes) -> dict[str, object]:
    try:
        found = orjson.loads(octets)
    except orjson.JSONDecodeError as error:
        raise RefusedRequestError(
            400, f"The body is no JSON (RFC 8259): {visible(unicode_text(error.msg))}."
        ) from None
    if not isinstance(found, dict):
        raise RefusedRequestError(
            422,
            "The body has to be a JSON object.",
            more={"errors": [{"where": "body", "detail": "it is no object"}]},
        )
    return found


def _members(body: Body, found: Mapping[str, object], wrong: list[Wrong]) -> Values:
    given: dict[str, list[str]] = {}
    by_name = {field.name: field for field in body.members}
    for name, value in found.items():
        try:
            given[name] = _texts(by_name[name], value) if name in by_name else []
        except ValueError as error:
            wrong.append({"where": name, "detail": str(error)})
    missing = [name for name in body.required if found.get(name, []) == []]
    wrong += [{"where": name, "detail": "it is missing, or empty"} for name in missing]
    return _values(body.members, given, "member", wrong)


def _texts(field: Field, value: object) -> list[str]:
    """Return the values of a member as texts; ValueError where it is of another kind."""
    integer = field.schema.get("type") == "integer"
    one = "a whole number" if integer else "a string"
    if field.many and not isinstance(value, list):
        raise ValueError(f"it has to be a list, and each in it {one}")
    texts = []
    for each in value if isinstance(value, list) and field.many else [value]:
        if integer and _is_whole(each):
            texts.append(str(int(each)))
        elif isinstance(each, str) and not integer:
            texts.append(each)
        else:
            raise ValueError(f"{'each in it' if field.many else 'it'} has to be {one}")
    return texts


def _is_whole(value: object) -> TypeGuard[int | float]:
    """Tell whether JSON Schema calls a value an integer: ``2.0`` is one."""
    return type(value) is int or (isinstance(value, float) and value.is_integer())


def _values(
    fields: Iterable[Field], given: Mapping[str, Sequence[str]], kind: str, wrong: list[Wrong]
) -> Values:
    by_name = {field.name: field for field in fields}
    for name in given:
        if name not in by_name:
            known = f"those are {', '.join(by_name)}" if by_name else "there is none"
            wrong.append({"where": said(name), "detail": f"there is no such {kind}; {known}"})
    return {name: _value(field, given.get(name, ()), wrong) for name, field in by_name.items()}


def _value(field: Field, texts: Sequence[str], wrong: list[Wrong]) -> object:
    if not texts:
        return field.absent
    most = field.most if field.many else 1
    if len(texts) > most:
        wrong.append(
            {"where": field.name, "detail": f"it may be given {most if most > 1 else 'once'} at most"}
        )
        return None
    try:
        read = [field.read(text) for text in texts]
    except ValueError as error:
        wrong.append({"where": field.name, "detail": str(error)})
        return None
    return read if field.many else read[0]


def _sentence(wrong: Sequence[Wrong]) -> str:
    told = "; ".join(f"{each['where']}: {each['detail']}" for each in wrong[:5])
    return f"{told}{f'; and {len(wrong) - 5} more' if len(wrong) > 5 else ''}."

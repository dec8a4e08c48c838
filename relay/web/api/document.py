"""The OpenAPI document (3.1), made of the declared operations."""

from collections.abc import Iterable
from typing import Any

from relay.settings.words import Right
from relay.web.api.fields import Field
from relay.web.api.operation import JSON, MESSAGE, Body, Operation
from relay.web.api.schema import Schema, Schemas
from relay.web.api.shapes.relay import Problem

PROBLEM = "application/problem+json"
_ABOUT = """\
What the web page shows, for programs: decisions and why they were made, the queue, the channels in force.

Reading needs no login on the relay's own machine; elsewhere, and for everything that changes something, send name and
password of one of `users` by HTTP Basic. A request that cannot be answered gets a problem (RFC 9457) with a sentence.
Later versions may add members to answers; none is renamed or taken away below `/api/v1`.
"""
_READ_REFUSALS = {
    401: "A login is needed, or the one that came is not right.",
    403: "This login may not read, or another website made the browser send this.",
}
_VERB_REFUSALS = {
    401: "A login is needed, or the one that came is not right.",
    403: "This login may not operate, its X-CSRF-Token is missing, or another website made the browser send this.",
}
_REFUSALS = {
    406: "Accept does not take what this is answered as.",
    421: "Host is neither this machine nor the host of `web.url`.",
    422: "Something in the request could not be read; `errors` names it all.",
    429: "Too many failed logins from this client; Retry-After says when to try again.",
    500: "A fault of ours.",
    503: "The journal or the spool cannot be reached now; Retry-After says when to try again.",
}
_BODY_REFUSALS = {
    400: "The body is no JSON.",
    408: "The body did not arrive in time.",
    413: "The body is larger than 8 MiB.",
    415: "The body is of a media type that this does not take.",
}
_TOKEN = {
    "name": "X-CSRF-Token",
    "in": "header",
    "description": "With a login by cookie: the `csrf_token` of `/session`.",
    "schema": {"type": "string"},
}


def document(operations: Iterable[Operation], server: str) -> dict[str, Any]:
    """Return the document; ``server`` is where the API is, as a path."""
    schemas = Schemas()
    refused = schemas.of(Problem)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        told = _operation(operation, schemas, refused)
        paths.setdefault(operation.path, {})[operation.method.lower()] = told
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "helpdesk-relay",
            "version": "1",
            "description": _ABOUT,
            "license": {"name": "MIT"},
        },
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.named.items())),
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "helpdesk-relay",
                    "description": "Of the login form.",
                },
            },
        },
    }


def _operation(operation: Operation, schemas: Schemas, refused: Schema) -> dict[str, Any]:
    parameters = [_parameter(field, "path") for field in operation.inside]
    parameters += [_parameter(field, "query") for field in operation.query]
    if operation.right is Right.OPERATE:
        parameters.append(_TOKEN)
    told: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.group],
        "summary": operation.summary,
        "parameters": parameters,
        "responses": _responses(operation, schemas, refused),
        "security": _security(operation),
    }
    if operation.body is not None:
        told["requestBody"] = {"required": True, "content": _contents(operation.body)}
    return told


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    logins: list[dict[str, list[str]]] = [{"basic": []}, {"session": []}]
    needed = operation.right is Right.OPERATE and not operation.here_by_anybody
    return logins if needed else [*logins, {}]


def _responses(operation: Operation, schemas: Schemas, refused: Schema) -> dict[str, Any]:
    if operation.answers is None:
        fine: dict[str, Any] = {"204": {"description": "It is done."}}
    else:
        content = {operation.kind: {"schema": schemas.of(operation.answers)}}
        fine = {"200": {"description": operation.summary, "content": content}}
    refusals = _REFUSALS | (_VERB_REFUSALS if operation.right is Right.OPERATE else _READ_REFUSALS)
    if operation.body is not None:
        refusals |= _BODY_REFUSALS
    refusals |= operation.refusals
    problems = {
        str(code): {"description": words, "content": {PROBLEM: {"schema": refused}}}
        for code, words in sorted(refusals.items())
    }
    return fine | problems


def _parameter(field: Field, place: str) -> dict[str, Any]:
    schema = {"type": "array", "items": field.schema, "maxItems": field.most} if field.many else field.schema
    return {
        "name": field.name,
        "in": place,
        "required": place == "path",
        "description": field.meaning,
        "schema": schema,
    }


def _contents(body: Body) -> dict[str, Any]:
    contents: dict[str, Any] = {
        JSON: {
            "schema": {
                "type": "object",
                "properties": {
                    field.name: _member(field, required=field.name in body.required) for field in body.members
                },
                "required": list(body.required),
                "additionalProperties": False,
            }
        }
    }
    if body.raw:
        contents[MESSAGE] = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
    return contents


def _member(field: Field, *, required: bool) -> Schema:
    if not field.many:
        return {**field.schema, "description": field.meaning}
    return {
        "type": "array",
        "items": field.schema,
        "minItems": int(required),
        "maxItems": field.most,
        "description": field.meaning,
    }

"""A client of the API that holds every answer against the OpenAPI document, to the last member."""

import re
from typing import Any

import httpx
import jsonschema_rs

from relay.web.api import OPERATIONS, PLACE
from relay.web.api.document import document

DOCUMENT = document(OPERATIONS, PLACE)


def _strict(schema: Any) -> Any:
    """Return schemas in which an object has no members but those that are named."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _strict(each) for name, each in schema.items()}
    return {**closed, "additionalProperties": False} if closed.get("type") == "object" else closed


_COMPONENTS = _strict(DOCUMENT["components"]["schemas"])


def _documented(method: str, path: str) -> dict[str, Any]:
    """Return what the document says of the operation at an address; the one with the fewest parameters."""
    for pattern in sorted(DOCUMENT["paths"], key=lambda each: each.count("{")):
        shape = re.sub(r"\{\w+\}", "[^/]+", pattern)
        if re.fullmatch(shape, path) and method.lower() in DOCUMENT["paths"][pattern]:
            found: dict[str, Any] = DOCUMENT["paths"][pattern][method.lower()]
            return found
    raise AssertionError(f"{method} {path} is not documented")


def hold_against_document(method: str, path: str, answer: httpx.Response) -> None:
    """Fail where an answer has a status, a media type or a member that the document does not name."""
    told = _documented(method, path)["responses"]
    assert str(answer.status_code) in told, f"{answer.status_code} is not documented: {answer.text}"
    contents = told[str(answer.status_code)].get("content", {})
    if not contents:
        assert answer.content == b""
        return
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in contents, kind
    schema = {**contents[kind]["schema"], "components": {"schemas": _COMPONENTS}}
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(answer.json())


async def call(client: httpx.AsyncClient, method: str, path: str, code: int = 200, **options: Any) -> Any:
    """Ask for ``path`` below ``/api/v1``; return the JSON of the answer, which the document describes."""
    answer = await client.request(method, PLACE + path, **options)
    assert answer.status_code == code, answer.text
    hold_against_document(method, path.partition("?")[0], answer)
    return answer.json() if answer.content else None

"""Answers for programs: JSON in which nothing that does not print stands as it is, and refusals in words."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from relay.mail.text import visible_json

API = "/api/"
"""Below it everything is for programs."""
PROBLEM = "application/problem+json"
"""A refusal below ``/api/`` (RFC 9457)."""
_SENTENCES = {
    401: "A login is needed: send name and password of one of users by HTTP Basic.",
    403: "This login may not do that; see may under users in channels.yaml.",
    404: "There is nothing at this address.",
    405: "This address has no such method; Allow names those that it has.",
    408: "The body did not arrive in time.",
    413: "The request is too large.",
}


class RefusedRequestError(HTTPException):
    """A request is refused in a sentence for people, and with what a program may want to know."""

    def __init__(
        self,
        code: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(code, detail, headers)
        self.more = more


def json_text(value: object) -> str:
    """Return a value as JSON on one line; what does not print is escaped, lone surrogates too."""
    return visible_json(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def json_answer(
    value: object, code: int = 200, headers: Mapping[str, str] | None = None, kind: str = "application/json"
) -> Response:
    """Return a value as an answer; a line of its own, so that a terminal shows it well."""
    return Response(f"{json_text(value)}\n", code, headers, kind)


def problem(
    code: int, detail: str, headers: Mapping[str, str] | None = None, more: Mapping[str, object] | None = None
) -> Response:
    """Return a refusal as a problem (RFC 9457) with one sentence, and what else a program may want to know."""
    told = {
        "type": "about:blank",
        "title": HTTPStatus(code).phrase,
        "status": code,
        "detail": detail,
        **(more or {}),
    }
    return json_answer(told, code, headers, PROBLEM)


def problem_of(error: HTTPException) -> Response:
    """Return the problem that an exception stands for; where it says nothing, the status has a sentence."""
    detail = error.detail
    if detail == HTTPStatus(error.status_code).phrase:
        detail = _SENTENCES.get(error.status_code, detail)
    more = error.more if isinstance(error, RefusedRequestError) else None
    return problem(error.status_code, detail, error.headers, more)


def refusal(path: str, code: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a refusal as whoever asked for ``path`` can read it: a problem below ``/api/``, else a line of text."""
    if path.startswith(API):
        return problem(code, words, headers)
    return PlainTextResponse(f"{words}\n", code, headers)

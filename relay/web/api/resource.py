"""One address of the API: right, acceptable answer, readable request, in this order; then it is done."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from relay.settings.words import Right
from relay.web.access import Visitor, require_clearing, require_operate, require_read, session_of, visitor_of
from relay.web.answers import RefusedRequestError, json_answer
from relay.web.api.accept import accepts
from relay.web.api.operation import JSON, Call, Operation
from relay.web.api.reading import read
from relay.web.sessions import is_form_token
from relay.web.sources import Sources

TOKEN = "x-csrf-token"  # noqa: S105 - the name of a field
"""Where a verb brings the token of its session."""


class Resource:
    """All operations at one address."""

    def __init__(self, operations: Sequence[Operation], sources: Sources) -> None:
        self._operations = {operation.method: operation for operation in operations}
        self._sources = sources
        head = ["HEAD"] if "GET" in self._operations else []
        self._allow = ", ".join(sorted([*self._operations, *head]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        answer = await self._answer(request)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        operation = self._operations.get(method)
        if operation is None:
            words = f"This address has no {request.method}; it has {self._allow}."
            raise RefusedRequestError(405, words, {"allow": self._allow})
        visitor = self._allowed(operation, request)
        if not accepts(request.headers.get("accept"), operation.kind):
            raise RefusedRequestError(406, f"This is answered as {operation.kind} alone; let Accept name it.")
        done = await operation.does(Call(request, self._sources, visitor, await read(operation, request)))
        if isinstance(done, Response):
            return done
        return Response(status_code=204) if operation.answers is None else json_answer(done, kind=JSON)

    def _allowed(self, operation: Operation, request: Request) -> Visitor:
        if operation.right is Right.READ:
            return require_read(request)
        if operation.right is None:
            return visitor_of(request)
        if operation.here_by_anybody:
            require_clearing(request, self._sources.settings())
        else:
            require_operate(request)
        visitor = visitor_of(request)
        if visitor.by_cookie:
            self._require_token(request)
        return visitor

    def _require_token(self, request: Request) -> None:
        session = session_of(request)
        token = request.headers.get(TOKEN, "")
        if session is None or not is_form_token(token, session, self._sources.key):
            words = (
                "With a login by cookie this needs the field X-CSRF-Token: the csrf_token of /api/v1/session."
            )
            raise RefusedRequestError(403, words)

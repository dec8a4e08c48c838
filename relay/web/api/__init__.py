"""``/api/v1``: what the pages show, for programs, with an OpenAPI document that says it all."""

from collections import defaultdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from relay.web.answers import json_answer
from relay.web.api import about, channels, decisions, overview, queue, sandbox, trial
from relay.web.api.document import document
from relay.web.api.operation import Operation
from relay.web.api.resource import Resource
from relay.web.place import root_of
from relay.web.sources import Sources

PLACE = "/api/v1"
OPERATIONS: tuple[Operation, ...] = (
    *overview.OPERATIONS,
    *decisions.OPERATIONS,
    *trial.OPERATIONS,
    *queue.OPERATIONS,
    *channels.OPERATIONS,
    *sandbox.OPERATIONS,
    *about.OPERATIONS,
)


def api_routes(sources: Sources) -> list[BaseRoute]:
    """Return the routes of the API, one for each address."""
    by_path: defaultdict[str, list[Operation]] = defaultdict(list)
    for operation in OPERATIONS:
        by_path[operation.path].append(operation)
    fixed_first = sorted(by_path, key=lambda path: path.count("{"))

    told = document(OPERATIONS, PLACE)

    async def openapi(request: Request) -> Response:
        return json_answer({**told, "servers": [{"url": root_of(request, sources.settings()) + PLACE}]})

    return [
        *[Route(PLACE + path, Resource(by_path[path], sources)) for path in fixed_first],
        Route(f"{PLACE}/openapi.json", openapi),
    ]

"""The style sheet, the script and the icon: read once; their addresses change with their content."""

import hashlib
from functools import cache
from pathlib import Path

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

_FOLDER = Path(__file__).parent.parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Assets:
    """Serves the files in ``static``."""

    def __init__(self) -> None:
        self._files = {file.name: file.read_bytes() for file in _FOLDER.iterdir() if file.suffix in _TYPES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        name = scope["path"].rpartition("/")[2]
        await self._answer(name, scope["method"])(scope, receive, send)

    def _answer(self, name: str, method: str) -> Response:
        if name not in self._files or method not in ("GET", "HEAD"):
            return PlainTextResponse("There is nothing here.\n", 404)
        kept = {
            "cache-control": "public, max-age=31536000, immutable",
            "content-type": _TYPES[name[name.rindex(".") :]],
        }
        return Response(self._files[name], headers=kept)


@cache
def addresses() -> dict[str, str]:
    """Return the address of each file."""
    return {
        file.name: f"/static/{file.name}?v={hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
        for file in _FOLDER.iterdir()
        if file.suffix in _TYPES
    }

"""Where and when a request is answered: what stands before our paths, and which day it is."""

from datetime import date, datetime
from urllib.parse import quote, urlsplit

from starlette.requests import Request

from relay.settings.model import Settings
from relay.web.guard import is_host_of


def root_of(request: Request, settings: Settings) -> str:
    """Return what stands before every path of ours: the path of ``web.url``, where we are asked for by it."""
    url = settings.web.url
    if url is None or not is_host_of(request.headers["host"], url):
        return ""
    return quote(urlsplit(url).path.rstrip("/"), safe="/%")


def today() -> date:
    """Return the day by the machine's own clock."""
    return datetime.now().astimezone().date()

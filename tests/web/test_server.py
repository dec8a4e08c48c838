import asyncio
import contextlib
import http.client
import signal
import socket
from collections.abc import AsyncIterator

import pytest

from relay.errors import UnavailableError
from relay.web.connection import Limits
from relay.web.server import WebServer
from tests.web.made import sources


@pytest.fixture
async def web() -> AsyncIterator[WebServer]:
    web = await WebServer.open("127.0.0.1", 0, sources())
    yield web
    await web.stop()


async def ask(web: WebServer, path: str, host: str | None = None) -> tuple[int, dict[str, str], str]:
    """Return the code, the header fields and the body."""

    def talk() -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection(*web.address, timeout=5)
        try:
            connection.request("GET", path, headers={} if host is None else {"Host": host})
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, fields, answer.read().decode()
        finally:
            connection.close()

    return await asyncio.to_thread(talk)


async def test_health_says_only_that_it_is_up(web: WebServer) -> None:
    code, fields, body = await ask(web, "/healthz")
    assert (code, body) == (200, "up\n")
    assert "server" not in fields
    assert "content-security-policy" in fields
    assert (await ask(web, "/healthz", "evil.example"))[0] == 421


async def test_a_port_in_use_is_told_in_one_sentence(web: WebServer) -> None:
    with pytest.raises(UnavailableError, match="in use"):
        await WebServer.open("127.0.0.1", web.address[1], sources())
    with pytest.raises(UnavailableError):
        await WebServer.open("192.0.2.1", 0, sources())
    with pytest.raises(UnavailableError):
        await WebServer.open("nobody.invalid", 0, sources())


async def test_signals_stay_with_the_process_and_stopping_frees_the_port() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    web = await WebServer.open("localhost", 0, sources())
    assert (await ask(web, "/healthz"))[0] == 200
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    await web.stop()
    with pytest.raises(OSError, match="refused"), socket.create_connection(web.address, timeout=5):
        pass
    web = await WebServer.open("127.0.0.1", 0, sources())
    await web.stop()


async def test_more_connections_than_the_limit_are_closed_and_the_others_go_on() -> None:
    web = await WebServer.open("127.0.0.1", 0, sources(), Limits(connections=3))
    held = [await asyncio.open_connection(*web.address) for _ in range(3)]
    reader, writer = await asyncio.open_connection(*web.address)
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b"", "one too many"
    writer.close()
    for reader, writer in held:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b"200 OK" in await reader.read()
        writer.close()
    assert (await ask(web, "/healthz"))[0] == 200
    await web.stop()


@pytest.mark.parametrize("begun", [b"", b"GET /he", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /"])
async def test_a_connection_without_a_request_is_closed(begun: bytes) -> None:
    web = await WebServer.open("127.0.0.1", 0, sources(), Limits(patience=0.05))
    reader, writer = await asyncio.open_connection(*web.address)
    writer.write(begun)
    answer = await reader.read()
    assert (b"200 OK" in answer) == (b"HTTP/1.1" in begun)
    writer.close()
    await web.stop()

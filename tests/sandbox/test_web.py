import asyncio
import datetime as dt
import http.client
import json
import signal
import socket
from collections.abc import AsyncIterator

import pytest

from relay.errors import UnavailableError
from relay.sandbox.inbox import SandboxInbox
from relay.sandbox.web import SandboxWeb, names_this_machine

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
API = "/api/v1/sandbox/messages"


@pytest.fixture
def inbox() -> SandboxInbox:
    inbox = SandboxInbox()
    octets = b"X-Ticket-Status: auto-closed\r\nReceived: x\r\nSubject: hello\r\n\r\nbody\r\n"
    inbox.add(NOON, "crm@shop.example", ("in@desk.example",), octets, len(octets))
    return inbox


@pytest.fixture
async def web(inbox: SandboxInbox) -> AsyncIterator[SandboxWeb]:
    web = await SandboxWeb.open("127.0.0.1", 0, inbox)
    yield web
    await web.stop()


async def ask(
    web: SandboxWeb, path: str, method: str = "GET", host: str | None = None
) -> tuple[int, dict[str, str], str]:
    """Return status, headers and body."""

    def talk() -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection(*web.address, timeout=5)
        try:
            connection.request(method, path, headers={} if host is None else {"Host": host})
            answer = connection.getresponse()
            return (
                answer.status,
                {name.lower(): value for name, value in answer.getheaders()},
                answer.read().decode(),
            )
        finally:
            connection.close()

    return await asyncio.to_thread(talk)


async def test_the_page_lists_what_arrived(web: SandboxWeb) -> None:
    status, headers, body = await ask(web, "/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "hello" in body
    assert "auto-closed" in body
    status, headers, body = await ask(web, "/style.css")
    assert (status, headers["content-type"]) == (200, "text/css; charset=utf-8")


async def test_one_message_is_shown_as_text(web: SandboxWeb) -> None:
    status, headers, body = await ask(web, "/message/1")
    assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert "RCPT TO:<in@desk.example>" in body
    assert "body" in body
    assert (await ask(web, "/message/2"))[0] == 404
    assert (await ask(web, "/message/x"))[0] == 404


async def test_the_api_lists_and_clears(web: SandboxWeb, inbox: SandboxInbox) -> None:
    status, _, body = await ask(web, API)
    assert status == 200
    assert [message["subject"] for message in json.loads(body)] == ["hello"]
    assert (await ask(web, API, "DELETE"))[0] == 204
    assert len(inbox) == 0
    assert json.loads((await ask(web, API))[2]) == []


async def test_health_says_only_that_it_is_up(web: SandboxWeb) -> None:
    assert (await ask(web, "/healthz"))[::2] == (200, "up\n")


@pytest.mark.parametrize("path", ["/", API, "/nowhere", "/message/1", "/style.css"])
async def test_every_answer_carries_the_headers_of_caution(web: SandboxWeb, path: str) -> None:
    _, headers, _ = await ask(web, path)
    assert "default-src 'none'; style-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS"])
async def test_no_other_method_does_anything(web: SandboxWeb, inbox: SandboxInbox, method: str) -> None:
    assert (await ask(web, API, method))[0] == 405
    assert len(inbox) == 1


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8025", "127.0.0.1.evil.example", "", "10.0.0.1"]
)
async def test_a_request_for_another_machine_is_misdirected(
    web: SandboxWeb, inbox: SandboxInbox, host: str
) -> None:
    for path, method in (("/", "GET"), (API, "DELETE")):
        status, headers, body = await ask(web, path, method, host)
        assert status == 421
        assert "hello" not in body
        assert "content-security-policy" in headers
    assert len(inbox) == 1


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8025", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:8025"]
)
async def test_a_request_for_this_machine_is_answered(web: SandboxWeb, host: str) -> None:
    assert (await ask(web, "/", host=host))[0] == 200


def test_the_address_that_we_listen_on_names_this_machine() -> None:
    assert names_this_machine("192.0.2.7:8025", "192.0.2.7")
    assert names_this_machine("[2001:db8::7]:8025", "2001:db8::7")
    assert not names_this_machine("192.0.2.8:8025", "192.0.2.7")
    assert not names_this_machine("", "")
    assert not names_this_machine("localhost:x", "")


async def test_a_port_in_use_is_told_in_one_sentence(web: SandboxWeb) -> None:
    with pytest.raises(UnavailableError, match="in use"):
        await SandboxWeb.open("127.0.0.1", web.address[1], SandboxInbox())
    with pytest.raises(UnavailableError):
        await SandboxWeb.open("192.0.2.1", 0, SandboxInbox())
    with pytest.raises(UnavailableError):
        await SandboxWeb.open("nobody.invalid", 0, SandboxInbox())


async def test_signals_stay_with_the_process_and_stopping_frees_the_port(inbox: SandboxInbox) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    web = await SandboxWeb.open("localhost", 0, inbox)
    assert (await ask(web, "/healthz"))[0] == 200
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    await web.stop()
    with pytest.raises(OSError, match="refused"), socket.create_connection(web.address, timeout=5):
        pass
    web = await SandboxWeb.open("127.0.0.1", 0, inbox)
    await web.stop()

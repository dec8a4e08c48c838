import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from relay.delivery.client import Timeouts
from relay.delivery.handshake import Dialer
from tests.certificates import self_signed


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run everything here on both event loops."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost and 127.0.0.1, signed by itself, in one file."""
    return self_signed(tmp_path_factory.mktemp("tls") / "cert.pem", "localhost", "127.0.0.1")


@pytest.fixture(scope="session")
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture(scope="session")
def dialer() -> Dialer:
    return Dialer("relay.example", Timeouts(connect=5, reply=5, content=5))


@pytest.fixture(scope="session")
def hasty_dialer() -> Dialer:
    return Dialer("relay.example", Timeouts(connect=0.2, reply=0.2, content=0.2))

"""TLS for listeners: the context from a certificate, and octets of a handshake that were read too early."""

import asyncio
import ssl
from pathlib import Path
from typing import Protocol, cast

from relay.errors import BadSettingsError, Problem, UnreadableFileError


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a context that shows this certificate: TLS 1.2 and later, no compression.

    Raises UnreadableFileError where a file cannot be opened, BadSettingsError where the two do not fit.
    """
    for path in (certificate, key):
        try:
            path.open("rb").close()
        except OSError as error:
            raise UnreadableFileError(f"{path}: {error.strerror or error}") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        words = f"{certificate} and {key} are no certificate and its private key in PEM form"
        raise BadSettingsError((Problem("channels.yaml", 0, "tls.certificate", words),)) from error
    return context


def _no_password() -> str:
    return ""  # a key with a password is refused, not asked about on the terminal


def feed(transport: asyncio.Transport, octets: bytes) -> None:
    """Hand octets that were read too early to the TLS layer that has just taken the transport over."""
    layer = cast("_Buffered", transport.get_protocol())
    while octets:
        room = layer.get_buffer(len(octets))
        length = min(len(room), len(octets))
        room[:length] = octets[:length]
        layer.buffer_updated(length)
        octets = octets[length:]


class _Buffered(Protocol):
    def get_buffer(self, size: int, /) -> memoryview: ...
    def buffer_updated(self, size: int, /) -> None: ...

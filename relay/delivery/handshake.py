"""From a next hop to a connection that is ready: connect, greeting, EHLO or LHLO, STARTTLS, AUTH.

The only importer of aiosmtplib, whose part ends when the handshake does.  A password is never sent in
the clear to another machine: without TLS only CRAM-MD5 is used there.  Where the certificate need not
be checked (``smtp://``, ``lmtp://``) TLS is used whenever it is announced, and not done without when it
then fails: a hop that offers what it cannot do needs its operator.
"""

import asyncio
import os
import socket
import ssl
from pathlib import Path
from typing import Any, cast

import aiosmtplib

from relay.delivery.client import Connection, Timeouts
from relay.delivery.commands import announced
from relay.delivery.faults import NoConnectionError, NoTlsError, UnreachableError
from relay.delivery.wire import Wire
from relay.errors import UnreadableFileError
from relay.mail.hop import NextHop, Scheme
from relay.mail.reply import Reply, from_peer


class Dialer:
    """Makes connections; holds what they all share."""

    def __init__(self, hostname: str, timeouts: Timeouts, ca: Path | None = None) -> None:
        """Take our name for EHLO, and the file that holds the certificates to trust.

        Without ``ca`` the machine's own store is trusted, with it nothing but that file;
        ``UnreadableFileError`` if it cannot be used.
        """
        self._hostname = hostname
        self._timeouts = timeouts
        self._checking = _checking_context(ca)
        self._trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._trusting.check_hostname = False
        self._trusting.verify_mode = ssl.CERT_NONE

    async def __call__(self, hop: NextHop) -> Connection:
        """Return a new connection to ``hop``; NoConnectionError says why there is none."""
        smtp = aiosmtplib.SMTP(
            hostname=(hop.name or hop.host).removesuffix(".") or None,
            local_hostname=self._hostname,
            timeout=self._timeouts.reply or None,
            use_tls=hop.scheme is Scheme.SMTPS,
            start_tls=False,
            tls_context=self._checking if hop.tls_required else self._trusting,
        )
        try:
            return await self._connection(smtp, hop)
        except aiosmtplib.SMTPResponseException as refusal:
            reply = _reply(refusal)
            words = f"{hop} does not let us in: {reply}" if reply else f"{hop} answers what is no SMTP"
            raise NoConnectionError(words, reply) from None
        except (aiosmtplib.SMTPException, OSError, UnicodeError) as problem:
            raise _kind(problem)(f"no connection to {hop}: {_words(problem)}") from problem
        finally:
            smtp.close()

    async def _connection(self, smtp: aiosmtplib.SMTP, hop: NextHop) -> Connection:
        try:
            sock = await _connected_socket(hop, self._timeouts.connect or None)
        except (OSError, UnicodeError) as problem:
            raise UnreachableError(f"no connection to {hop}: {_words(problem)}") from problem
        try:
            await smtp.connect(sock=sock)
        except BaseException:
            sock.close()
            raise
        await self._hello(smtp, hop)
        if hop.scheme is Scheme.SMTP_STARTTLS or (
            hop.scheme is not Scheme.SMTPS and smtp.supports_extension("starttls")
        ):
            if not smtp.supports_extension("starttls"):
                raise NoTlsError(f"{hop} announces no STARTTLS, which is required")
            await smtp.starttls()
            await self._hello(smtp, hop)
        if hop.user:
            await _log_in(smtp, hop)
        offered = announced(smtp.esmtp_extensions)
        transport = cast("asyncio.Transport", smtp.transport)
        smtp.transport = smtp.protocol = None
        return Connection(hop, offered, Wire(transport), self._timeouts)

    async def _hello(self, smtp: aiosmtplib.SMTP, hop: NextHop) -> None:
        """Say LHLO (RFC 2033 4.1), or EHLO and to an old server HELO (RFC 5321 4.1.1.1)."""
        if hop.lmtp:
            response = await smtp.execute_command(b"LHLO", self._hostname.encode("ascii"))
            if response.code != 250:
                raise aiosmtplib.SMTPHeloError(response.code, response.message)
            smtp.last_ehlo_response = response
            return
        try:
            await smtp.ehlo()
        except aiosmtplib.SMTPHeloError as refusal:
            if refusal.code < 500 or not smtp.is_connected:
                raise
            await smtp.helo()


async def _connected_socket(hop: NextHop, seconds: float | None) -> socket.socket:
    """Try the hop's addresses in order, each for its share of ``seconds``; the last one's OSError if none answers."""
    loop = asyncio.get_running_loop()
    places: list[tuple[int, str | tuple[Any, ...]]] = [(socket.AF_UNIX, hop.path)]
    async with asyncio.timeout(seconds):
        if not hop.path:
            found = await loop.getaddrinfo(hop.host, hop.port, type=socket.SOCK_STREAM)
            places = [(family, address) for family, _, _, _, address in found]
        share = seconds / len(places) if seconds else None
        problem: OSError = TimeoutError()
        for family, address in places:
            # asyncio sends small pieces at once only where the protocol is named
            sock = socket.socket(family, socket.SOCK_STREAM, 0 if hop.path else socket.IPPROTO_TCP)
            sock.settimeout(0)
            try:
                async with asyncio.timeout(share):
                    await loop.sock_connect(sock, address)
            except OSError as failed:
                sock.close()
                problem = failed
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise problem


async def _log_in(smtp: aiosmtplib.SMTP, hop: NextHop) -> None:
    encrypted = smtp.get_transport_info("sslcontext") is not None
    if encrypted or hop.on_this_machine:
        await smtp.login(hop.user, hop.password)
    elif "cram-md5" in smtp.server_auth_methods:
        await smtp.auth_crammd5(hop.user, hop.password)
    else:
        raise NoConnectionError(
            f"{hop} offers no TLS, and a password is not sent in the clear to another machine; "
            "let the hop offer STARTTLS, or leave the login out of the URL"
        )


def _checking_context(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca is None else str(ca))
    except (OSError, ssl.SSLError) as problem:
        raise UnreadableFileError(
            f"{ca} holds no certificates that can be read: {_words(problem)}"
        ) from problem


def _reply(refusal: aiosmtplib.SMTPResponseException) -> Reply | None:
    """Return what the hop said; None where that was no SMTP."""
    if not 200 <= refusal.code < 600:
        return None
    return from_peer(refusal.code, refusal.message.encode("utf-8", "surrogateescape").split(b"\n"))


def _kind(problem: Exception) -> type[NoConnectionError]:
    """Return what went wrong; aiosmtplib hides a failed handshake of implicit TLS behind an error of its own."""
    found = isinstance(problem, ssl.SSLError) or isinstance(problem.__cause__, ssl.SSLError)
    return NoTlsError if found else NoConnectionError


def _words(problem: Exception) -> str:
    match problem:
        case ssl.SSLCertVerificationError():
            return f"its certificate does not hold: {problem.verify_message}"
        case TimeoutError():
            return "no answer in time"
        case OSError(errno=int() as number) if number > 0:
            return os.strerror(number)
        case OSError(strerror=str() as words):
            return words
        case _:
            return str(problem)

"""What happens before the greeting: the PROXY header, the limits on connections, implicit TLS."""

from relay.intake import replies
from relay.intake.connection import Connection
from relay.intake.events import Cause
from relay.intake.proxy import BadProxyHeader, ProxyHeader, read_proxy_header
from relay.intake.terms import TlsMode
from relay.mail.envelope import Client


async def arrive(connection: Connection) -> bool:
    """Find out who comes and whether there is room; False: no session, the client is sent away."""
    connection.expect_handshake()
    if connection.peer in connection.settings.proxy and not await _hear_proxy(connection):
        return False
    if not _admit(connection):
        return False
    return connection.settings.tls is not TlsMode.IMPLICIT or await _secure(connection)


async def _hear_proxy(connection: Connection) -> bool:
    octets = b""
    header = read_proxy_header(octets)
    while header is None:
        chunk = await connection.next_chunk()
        if not chunk:
            return False
        octets += chunk
        header = read_proxy_header(octets)
    if isinstance(header, BadProxyHeader):
        _turn_away(connection, Cause.BAD_PROXY_HEADER)
        return False
    connection.put_back(octets[header.length :])
    _believe(connection, header)
    return True


def _believe(connection: Connection, header: ProxyHeader) -> None:
    if not header.local:
        connection.peer = header.client
        connection.client = Client(header.client)


def _admit(connection: Connection) -> bool:
    """Count the client; those who speak for others are not one client and are not counted as one."""
    terms, doors, peer = connection.terms, connection.reception.doors, connection.peer
    if terms.limits.connections and doors.inside - doors.refused > terms.limits.connections:
        _turn_away(connection, Cause.CONNECTIONS)
        return False
    settings = connection.settings
    if peer is None or peer in terms.unlimited or peer in settings.xclient or peer in settings.proxy:
        return True
    if not doors.enter(peer, terms.limits.connections_per_client):
        _turn_away(connection, Cause.CONNECTIONS_PER_CLIENT)
        return False
    connection.counted = peer
    return True


def _turn_away(connection: Connection, cause: Cause) -> None:
    if connection.settings.tls is TlsMode.IMPLICIT:
        connection.refuse(None, cause)
    elif cause is Cause.BAD_PROXY_HEADER:
        connection.refuse(replies.BAD_PROXY_HEADER, cause)
    else:
        connection.refuse(replies.TOO_MANY_CONNECTIONS, cause)


async def _secure(connection: Connection) -> bool:
    context = connection.terms.tls
    if context is None or not await connection.start_tls(context, connection.take_unread()):
        return False
    connection.client = Client(connection.client.address, tls=True)
    return True

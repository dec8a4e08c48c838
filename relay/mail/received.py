"""Our Received field (RFC 5321 4.4); the time is an argument.  Pure."""

import re
from datetime import datetime

from relay.mail.envelope import Client

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HELO = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")


def received_field(
    client: Client, hostname: str, queue_id: str, at: datetime, *, smtputf8: bool = False
) -> bytes:
    """Return the field as octets, folded, ending in CRLF; ``at`` is aware.

    What a client says in HELO is written only if it looks like a name or an address literal.
    """
    helo = client.helo if _HELO.fullmatch(client.helo) else "unknown"
    where = ""
    if client.address is not None:
        where = f" ([{'IPv6:' if client.address.version == 6 else ''}{client.address_text}])"
    return (
        f"Received: from {helo}{where}\r\n"
        f"\tby {hostname} with {_protocol(client, smtputf8=smtputf8)} id {queue_id};\r\n"
        f"\t{date_time(at)}\r\n"
    ).encode("ascii", "replace")


def date_time(at: datetime) -> str:
    """Return an aware time in the words of RFC 5322 3.3."""
    day, month = _DAYS[at.weekday()], _MONTHS[at.month - 1]
    words = at.isoformat(timespec="seconds")  # 2026-01-05T12:00:00+01:00
    return f"{day}, {at.day} {month} {at.year} {words[11:19]} {words[19:22]}{words[23:25]}"


def _protocol(client: Client, *, smtputf8: bool) -> str:
    """Return the word of RFC 3848 and RFC 6531 4.3."""
    if not client.esmtp:
        return "SMTP"
    secured = ("S" if client.tls else "") + ("A" if client.user is not None else "")
    return ("UTF8SMTP" if smtputf8 else "ESMTP") + secured

"""What one writes in an afternoon: aiosmtpd's Controller, the email package, a new connection for each message.

python toy.py PORT NEXT_HOP_PORT
"""

import asyncio
import email
import email.policy
import email.utils
import signal
import smtplib
import sys
from typing import Any

from aiosmtpd.controller import Controller

OURS = "support@company.com"


class Handler:
    """Marks what comes from the channel to somebody else, and forwards."""

    def __init__(self, next_hop: int) -> None:
        self._next_hop = next_hop

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: ARG002, N802
        message = email.message_from_bytes(envelope.content, policy=email.policy.SMTP)
        author = email.utils.parseaddr(str(message["From"]))[1].lower()
        to = email.utils.getaddresses([*message.get_all("To", []), *message.get_all("Cc", [])])
        del message["X-Ticket-Status"]
        if author == OURS and author not in (address.lower() for _, address in to):
            message["X-Ticket-Status"] = "auto-closed"
        octets = message.as_bytes()
        await asyncio.to_thread(self._forward, envelope.mail_from, envelope.rcpt_tos, octets)
        return "250 OK"

    def _forward(self, mail_from: str, rcpt_tos: list[str], octets: bytes) -> None:
        with smtplib.SMTP("127.0.0.1", self._next_hop, "toy.example") as hop:
            hop.sendmail(mail_from, rcpt_tos, octets)


if __name__ == "__main__":
    controller = Controller(Handler(int(sys.argv[2])), hostname="127.0.0.1", port=int(sys.argv[1]))
    controller.start()
    signal.sigwait([signal.SIGTERM, signal.SIGINT])
    controller.stop()

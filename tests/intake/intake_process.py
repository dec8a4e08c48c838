"""A server in a process of its own, for tests that look at its memory: prints its port, then runs until stdin ends."""

import asyncio
import sys
from pathlib import Path

from relay.intake.events import IntakeEvent
from relay.intake.server import Intake
from relay.intake.terms import IntakeLimits, ListenerSettings, Terms
from relay.mail.content import Content
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.reply import Reply

OK = Reply(250, "2.0.0", "OK")


class Taking:
    """Reads every content once and says how long it was."""

    def __init__(self, client: Client, reverse_path: ReversePath) -> None:
        pass

    async def rcpt(self, path: ForwardPath) -> Reply:
        return OK

    def note(self, path: ForwardPath) -> None:
        pass

    async def content(self, content: Content) -> Reply:
        total = 0
        for piece in content.chunks_from(0):
            total += len(piece)
            await asyncio.sleep(0)
        return Reply(250, "2.0.0", str(total))

    async def abandon(self) -> None:
        pass


def ignore(event: IntakeEvent) -> None:
    pass


async def main() -> None:
    limits = IntakeLimits(connections_per_client=0, message_size=60 * 1024 * 1024)
    intake = Intake(Terms("relay.example", Path(sys.argv[1]), Taking, ignore, limits=limits))
    await intake.listen([ListenerSettings("127.0.0.1", 0)])
    print(intake.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await intake.stop(1)


if __name__ == "__main__":
    asyncio.run(main())

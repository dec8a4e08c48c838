"""What a DKIM signature costs that is verified: CPU for one message, its key known, beside dkimpy's own verify.

python bench/proof.py
"""

import asyncio
import base64
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dkim

sys.path.insert(0, str(Path(__file__).parents[1]))

from relay.mail.content import HeldContent
from relay.proof import Prover
from tests.proof.signing import DOMAIN, MESSAGE, NOW, record, signed

TEXT = b"Some words of  a text that is long enough for a line of mail.\r\n"
BASE64 = base64.b64encode(bytes(range(57))) + b"\r\n"
DOMAINS = frozenset({DOMAIN})


def ours(message: bytes, times: int) -> None:
    async def lookup(_: str) -> tuple[bytes, ...]:
        return (record().encode(),)

    async def run() -> None:
        prove = Prover(lookup, lambda: NOW)
        for _ in range(times):
            assert (await prove(HeldContent(message), DOMAINS)).proofs

    asyncio.run(run())


def dkimpys(message: bytes, times: int) -> None:
    for _ in range(times):
        assert dkim.verify(message, dnsfunc=lambda *_, **__: record().encode())


def milliseconds(verify: Callable[[bytes, int], None], message: bytes, times: int) -> float:
    """The lowest CPU time of one verification, of five rounds, threads included."""
    rounds = []
    for _ in range(5):
        began = time.process_time()
        verify(message, times)
        rounds.append((time.process_time() - began) / times * 1e3)
    return min(rounds)


def main() -> None:
    print("ms of CPU                     ours   dkimpy")
    for size, times in ((4 << 10, 40), (1 << 20, 2)):
        for what, line in (("text", TEXT), ("base64", BASE64)):
            for form in ("simple", "relaxed"):
                message = signed(MESSAGE + line * (size // len(line)), form=("relaxed", form))
                spent = [milliseconds(verify, message, times) for verify in (ours, dkimpys)]
                print(
                    f"{size >> 10:>5} KB, {what}, {form:<10}".ljust(28), *[f"{each:8.2f}" for each in spent]
                )


if __name__ == "__main__":
    main()

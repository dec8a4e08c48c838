"""Words to systemd (sd_notify); silent where nobody listens."""

import os
import socket


def notify(state: str) -> None:
    """Send ``READY=1``, ``RELOADING=1``, ``STOPPING=1`` or ``WATCHDOG=1``; trouble is not worth stopping for."""
    place = os.environ.get("NOTIFY_SOCKET")
    if not place:
        return
    address = "\0" + place[1:] if place.startswith("@") else place
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to_systemd:
            to_systemd.connect(address)
            to_systemd.sendall(state.encode())
    except OSError:
        return


def watchdog_seconds() -> float | None:
    """Return how often systemd wants to hear ``WATCHDOG=1`` (half its limit); None: never."""
    limit = os.environ.get("WATCHDOG_USEC", "")
    owner = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not limit.isdigit() or int(limit) == 0 or owner != str(os.getpid()):
        return None
    return int(limit) / 2_000_000

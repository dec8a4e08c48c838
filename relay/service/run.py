"""A relay as a process: the event loop, signals, watching files, words to systemd."""

import asyncio
import contextlib
import gc
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import uvloop

from relay.service.log import EventLog
from relay.service.notify import notify, watchdog_seconds
from relay.service.relay import Load, Relay
from relay.settings.model import Settings

_GARBAGE_AFTER = 20_000
"""Objects that were made and not given up yet."""
WATCH_SECONDS = 1.0
"""How often the files are looked at."""


def run(settings: Settings, load: Load, path: Path, *, accept_everything: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; RelayError if it cannot start.  SIGHUP and changed files reload."""
    log = EventLog()
    log.configure(settings.log.format, settings.log.level)
    relay = Relay(settings, load, log, accept_everything=accept_everything)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(relay, path))


def spare_the_lasting() -> None:
    """Let Python's search for cycles leave out what is here to stay, and begin less often.

    What is kept for the journal's next batch makes many objects that are no garbage.  Python's own threshold of 700
    has all that is loaded looked through about once in a thousand messages, which costs more than the journal itself.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE_AFTER)


async def _serve(relay: Relay, path: Path) -> None:
    stopping, changed = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, changed.set)
    await relay.start()
    spare_the_lasting()
    notify("READY=1")
    helpers = [
        asyncio.create_task(_watch(lambda: _files(path, relay.settings), changed)),
        asyncio.create_task(_reload_when(changed, relay)),
        asyncio.create_task(_feed_watchdog()),
    ]
    await stopping.wait()
    notify("STOPPING=1")
    for helper in helpers:
        helper.cancel()
    await asyncio.gather(*helpers, return_exceptions=True)
    await relay.stop()


async def _reload_when(changed: asyncio.Event, relay: Relay) -> None:
    while True:
        await changed.wait()
        changed.clear()
        notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        await relay.reload()
        notify("READY=1")


def _files(path: Path, settings: Settings) -> tuple[Path, ...]:
    return path, *(Path(file) for file in (settings.tls.certificate, settings.tls.key) if file)


async def _watch(files: Callable[[], Iterable[Path]], changed: asyncio.Event) -> None:
    """Set ``changed`` when a file has become another one, and has stopped changing."""
    known = reported = _marks(files())
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        marks = _marks(files())
        if marks == known and marks != reported:
            reported = marks
            changed.set()
        known = marks


def _marks(files: Iterable[Path]) -> dict[Path, tuple[int, int, int] | None]:
    return {file: _mark(file) for file in files}


def _mark(file: Path) -> tuple[int, int, int] | None:
    with contextlib.suppress(OSError):
        found = file.stat()
        return found.st_ino, found.st_size, found.st_mtime_ns
    return None


async def _feed_watchdog() -> None:
    seconds = watchdog_seconds()
    while seconds is not None:
        notify("WATCHDOG=1")
        await asyncio.sleep(seconds)

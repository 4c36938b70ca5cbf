"""
The thread whose event loop sends for event loops that end at once, as those of async_to_sync.

A connection belongs to one event loop. A view on WSGI would open one for each message.
"""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

_T = TypeVar("_T")


class SenderThread:
    """One daemon thread with an event loop, started when it is first used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, command: Callable[[], Awaitable[_T]]) -> _T:
        """Return what ``command`` returns, or raise its error, which it does on the thread."""

        async def run() -> _T:
            return await command()

        future = asyncio.run_coroutine_threadsafe(run(), self._started())
        return await asyncio.wrap_future(future)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                run = self._loop.run_forever
                threading.Thread(target=run, name="tandem-channels", daemon=True).start()
            return self._loop


def are_threads_greenlets() -> bool:
    """Return whether gevent or eventlet runs threads as greenlets, which share an event loop."""
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    return bool(
        (gevent is not None and gevent.is_module_patched("threading"))
        or (eventlet is not None and eventlet.is_monkey_patched("thread"))
    )

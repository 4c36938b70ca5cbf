"""A streaming response over a synchronous iterator, each part sent when it is made."""

import asyncio
import contextvars
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Any

from asgiref.sync import SyncToAsync

# The thread continues when the client has taken what it has made so far.
BYTES_AHEAD = 64 * 1024


class SyncStream:
    """
    Iterates on the thread of the request, and hands the parts to the event loop.

    The thread is not switched for each part: it makes further ones, up to a number of bytes,
    while the first are sent. ``stop`` ends it after the part that it is making.
    """

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.parts = iter(parts)
        self.made: deque[bytes] = deque()
        self.has_made = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.is_stopped = False
        # One context for all of it: a generator may set a language, and read it at the next part.
        self.advance = SyncToAsync(self._advance, context=contextvars.copy_context())

    def stop(self) -> None:
        """Make no further part."""
        self.is_stopped = True

    async def iterate(self) -> AsyncIterator[bytes]:
        """Yield the parts."""
        has_more = True
        while has_more:
            task = asyncio.ensure_future(self.advance())
            task.add_done_callback(self._on_done)
            while not task.done() or self.made:
                self.has_made.clear()
                while self.made:
                    yield self.made.popleft()
                if not task.done():
                    await self.has_made.wait()
            has_more = task.result()

    def _on_done(self, task: "asyncio.Task[bool]") -> None:
        self.has_made.set()
        # Nobody retrieves the error of a stream that was cancelled.
        if self.is_stopped and not task.cancelled():
            task.exception()

    def _advance(self) -> bool:
        size = 0
        while size < BYTES_AHEAD and not self.is_stopped:
            try:
                part = next(self.parts)
            except StopIteration:
                return False
            size += len(part)
            self.made.append(part)
            if not self.has_made.is_set():
                self.loop.call_soon_threadsafe(self.has_made.set)
        return not self.is_stopped


def stream_on_thread(response: Any) -> SyncStream:
    """Have Django send the response part by part; the caller stops the stream at the end."""
    stream = SyncStream(response.streaming_content)
    response.streaming_content = stream.iterate()
    return stream

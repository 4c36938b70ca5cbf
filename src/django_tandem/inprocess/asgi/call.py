"""One call of the project's application, which can be spoken to and ended from outside."""

import asyncio
from collections.abc import Awaitable
from typing import cast

from django_tandem.handler.protocol import Message, Receive


class Call:
    """Lets the application receive what the server says, and what we say."""

    # There is one for each request.
    __slots__ = (
        "_heard",
        "_is_cancelled",
        "_is_deaf",
        "_listener",
        "_news",
        "_receive",
        "_said",
        "_task",
    )

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._said: list[Message] = []
        self._news: asyncio.Event | None = None
        self._heard: asyncio.Event | None = None
        self._listener: asyncio.Task[None] | None = None
        self._is_deaf = False
        self._task: asyncio.Task[None] | None = None
        self._is_cancelled = False

    async def run(self, application: Awaitable[None]) -> None:
        """Await the application; that we cancelled it is no failure of the server's task."""
        self._task = task = _current_task()
        before = task.cancelling()
        try:
            await application
        except asyncio.CancelledError:
            if not self._is_cancelled or task.uncancel() > before:
                raise
        finally:
            self._task = None

    def cancel(self) -> None:
        """Cancel the application, wherever it is."""
        if self._task is not None and not self._is_cancelled:
            self._is_cancelled = True
            self._task.cancel()

    def say(self, message: Message) -> asyncio.Event:
        """Let the application receive ``message`` next; the event is set when it asks for more."""
        self._said.append(message)
        self._heard = asyncio.Event()
        self._wake()
        self._interrupt()
        return self._heard

    def deafen(self) -> None:
        """Ask the server for nothing more: the application waits for what we say."""
        self._is_deaf = True
        self._interrupt()

    def listen(self) -> None:
        """Ask the server again."""
        self._is_deaf = False
        self._wake()

    async def receive(self) -> Message:
        """Return our word if there is one, else the server's next message."""
        while not self._said:
            if self._heard is not None:
                self._heard.set()
            if self._is_deaf:
                self._news = asyncio.Event()
                await self._news.wait()
            elif message := await self._from_server():
                return message
        return self._said.pop(0)

    async def _from_server(self) -> Message | None:
        task = self._listener = _current_task()
        before = task.cancelling()
        try:
            return await self._receive()
        except asyncio.CancelledError:
            # It was not interrupted, or it was and somebody else cancels it, too.
            if self._listener is task or task.uncancel() > before:
                raise
            return None
        finally:
            if self._listener is task:
                self._listener = None

    def _wake(self) -> None:
        if self._news is not None:
            self._news.set()

    def _interrupt(self) -> None:
        # To await our own word beside each of the server's would cost every message a task.
        if self._listener is not None:
            listener, self._listener = self._listener, None
            listener.cancel()


def _current_task() -> asyncio.Task[None]:
    # Every ASGI server runs an application in one.
    return cast("asyncio.Task[None]", asyncio.current_task())

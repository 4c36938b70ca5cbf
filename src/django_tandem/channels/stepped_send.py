"""A send that runs outside the task of its consumer, for as long as the server has room for it."""

import asyncio
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Awaitable, Callable, Coroutine, Generator, MutableMapping
from contextvars import Context, copy_context
from types import CoroutineType
from typing import Any

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class SteppedSend:
    """
    Sends to one WebSocket as its consumer would, without waking it.

    It is made in the consumer's task, and called while that waits. What the ASGI ``send`` and
    the middleware around it see is the consumer's: its context, and its task as the current one.
    """

    __slots__ = ("_context", "_loop", "_send", "_task")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._task: Any = asyncio.current_task()
        self._context = copy_context()

    def __call__(self, event: MutableMapping[str, Any]) -> "SuspendedSend | None":
        """
        Send the event; return the rest where the server has no room for it, else None.

        Raises what the send raises. A client that has disconnected is skipped: ASGI has an
        OSError for it, and the consumer's next event is the disconnect. A TimeoutError is an
        OSError too, and that of a middleware.
        """
        sending: Any = self._send(event)
        if type(sending) is not CoroutineType:
            sending = _await(sending)
        loop, running = self._loop, asyncio.current_task(self._loop)
        # asyncio documents both functions for code that runs tasks.
        if running is not None:
            _leave_task(loop, running)
        _enter_task(loop, self._task)
        try:
            awaited = self._context.run(sending.send, None)
        except TimeoutError:
            raise
        except (StopIteration, OSError):
            return None
        finally:
            _leave_task(loop, self._task)
            if running is not None:
                _enter_task(loop, running)
        return SuspendedSend(sending, awaited, self._context)


async def _await(sending: Awaitable[None]) -> None:
    await sending


class SuspendedSend:
    """A send that has begun outside the consumer's task, which finishes it by awaiting this."""

    __slots__ = ("_awaited", "_context", "_coroutine")

    def __init__(
        self, coroutine: Coroutine[Any, Any, None], awaited: Any, context: Context
    ) -> None:
        self._coroutine = coroutine
        # A future that no task waits for yet, or None.
        self._awaited = awaited
        self._context = context

    def __await__(self) -> Generator[Any, Any, None]:
        while True:
            try:
                sent = yield self._awaited
            except GeneratorExit:
                self.close()
                raise
            except BaseException as error:  # noqa: BLE001 - a cancellation is the send's, too
                step: Callable[[Any], Any] = self._coroutine.throw
                given: Any = error
            else:
                step, given = self._coroutine.send, sent
            try:
                self._awaited = self._context.run(step, given)
            except TimeoutError:
                raise
            except (StopIteration, OSError):
                return

    def close(self) -> None:
        """Abandon it."""
        self._coroutine.close()

"""Runs a request in the server's own task, and watches the client only while the request waits."""

import asyncio
import contextvars
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from django.core.exceptions import RequestAborted

Step = Callable[..., Any]


@types.coroutine
def isolated(
    coroutine: Coroutine[Any, Any, Any], context: contextvars.Context
) -> Generator[Any, Any, Any]:
    """
    Await ``coroutine`` in a context of its own, without a task of its own.

    A server may answer many requests in one task, and none may see the last one's language.
    """
    return (yield from _steps(coroutine, context.run, lambda: None))


@types.coroutine
def watched(coroutine: Coroutine[Any, Any, Any], watch: "Watch") -> Generator[Any, Any, Any]:
    """Await ``coroutine``, and start the watch when it waits for the first time."""
    return (yield from _steps(coroutine, _plainly, watch.start))


def _plainly(step: Step, given: Any) -> Any:
    return step(given)


def _steps(
    coroutine: Coroutine[Any, Any, Any], run: Step, at_first_wait: Callable[[], None]
) -> Generator[Any, Any, Any]:
    try:
        waited_for = run(coroutine.send, None)
    except StopIteration as done:
        return done.value
    at_first_wait()
    while True:
        step: Step = coroutine.send
        given: Any = None
        try:
            given = yield waited_for
        except GeneratorExit:
            run(_close, coroutine)
            raise
        except BaseException as error:  # noqa: BLE001 - a cancellation is the coroutine's to hear
            step, given = coroutine.throw, error
        try:
            waited_for = run(step, given)
        except StopIteration as done:
            return done.value


def _close(coroutine: Coroutine[Any, Any, Any]) -> None:
    coroutine.close()


class Watch:
    """
    Cancels the task it was made in when the client goes, as Django does.

    Django starts a task that listens for each request. Here it starts once the request waits
    for something: one that never does can't be cancelled in between anyway.
    """

    __slots__ = ("is_over", "listen", "listener", "owner", "was_left")

    def __init__(self, listen: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.listen = listen
        self.owner = asyncio.current_task()
        self.listener: asyncio.Task[None] | None = None
        self.was_left = False
        self.is_over = False

    def start(self) -> None:
        """Listen from now on."""
        self.listener = asyncio.get_running_loop().create_task(self.listen())
        self.listener.add_done_callback(self.hear)

    def hear(self, listener: "asyncio.Task[None]") -> None:
        """Cancel what is under way, unless it is over."""
        if not self.is_over and not listener.cancelled() and listener.exception() is not None:
            self.was_left = True
            if self.owner is not None:
                self.owner.cancel()

    async def stop(self) -> None:
        """
        Listen no longer.

        Raises what the listening failed with, other than that the client has gone.
        """
        self.is_over = True
        if self.was_left and self.owner is not None:
            self.owner.uncancel()
        if self.listener is None:
            return
        if not self.listener.done():
            self.listener.cancel()
            await asyncio.wait([self.listener])
        error = None if self.listener.cancelled() else self.listener.exception()
        if error is not None and not isinstance(error, RequestAborted):
            raise error

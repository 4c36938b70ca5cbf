"""Runs a request in the server's own task, and cancels it when its client disconnects."""

import asyncio
import contextvars
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from django.core.exceptions import RequestAborted

Step = Callable[..., Any]


@types.coroutine
def run_in_context(
    coroutine: Coroutine[Any, Any, Any],
    context: contextvars.Context,
    on_suspend: Callable[[], None],
) -> Generator[Any, Any, Any]:
    """
    Await ``coroutine`` in a new context, without a new task.

    A server may answer many requests in one task, and none may see the language of the last one.
    ``on_suspend`` is called whenever the coroutine waits for something.
    """
    return (yield from drive(coroutine, context.run, on_suspend))


@types.coroutine
def await_noting_suspends(
    coroutine: Coroutine[Any, Any, Any], on_suspend: Callable[[], None]
) -> Generator[Any, Any, Any]:
    """Await ``coroutine``, and call ``on_suspend`` whenever it waits for something."""
    return (yield from drive(coroutine, _call, on_suspend))


def _call(step: Step, value: Any) -> Any:
    return step(value)


@types.coroutine
def drive(
    coroutine: Coroutine[Any, Any, Any], run: Step, on_suspend: Callable[[], None] | None = None
) -> Generator[Any, Any, Any]:
    """
    Await ``coroutine``, and call each of its steps as ``run(step, value)``.

    ``on_suspend`` is called whenever it waits for something.
    """
    step: Step = coroutine.send
    value: Any = None
    while True:
        try:
            awaited = run(step, value)
        except StopIteration as done:
            return done.value
        if on_suspend is not None:
            on_suspend()
        step, value = coroutine.send, None
        try:
            value = yield awaited
        except GeneratorExit:
            run(_close, coroutine)
            raise
        except BaseException as error:  # noqa: BLE001 - a cancellation is for the coroutine
            step, value = coroutine.throw, error


def _close(coroutine: Coroutine[Any, Any, Any]) -> None:
    coroutine.close()


def awaited_by(awaitable: Any) -> Any:
    """Return what a suspended coroutine or generator awaits; None where that is not known."""
    frame = getattr(awaitable, "gi_frame", None)
    if frame is not None and frame.f_code is drive.__code__:
        # It calls the steps of its coroutine, and so does not delegate to it.
        return frame.f_locals["coroutine"]
    names = ("cr_await", "gi_yieldfrom", "ag_await")
    return next((found for name in names if (found := getattr(awaitable, name, None))), None)


class DisconnectListener:
    """
    Cancels the task it was made in when the client disconnects, as Django does.

    Django starts a task that listens for each request. Here it starts when the request suspends
    for the first time: one that never does can't be cancelled anyway.
    """

    __slots__ = (
        "cancelling",
        "has_disconnected",
        "is_sole_cause",
        "is_stopped",
        "listen",
        "owner",
        "task",
    )

    def __init__(self, listen: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.listen = listen
        self.owner = asyncio.current_task()
        # How often the task was cancelled already, by others.
        self.cancelling = self.owner.cancelling() if self.owner is not None else 0
        self.task: asyncio.Task[None] | None = None
        self.has_disconnected = False
        self.is_stopped = False
        # Whether the disconnect alone has cancelled the task.
        self.is_sole_cause = False

    def start(self) -> None:
        """Listen, unless it does so already."""
        if self.task is None:
            self.task = asyncio.get_running_loop().create_task(self.listen())
            self.task.add_done_callback(self._on_done)

    def _on_done(self, task: "asyncio.Task[None]") -> None:
        if self.is_stopped or task.cancelled() or task.exception() is None:
            return
        self.has_disconnected = True
        if self.owner is not None:
            self.owner.cancel()

    async def stop(self) -> None:
        """
        Stop listening.

        Raises what the listening failed with, other than that the client has disconnected.
        """
        self.is_stopped = True
        if self.has_disconnected and self.owner is not None:
            # Somebody else, such as a server that shuts down, may have cancelled it as well.
            self.is_sole_cause = self.owner.uncancel() <= self.cancelling
        if self.task is None:
            return
        if not self.task.done():
            self.task.cancel()
            await asyncio.wait([self.task])
        error = None if self.task.cancelled() else self.task.exception()
        if error is not None and not isinstance(error, RequestAborted):
            raise error

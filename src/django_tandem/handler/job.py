"""One call that waits for a thread, or runs on one."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from django_tandem.handler.busy import BusyError


class Job:
    """A call and the future of its result."""

    __slots__ = ("call", "future")

    def __init__(self, call: Callable[[], Any]) -> None:
        self.call = call
        self.future: Future[Any] = Future()

    def run(self) -> None:
        """Run the call, unless it was cancelled while it waited."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.call()
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever awaits the future
            self.future.set_exception(error)
            # The error's traceback holds this frame, and it the error.
            del self
        else:
            self.future.set_result(result)

    def refuse(self) -> None:
        """Answer that no thread came free."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(BusyError("No thread came free."))

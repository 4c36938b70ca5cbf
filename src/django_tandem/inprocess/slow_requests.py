"""
SLOW_S: a request that takes longer is logged once, with its call stack at that moment.

One thread of the process looks at the requests in progress, and sleeps until the next one is due.
"""

import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import FrameSummary, StackSummary
from types import FrameType
from typing import Any

from django_tandem import environment
from django_tandem.handler.cancellation import awaited_by
from django_tandem.inprocess import greenlets
from django_tandem.inprocess.scoreboard import ActiveRequest, Scoreboard
from django_tandem.request_id import CURRENT_REQUEST_ID, NONE

# The innermost frames of a call stack are shown, and so many of them.
MOST_FRAMES = 50
# Frames of these files are left out, and those outside of the outermost layer.
OWN = str(Path(__file__).parents[1]) + os.sep
LAYERS = str(Path(__file__).with_name("scoreboard_layers.py"))


def limit_s() -> float | None:
    """Return SLOW_S, as the environment has it; None where nothing is slow."""
    given = os.environ.get(environment.SLOW_S)
    return float(given) if given else None


class SlowRequests:
    """Logs each request of this process that takes more than ``limit_s``."""

    def __init__(self, board: Scoreboard, limit_s: float) -> None:
        self._board = board
        self._limit_s = limit_s

    def start(self) -> None:
        """Watch the requests on a thread; without one, none is logged."""
        # Also on gevent: a greenlet would not run while a request blocks the worker.
        begin = greenlets.unpatched("_thread", "start_new_thread")
        try:
            begin(self._watch, (greenlets.unpatched("time", "sleep"),))
        except RuntimeError as error:
            _logger().error("Slow requests are not logged: %s.", error)

    def _watch(self, sleep: Callable[[float], None]) -> None:
        threading.current_thread().name = "django-tandem slow"
        while True:
            # A request that begins meanwhile is due even later.
            sleep(self.log_due())

    def log_due(self) -> float:
        """Log the requests that are slow by now; return the seconds until the next may be."""
        now = time.time()
        for request in list(self._board.active):
            left_s = request.since + self._limit_s - now
            if left_s > 0:
                # The others began later.
                return min(left_s, self._limit_s)
            if not (request.is_long or request.is_logged):
                request.is_logged = True
                self._log(request, now - request.since)
        return self._limit_s

    def _log(self, request: ActiveRequest, duration_s: float) -> None:
        # Its record and a filter of the project read the id there.
        CURRENT_REQUEST_ID.set(request.request_id)
        try:
            _write(request, duration_s)
        except Exception:  # noqa: BLE001 - it is logged
            # The request may have ended meanwhile, and a handler of the project may fail.
            _logger().exception("A slow request could not be logged.")


def _write(request: ActiveRequest, duration_s: float) -> None:
    logger = _logger()
    if not logger.isEnabledFor(logging.WARNING):
        return
    cpu_s = request.cpu.read_s() if request.cpu is not None else None
    share = None if cpu_s is None else min(1.0, cpu_s / duration_s)
    facts = {
        "method": request.method,
        "path": request.path,
        "route": request.route,
        "stack": request.stack,
        "duration_s": round(duration_s, 3),
        "queue_s": request.queued_s and round(request.queued_s, 3),
        "cpu_s": cpu_s and round(cpu_s, 3),
        "cpu_share": share and round(share, 3),
    }
    message = _message(request, duration_s, share)
    # Not by its methods, which know the call stack of the caller alone.
    place = __file__, 0, message, (), None
    record = logger.makeRecord(
        logger.name, logging.WARNING, *place, extra=facts, sinfo=describe_stack(request)
    )
    logger.handle(record)


def _logger() -> logging.Logger:
    # Not before the project has configured logging, which disables the loggers that exist.
    return logging.getLogger("django_tandem.slow")


def _message(request: ActiveRequest, duration_s: float, share: float | None) -> str:
    parts = [f"{request.method} {request.path} has taken {duration_s:.2f} s on {request.stack}"]
    if share is not None:
        # Off the CPU it waited, for a database or for a CPU that others had.
        parts.append(f"{share:.0%} on the CPU and {1 - share:.0%} off it")
    if request.queued_s is not None:
        parts.append(f"{request.queued_s:.3f} s in the queue before")
    parts.append(f"route {request.route or NONE}, request id {request.request_id or NONE}")
    # A client chooses the path: a line break in it would begin a forged line of the log.
    return (
        "".join(each if each.isprintable() else ascii(each)[1:-1] for each in ", ".join(parts))
        + "."
    )


def describe_stack(request: ActiveRequest) -> str:
    """Return what the threads of a request run, else where its task or greenlet is suspended."""
    before = _threads_of(request)
    frames = sys._current_frames()
    # Without those that meanwhile run another request.
    threads = [each for each in before if each in _threads_of(request)]
    stacks = [_frames_of_thread(frames[each]) for each in threads if each in frames]
    if stacks:
        return "\n".join(_described("thread", stack) for stack in stacks)
    frame = greenlets.suspended_frame(request.call)
    if frame is None and greenlets.is_running(request.call):
        frame = frames.get(request.greenlet_thread)
    if frame is not None:
        return _described("greenlet", _frames_of_thread(frame))
    return _described("task", _frames_of_call(request.call))


def _threads_of(request: ActiveRequest) -> tuple[int, ...]:
    return request.cpu.threads if request.cpu is not None else ()


def _described(name: str, stack: list[FrameSummary]) -> str:
    shown = [each for each in stack if not each.filename.startswith(OWN)] or stack
    if not shown:
        return f"The call stack of its {name} is not known."
    lines = "".join(traceback.format_list(shown[-MOST_FRAMES:])).rstrip()
    return f"Call stack of its {name} (most recent call last):\n{lines}"


def _frames_of_thread(frame: FrameType) -> list[FrameSummary]:
    stack = traceback.extract_stack(frame)
    # The caller of the outermost layer is the server.
    layers = [index for index, each in enumerate(stack) if each.filename == LAYERS]
    return stack[layers[-1] + 1 :] if layers else list(stack)


def _frames_of_call(call: Any) -> list[FrameSummary]:
    found = [(frame, frame.f_lineno) for frame in _suspended(call)]
    return list(StackSummary.extract(iter(found)))


def _suspended(call: Any) -> Iterator[FrameType]:
    names = ("cr_frame", "gi_frame", "ag_frame")
    while call is not None:
        frame = next((each for name in names if (each := getattr(call, name, None))), None)
        if frame is not None:
            yield frame
        call = awaited_by(call)

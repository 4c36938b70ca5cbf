"""The CPU time of one request: of its steps on the event loop, and of the threads lent to it."""

import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from threading import get_ident
from time import monotonic, process_time, thread_time
from typing import Any, cast

from django_tandem.cpu_clocks import thread_cpu_s
from django_tandem.handler.cancellation import drive
from django_tandem.handler.cpu_delay import DelaySampling, thread_delay

# From how much more CPU time than its own thread's on a request has further threads, and from
# which time of that thread on its delay says something about theirs.
OTHERS = 1.2
LEAST_OWN_S = 0.0001
# A request that was off the CPU for less was not delayed either, and its statistics are not read.
LEAST_DELAY_S = 0.001
# A shorter step on an event loop delays others by less than they notice.
LEAST_BLOCKED_S = 0.01


class CpuTime:
    """
    Adds up the CPU time of what one request runs, on each thread.

    Two threads may add at the same moment: the first assignment is then lost, and nothing else.
    """

    __slots__ = (
        "_blocked_s",
        "_delay_began",
        "_delay_s",
        "_loop_delay_began",
        "_running",
        "_seconds",
        "_step_began",
    )

    def __init__(self) -> None:
        self._seconds = 0.0
        # The threads that compute for the request now, with the CPU time at which they began.
        self._running: dict[int, float] = {}
        self._delay_s = 0.0
        self._delay_began: float | None = None
        self._blocked_s = 0.0
        # Of the thread of the event loop, at the first step or after the last one that was long.
        self._loop_delay_began: float | None = None
        # Of the step that the event loop runs now.
        self._step_began: float | None = None

    def start(self) -> None:
        """Measure the current thread from now on, to the end of the request."""
        self._running[get_ident()] = thread_time()
        self._delay_began = thread_delay()

    def call_measured(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call the function, and add what it takes on the current thread, which is lent to it."""
        if get_ident() in self._running:
            return function(*arguments)
        began = thread_delay()
        try:
            return self._call_measured(function, *arguments)
        finally:
            self._delay_s += thread_delay() - began

    def _call_measured(self, function: Callable[..., Any], *arguments: Any) -> Any:
        thread = get_ident()
        self._running[thread] = thread_time()
        try:
            return function(*arguments)
        finally:
            self._seconds += thread_time() - self._running.pop(thread)

    def measure_step(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call the function as measure() does; it is a step on the event loop."""
        if get_ident() in self._running:
            return function(*arguments)
        if self._loop_delay_began is None:
            self._loop_delay_began = thread_delay()
        self._step_began = monotonic()
        try:
            return self._call_measured(function, *arguments)
        finally:
            blocked_s = self.blocked_s
            if blocked_s != self._blocked_s:
                # The next step is not late by the delay of this one.
                self._loop_delay_began = None
            self._blocked_s, self._step_began = blocked_s, None

    @property
    def blocked_s(self) -> float:
        """The seconds in which steps of LEAST_BLOCKED_S and more kept the event loop so far."""
        if self._step_began is None:
            return self._blocked_s
        took_s = monotonic() - self._step_began
        if took_s < LEAST_BLOCKED_S or self._loop_delay_began is None:
            return self._blocked_s
        # While other processes have the CPU, a step takes longer and blocks nothing.
        return self._blocked_s + max(0.0, took_s - (thread_delay() - self._loop_delay_began))

    def use(self) -> tuple[float, float, float]:
        """
        Return the seconds on the CPU, those without one, and those that kept the event loop.

        Up to now, as the request itself reads them.
        """
        return self.so_far_s, self.delay_s, self.blocked_s

    @property
    def threads(self) -> tuple[int, ...]:
        """The identifiers of the threads that compute for the request at this moment."""
        return tuple(self._running)

    @property
    def so_far_s(self) -> float:
        """The seconds up to now, as the request itself reads them."""
        began = self._running.get(get_ident())
        return self._seconds if began is None else self._seconds + thread_time() - began

    @property
    def delay_s(self) -> float:
        """
        The seconds without a CPU, of the thread that called start() and of those lent to it.

        The first reads its own; an event loop has none, as it runs other requests too.
        """
        if self._delay_began is None or get_ident() not in self._running:
            return self._delay_s
        return self._delay_s + thread_delay() - self._delay_began

    def read_s(self) -> float:
        """Return the seconds up to now, as another thread reads them."""
        running = self._running.copy()
        clocks = _clocks() if running else {}
        current = (clocks.get(thread, began) - began for thread, began in running.items())
        return self._seconds + sum(current)


class ProcessCpuTime:
    """
    The CPU time of the process from now on, while it has one request at a time.

    So it has that of the threads which the request starts, and which it waits for.
    """

    __slots__ = ("_began", "_began_at", "_own", "_thread", "_weight")

    def __init__(self, sampling: DelaySampling) -> None:
        self._thread = get_ident()
        self._began, self._began_at = process_time(), monotonic()
        self._weight = sampling.weigh(self._began_at)
        # Of the current thread, for its delay: most requests of a busy process have none.
        self._own: CpuTime | None = None
        if self._weight:
            self._own = CpuTime()
            self._own.start()

    def use(self) -> tuple[float, float, float]:
        """Return the seconds on the CPU, and those without one; it has no event loop."""
        used_s = process_time() - self._began
        return used_s, self._delay_s_beside(used_s) if self._own is not None else 0.0, 0.0

    @property
    def threads(self) -> tuple[int, ...]:
        """The identifier of the thread that serves the request."""
        return (self._thread,)

    def read_s(self) -> float:
        """Return the seconds up to now; any thread may."""
        return process_time() - self._began

    def _delay_s_beside(self, used_s: float) -> float:
        """
        Return the seconds in which it had no CPU, as the thread that made it reads them.

        They are those of all requests that it stands for.
        """
        off_s = monotonic() - self._began_at - used_s
        if self._own is None or off_s < LEAST_DELAY_S:
            return 0.0
        return self._weight * min(off_s, _delay_s_of_threads(self._own, used_s))


def _delay_s_of_threads(own: CpuTime, used_s: float) -> float:
    own_delay_s = own.delay_s
    if not own_delay_s:
        return 0.0
    own_s = own.so_far_s
    if used_s < own_s * OTHERS or own_s < LEAST_OWN_S:
        return own_delay_s
    # The kernel forgets a thread that has ended: it was delayed as much for its CPU time.
    return own_delay_s * used_s / own_s


# The CPU time of the current request; None where it is not measured.
CURRENT: ContextVar[CpuTime | None] = ContextVar("django_tandem_cpu_time", default=None)


def await_measured(call: Awaitable[None], cpu: CpuTime) -> Awaitable[None]:
    """Return the coroutine ``call`` with each of its steps on the event loop measured."""
    return drive(cast("Coroutine[Any, Any, None]", call), cpu.measure_step)


def _clocks() -> dict[int, float]:
    """Return the CPU time of each thread of Python, by its identifier."""
    read = ((each.ident or 0, thread_cpu_s(each.native_id or 0)) for each in threading.enumerate())
    # One may have just ended.
    return {thread: seconds for thread, seconds in read if seconds is not None}

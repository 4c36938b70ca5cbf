"""
What this process does at each moment, in its slot: its requests, its loop, its connections.

One object a process, made with the layers of its stack. Its slot is opened in the process that
serves, which is not the one that a server forks its workers from.
"""

import atexit
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django_tandem import environment
from django_tandem.handler.cpu_time import CpuTime, ProcessCpuTime
from django_tandem.inprocess import process_gauges, slot_file
from django_tandem.inprocess.access_log import CpuUse
from django_tandem.inprocess.process_gauges import LoopLag
from django_tandem.inprocess.slot_file import MAX_DETAILS, PLACES, SlotWriter

# The key of a request in its environ or scope.
REQUEST = "tandem.request"
# The details are written no more often than this, and if they have changed.
DETAILS_EVERY_S = 1.0
# So many routes are in the details, and fewer where their names are long.
MOST_ROUTES = 256
OTHER = "(other)"
BY_ROUTE = ("websockets", "streams")
# Of the details, for the CPU time of bodies by route: each is in two mappings, with its digits.
MOST_BODY_BYTES = MAX_DETAILS // 2
BODY_ROUTE_BYTES = 40
# From which on the CPU time of a body is counted: that of most is part of none.
LEAST_BODY_CPU_S = 0.001
NO_USE = CpuUse(0.0)

Details = Callable[[], Mapping[str, object]]


class ActiveRequest:
    """
    A request in progress.

    ``since`` is in seconds since the epoch. ``place`` is that in the slot, None when all were
    taken. ``cpu`` is None where its CPU time is not known. ``call`` is the coroutine of the
    application on ASGI.
    """

    # To set these for each request would take a tenth of all that is done for it here.
    route = ""
    queued_s: float | None = None
    cpu: CpuTime | ProcessCpuTime | None = None
    place: int | None = None
    call: Any = None
    # The thread of the greenlet that is ``call``.
    greenlet_thread = 0
    is_long = False
    is_logged = False
    # What the edge gets with the headers, and when: of the monotonic clock.
    headers_cpu: CpuUse | None = None
    headers_at = 0.0

    def __init__(self, board: "Scoreboard", method: str, path: str, request_id: str) -> None:
        self._board = board
        self.method, self.path, self.request_id = method, path, request_id
        self.since = time.time()

    @property
    def stack(self) -> str:
        """The stack that the request is on."""
        return self._board.stack

    def note_route(self, route: str) -> None:
        """Note the route that the request was resolved to."""
        if route != self.route:
            self.route = route
            self._board.write(self)

    def note_headers(self) -> CpuUse | None:
        """Return the use of the CPU so far, None where it is not known; its body may use more."""
        if self.cpu is not None:
            self.headers_cpu, self.headers_at = CpuUse(*self.cpu.use()), time.monotonic()
        return self.headers_cpu

    def body_cpu(self) -> CpuUse:
        """Return the use of the CPU since its headers, none for one that is long."""
        before = self.headers_cpu
        if self.cpu is None or before is None or self.is_long:
            return NO_USE
        # The body of most has just been rendered: it has used less than counts.
        if time.monotonic() - self.headers_at < LEAST_BODY_CPU_S:
            return NO_USE
        used_s, delay_s, _ = self.cpu.use()
        return CpuUse(used_s - before.used_s, delay_s - before.delay_s)

    def note_long(self) -> None:
        """Note that the response lasts for as long as its client listens."""
        self.is_long = True
        self._board.leave(self)


class Scoreboard:
    """
    Writes the slot of this process.

    ``details`` returns further fields of a WorkerSlot. With ``measures_cpu`` the layer gives each
    request its ``cpu``.
    """

    def __init__(
        self,
        run_dir: Path,
        stack: str,
        generation: int,
        details: Details,
        *,
        measures_cpu: bool = False,
    ) -> None:
        self.run_dir, self.stack, self.generation = run_dir, stack, generation
        self.measures_cpu = measures_cpu
        self._details = details
        # Called once, in the process that serves.
        self.on_start: Callable[[], None] | None = None
        # In the order of their start.
        self.active: dict[ActiveRequest, None] = {}
        # Reentrant: a garbage collection may close a request that was abandoned.
        self._lock = threading.RLock()
        self._slot: SlotWriter | None = None
        self._pid = 0
        self._free: list[int] = []
        self._lag: LoopLag | None = None
        self._requests = 0
        self._body_cpu_us: Counter[str] = Counter()
        self._body_delay_us: Counter[str] = Counter()
        self._body_bytes = 0
        self._busy_s = 0.0
        self._written = b""
        self._write_at = 0.0

    def start(self) -> None:
        """Open the slot of this process, once."""
        if self._slot is not None:
            return
        with self._lock:
            if self._slot is None:
                self._slot = self._open()
                self.write_details()
                process_gauges.watch_connections()
                if self.on_start is not None:
                    self.on_start()

    def _open(self) -> SlotWriter:
        self._pid = os.getpid()
        self._free = list(range(PLACES - 1, -1, -1))
        slot = SlotWriter(slot_file.map_slot(self.run_dir))
        # A worker's own children run what is registered for the exit, too.
        atexit.register(self.remove)
        slot.numbers[slot_file.PID] = self._pid
        slot.numbers[slot_file.GENERATION] = self.generation
        slot.numbers[slot_file.OPENED_AT] = since_boot_s()
        slot.numbers[slot_file.STARTED_AT] = time.time()
        # Last, as a reader leaves out a slot without it.
        slot.numbers[slot_file.VERSION_AT] = slot_file.VERSION
        return slot

    def remove(self) -> None:
        """Remove the slot at the end of its process."""
        if os.getpid() == self._pid:
            slot_file.remove_slot(slot_file.slot_path(self.run_dir, self._pid))

    def start_on_loop(self) -> None:
        """Open the slot, and measure the lag of the running loop, once."""
        if self._lag is None:
            self.start()
            self._lag = LoopLag(self._write_lag)
        self._lag.start()

    def begin(self, method: str, path: str, request_id: str) -> ActiveRequest:
        """Begin a request, which the caller ends."""
        request = ActiveRequest(self, method, path, request_id)
        with self._lock:
            if not self.active:
                self._note_busy(time.monotonic())
            self.active[request] = None
            self._set(slot_file.IN_FLIGHT, len(self.active))
            if self._free:
                request.place = self._free.pop()
        self.write(request)
        return request

    def write(self, request: ActiveRequest) -> None:
        """Write what is known of a request to its place."""
        # A view that was cancelled may still be on its way to a thread.
        if self._slot is not None and request.place is not None:
            self._slot.write_request(
                request.place,
                request.since,
                (request.method, request.route, request.request_id, request.path),
            )

    def end(self, request: ActiveRequest) -> None:
        """End a request."""
        body = request.body_cpu()
        with self._lock:
            self._leave(request)
            if body.used_s >= LEAST_BODY_CPU_S and request.route:
                route = self._listed(request.route)
                self._body_cpu_us[route] += int(body.used_s * 1e6)
                self._body_delay_us[route] += max(0, int(body.delay_s * 1e6))
            self._requests += 1
            self._set(slot_file.REQUESTS, self._requests)
        if self._lag is None and time.monotonic() >= self._write_at:
            self.write_details()

    def _listed(self, route: str) -> str:
        """Return ``route`` where the details have room for it, and OTHER where they have not."""
        if route not in self._body_cpu_us:
            size = BODY_ROUTE_BYTES + 2 * len(json.dumps(route))
            # The monitor adds the growth of each. Were it by turns listed and among the others, the
            # same time would be added again each time.
            if self._body_bytes + size > MOST_BODY_BYTES:
                return OTHER
            self._body_bytes += size
        return route

    def leave(self, request: ActiveRequest) -> None:
        """Count a request no more among those in progress."""
        with self._lock:
            self._leave(request)

    def _leave(self, request: ActiveRequest) -> None:
        if request not in self.active:
            return
        del self.active[request]
        self._set(slot_file.IN_FLIGHT, len(self.active))
        if not self.active:
            self._note_idle(time.monotonic())
        if self._slot is not None and request.place is not None:
            self._slot.free(request.place)
            self._free.append(request.place)
            request.place = None

    def _note_busy(self, now: float) -> None:
        self._busy_s -= now
        self._set(slot_file.BUSY_S, self._busy_s)

    def _note_idle(self, now: float) -> None:
        self._busy_s += now
        self._set(slot_file.BUSY_S, self._busy_s)

    def _set(self, at: int, number: float) -> None:
        if self._slot is not None:
            self._slot.numbers[at] = number

    def _write_lag(self, last_s: float, longest_s: float, due: float) -> None:
        self._set(slot_file.LAG_S, last_s)
        self._set(slot_file.LAG_MAX_S, longest_s)
        self._set(slot_file.TIMER_DUE, due)
        if time.monotonic() >= self._write_at:
            self.write_details()

    def write_details(self) -> None:
        """Write what changes less often than with each request."""
        self._write_at = time.monotonic() + DETAILS_EVERY_S
        now = {
            "stack": self.stack,
            "database_connections": process_gauges.count_open_connections(),
            "body_cpu_us": dict(self._body_cpu_us),
            "body_delay_us": dict(self._body_delay_us),
            **self._details(),
        }
        text = _fitted(now)
        # Threads that end their requests at the same time.
        with self._lock:
            if self._slot is not None and text and text != self._written:
                self._slot.write_details(text)
                self._written = text


def _fitted(details: dict[str, Any]) -> bytes:
    """Return the details as JSON, with the largest routes that fit; empty if nothing does."""
    most = MOST_ROUTES
    while len(text := json.dumps(_with_routes(details, most)).encode()) > MAX_DETAILS and most:
        most //= 2
    return text if len(text) <= MAX_DETAILS else b""


def _with_routes(details: dict[str, Any], most: int) -> dict[str, Any]:
    changed = {}
    for name in BY_ROUTE:
        counts: Mapping[str, int] = details.get(name, {})
        if len(counts) > most:
            largest = dict(sorted(counts.items(), key=lambda each: -each[1])[:most])
            rest = sum(counts.values()) - sum(largest.values())
            changed[name] = {**largest, OTHER: rest}
    return {**details, **changed}


def since_boot_s() -> float:
    """Return the time in seconds since the boot on Linux, elsewhere since the epoch."""
    is_linux = sys.platform == "linux"
    return time.clock_gettime(time.CLOCK_BOOTTIME) if is_linux else time.time()


_of_process: Scoreboard | None = None


def from_environment(
    stack: str, details: Details, *, measures_cpu: bool = False
) -> Scoreboard | None:
    """Return the scoreboard for the run directory that the environment names, if it names one."""
    global _of_process  # noqa: PLW0603 - there is one for each process
    run_dir = os.environ.get(environment.RUN_DIR)
    generation = int(os.environ.get(environment.GENERATION) or 0)
    if not run_dir:
        return None
    _of_process = Scoreboard(Path(run_dir), stack, generation, details, measures_cpu=measures_cpu)
    return _of_process


def start_of_process() -> None:
    """Open the slot of a worker that was forked; without it, its first request does."""
    if _of_process is not None:
        _of_process.start()

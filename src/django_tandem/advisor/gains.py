"""What a move is expected to gain: workers, time in the queue and memory, with the arithmetic."""

import math
from dataclasses import dataclass

from django_tandem.advisor.evidence import History, RouteEvidence

# Of the time of a request on another day, in addition to what follows from so few requests.
LEAST_ERROR = 0.1
# The private memory of a Django worker in MB: `make bench-memory`.
WORKER_MB = (40, 100)
# The model assumes that requests arrive at random, and bursts make queues longer.
QUEUE_ERROR = (0.3, 2.0)

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """
    The workers of both stacks and the CPUs of the machine.

    ``has_wsgi_threads`` is true where WSGI's workers are threads of one process.
    """

    wsgi_workers: int = 1
    asgi_workers: int = 1
    cpus: float = 1.0
    has_wsgi_threads: bool = False

    @property
    def stretch(self) -> float:
        """How much slower a request that computes is, at most, when all workers compute."""
        if self.has_wsgi_threads:
            return float(max(1, self.wsgi_workers))
        return max(1.0, (self.wsgi_workers + self.asgi_workers) / self.cpus)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """
    The expected gain of a move, each from least to most; negative where the move costs.

    ``workers_freed`` are workers of WSGI that the route holds no more, on average. ``queue_ms`` is
    by how much the mean queue of a request on WSGI becomes shorter. ``arithmetic`` are sentences.
    """

    workers_freed: Range = (0.0, 0.0)
    queue_ms: Range = (0.0, 0.0)
    memory_mb: Range = (0.0, 0.0)
    arithmetic: tuple[str, ...] = ()


def gain_on_asgi(found: RouteEvidence, history: History, capacity: Capacity) -> Gain:
    """Return what a move from WSGI to ASGI gains."""
    error = _error(found.requests)
    freed = (found.workers * (1 - error), found.workers * (1 + error))
    queue_ms, queue = _queue_gain(found, history, capacity)
    memory = (
        float(math.floor(freed[0]) * WORKER_MB[0]),
        float(math.floor(freed[1]) * WORKER_MB[1]),
    )
    held = (
        f"{found.rate:.3g} requests/s * {found.each_s * 1000:.0f} ms = {found.workers:.2f} of "
        f"{capacity.wsgi_workers} workers, ± {error:.0%} from {found.requests} requests."
    )
    fewer = math.floor(freed[1])
    room = (
        f"With {fewer} worker{'' if fewer == 1 else 's'} fewer, each of {WORKER_MB[0]} to "
        f"{WORKER_MB[1]} MB."
        if memory[1]
        else "Less than one worker: WORKERS does not change, and no memory is freed."
    )
    return Gain(
        workers_freed=_rounded(freed),
        queue_ms=_rounded(queue_ms),
        memory_mb=memory,
        arithmetic=(held, queue, room),
    )


def gain_on_wsgi(found: RouteEvidence, history: History, capacity: Capacity) -> Gain:
    """Return what a move from ASGI to WSGI costs WSGI; what it gains is the loop's."""
    error = _error(found.requests)
    least_s = found.p10_s or found.each_s
    # A worker of WSGI waits for a CPU as the others do there.
    most_s = max(least_s + found.cpu_each_s * history.wsgi_delay, found.p50_s or 0.0)
    most, least = found.rate * most_s * (1 + error), found.rate * least_s * (1 - error)
    added = (
        f"{found.rate:.3g} requests/s * {_ms_range(least_s, most_s)}, "
        f"± {error:.0%}: it will hold {least:.2f} to {most:.2f} of {capacity.wsgi_workers} workers."
    )
    blocked = found.rate * found.blocked_each_s
    loops = (
        f"{found.rate:.3g} requests/s * {found.blocked_each_s * 1000:.0f} ms blocked: the event "
        f"loops are free for {blocked / capacity.asgi_workers:.1%} more of their time."
    )
    held, rate = history.wsgi_workers, history.wsgi_rate
    now = erlang_wait_s(capacity.wsgi_workers, rate, held)
    then = erlang_wait_s(capacity.wsgi_workers, rate + found.rate, held + most)
    longer = (min(0.0, -1000 * QUEUE_ERROR[1] * (then - now)), 0.0)
    return Gain(
        workers_freed=_rounded((-most, -least)),
        queue_ms=_rounded(longer),
        arithmetic=(added, loops),
    )


def sentences(gain: Gain, capacity: Capacity) -> list[str]:
    """Return the ranges and their arithmetic, a sentence each."""
    freed, queue_ms = gain.workers_freed, gain.queue_ms
    if freed[1] > 0:
        found = [f"It frees {freed[0]:.2f} to {freed[1]:.2f} of {capacity.wsgi_workers} workers."]
    else:
        held = f"{-freed[1]:.2f} to {-freed[0]:.2f}"
        found = [f"It takes {held} of {capacity.wsgi_workers} workers of WSGI."]
    if queue_ms[1] > 0:
        low, high = queue_ms
        found.append(f"The queue of WSGI becomes {low:.1f} to {high:.1f} ms shorter.")
    else:
        found.append(f"The queue of WSGI becomes up to {-queue_ms[0]:.1f} ms longer.")
    if gain.memory_mb[1]:
        found.append(f"It frees {gain.memory_mb[0]:.0f} to {gain.memory_mb[1]:.0f} MB.")
    return [*found, *gain.arithmetic]


def _ms_range(low_s: float, high_s: float) -> str:
    low, high = f"{low_s * 1000:.0f}", f"{high_s * 1000:.0f}"
    return f"{low} ms" if low == high else f"{low} to {high} ms"


def _error(requests: int) -> float:
    # Two standard errors of a mean whose values vary by as much as it is long.
    return min(0.9, LEAST_ERROR + 2 / math.sqrt(max(1, requests)))


def _queue_gain(found: RouteEvidence, history: History, capacity: Capacity) -> tuple[Range, str]:
    before_ms = 1000 * history.queue_each_s
    workers, rate = history.wsgi_workers, history.wsgi_rate
    now = erlang_wait_s(capacity.wsgi_workers, rate, workers)
    rest = max(0.0, rate - found.rate)
    then = erlang_wait_s(capacity.wsgi_workers, rest, max(0.0, workers - found.workers))
    share = 1 - then / now if now > 0 else 0.0
    # In bursts the mean load says little, and what it held in the busy minutes says more.
    share = max(share, found.queue_caused_s / (history.queue_s or math.inf), 0.0)
    shorter = before_ms * min(1.0, share)
    # A queue that is longer than its workers explain has other causes, which a move leaves.
    # Where it is beyond them, Erlang has no wait, and its bound may be longer for fewer requests.
    low = QUEUE_ERROR[0] * max(0.0, min(shorter, 1000 * (now - then)))
    high = QUEUE_ERROR[1] * shorter
    text = (
        f"A request is in the queue for {before_ms:.1f} ms; with {workers:.2f} workers held "
        f"and then {max(0.0, workers - found.workers):.2f} of {capacity.wsgi_workers}, about "
        f"{shorter:.1f} ms less."
    )
    return (low, min(high, before_ms)), text


def erlang_wait_s(workers: int, rate: float, held: float) -> float:
    """
    Return the mean wait in seconds of M/M/c, by Erlang's formula.

    ``held`` is the load in workers. Without room for it the wait is that of almost full workers.
    """
    if not rate or not held or workers < 1:
        return 0.0
    load = min(held, 0.98 * workers)
    # Erlang B by its recurrence, then C.
    blocking = 1.0
    for count in range(1, workers + 1):
        blocking = load * blocking / (count + load * blocking)
    waits = blocking / (1 - load / workers * (1 - blocking))
    return waits * (held / rate) / (workers - load)


def _rounded(given: Range) -> Range:
    return round(given[0], 3), round(given[1], 3)

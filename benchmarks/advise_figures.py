"""What the monitor has recorded of each route, and whether it is what that is built to be."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from advise_routes import WSGI, KnownRoute

from django_tandem.monitor.history import read
from django_tandem.monitor.minutes import RouteMinute

# Beside what a view does there is what Django, a client and the operating system take.
TOLERANCE, MOST_EXTRA_MS = 0.3, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """
    The requests of a route on one stack.

    ``workers`` is how many it held on average, less the time without a CPU, which depends on what
    else runs on the machine. The others are of a request on average: in the queue, in a worker, on
    the CPU, and without a CPU that it could use; in the rest it waits.
    """

    requests: int
    errors: int
    workers: float
    queue_ms: float
    worker_ms: float
    cpu_ms: float
    delay_ms: float

    @property
    def wait_ms(self) -> float:
        return self.worker_ms - self.cpu_ms - self.delay_ms


# By route and stack.
Recorded = dict[tuple[str, str], Figures]


def read_figures(history: Path, seconds: float) -> Recorded:
    """Return what the history has, of a load that took ``seconds``."""
    added: dict[tuple[str, str], RouteMinute] = {}
    for record in read(history, since=0, until=2**40):
        key = (record.route, record.stack)
        if key in added:
            added[key].add(record)
        else:
            added[key] = record
    return {key: _figures(record, seconds) for key, record in added.items()}


def _figures(record: RouteMinute, seconds: float) -> Figures:
    known = max(1, record.cpu_known)
    return Figures(
        requests=record.requests,
        errors=record.errors,
        workers=max(0.0, record.worker_s - record.delay_s) / seconds,
        queue_ms=record.queue_s / record.requests * 1000,
        worker_ms=record.worker_s / record.requests * 1000,
        cpu_ms=record.cpu_s / known * 1000,
        delay_ms=record.delay_s / known * 1000,
    )


def differences(
    routes: Iterable[KnownRoute], recorded: Recorded, sent: Mapping[str, int]
) -> Iterator[str]:
    """Yield a sentence for each route that is recorded otherwise than it is built."""
    for known in routes:
        found = recorded.get((known.route, known.stack))
        if found is None or found.requests != sent[known.route]:
            count = found.requests if found else 0
            yield f"{known.route}: {count} requests are recorded of {sent[known.route]}"
        elif not _is_near(found.cpu_ms, known.computes_ms):
            yield f"{known.route}: computes for {found.cpu_ms:.0f} ms of {known.computes_ms:.0f} ms"
        elif known.stack == WSGI and not _is_near(found.wait_ms, known.waits_ms):
            # On ASGI, others that block the event loop are part of it.
            yield f"{known.route}: waits for {found.wait_ms:.0f} ms of {known.waits_ms:.0f} ms"


def _is_near(found_ms: float, built_ms: float) -> bool:
    low, high = (1 - TOLERANCE) * built_ms, (1 + TOLERANCE) * built_ms
    return low - MOST_EXTRA_MS <= found_ms <= high + MOST_EXTRA_MS


def stack_workers(recorded: Recorded, stack: str = WSGI) -> float:
    """Return how many workers of the stack were held on average."""
    return sum(each.workers for (_, by), each in recorded.items() if by == stack)


def stack_queue_ms(recorded: Recorded, stack: str = WSGI) -> float:
    """Return how long a request of the stack was in its queue on average."""
    own = [each for (_, by), each in recorded.items() if by == stack]
    requests = sum(each.requests for each in own)
    return sum(each.queue_ms * each.requests for each in own) / requests if requests else 0.0

"""Gauges of the last hour: queues, loop lag, open connections and workers."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django_tandem.monitor.snapshot import WorkerState
from django_tandem.runtime.listen_queues import ListenQueue

# The largest values of each of these seconds are kept, as long as the dashboard shows them.
STEP_S = 10
KEPT_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """
    The largest values of one stack since ``at``, in seconds since the epoch.

    ``lag_s`` is the delay of an event loop. None stands for what the stack does not have.
    """

    at: float
    stack: str
    queue_length: int | None = None
    workers_busy: int = 0
    websockets: int = 0
    streams: int = 0
    lag_s: float | None = None


class Gauges:
    """The gauges of the last hour, by stack."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], Gauge] = {}

    def add(
        self, now: float, workers: Iterable[WorkerState], queues: Mapping[str, ListenQueue]
    ) -> None:
        """Add what is seen at ``now``."""
        step = int(now) // STEP_S
        slots = [each.slot for each in workers]
        for stack in sorted({slot.stack for slot in slots} | queues.keys()):
            own = [slot for slot in slots if slot.stack == stack]
            lags = [slot.lag_s for slot in own if slot.lag_s is not None]
            seen = Gauge(
                at=step * STEP_S,
                stack=stack,
                queue_length=queues[stack].length if stack in queues else None,
                workers_busy=sum(bool(slot.in_flight_count) for slot in own),
                websockets=sum(sum(slot.websockets.values()) for slot in own),
                streams=sum(sum(slot.streams.values()) for slot in own),
                lag_s=max(lags, default=None),
            )
            self._kept[step, stack] = _larger(self._kept.get((step, stack), seen), seen)
        for key in [key for key in self._kept if key[0] < step - KEPT_S // STEP_S]:
            del self._kept[key]

    def as_json(self) -> list[dict[str, Any]]:
        """Return them with the names of the fields as keys, the oldest first."""
        return [asdict(self._kept[key]) for key in sorted(self._kept)]


def _larger(one: Gauge, other: Gauge) -> Gauge:
    return Gauge(
        at=one.at,
        stack=one.stack,
        queue_length=_largest(one.queue_length, other.queue_length),
        workers_busy=max(one.workers_busy, other.workers_busy),
        websockets=max(one.websockets, other.websockets),
        streams=max(one.streams, other.streams),
        lag_s=_largest(one.lag_s, other.lag_s),
    )


def _largest(one: Any, other: Any) -> Any:
    return max((each for each in (one, other) if each is not None), default=None)

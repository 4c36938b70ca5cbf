"""What one route did in one minute on one stack: the record of the last hour and of the history."""

from bisect import bisect_left
from dataclasses import dataclass, field

# The upper bounds of the buckets of OpenTelemetry's convention for http.server.request.duration.
DURATION_BUCKETS_S = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0
)  # fmt: skip
# Finer ones, for percentiles within 5 %: each bound is 10 % above the one before, from 0.5 ms to
# ten minutes.
PERCENTILE_BUCKETS_S = tuple(0.0005 * 1.1**power for power in range(148))
_LAST = len(PERCENTILE_BUCKETS_S) - 1

# The routes of paths that no route matches, and of what the edge answered without a stack.
UNMATCHED = "(unmatched)"
EDGE_FILES = "(edge)"
# Those that have no separate name, since there are too many.
OTHER_ROUTES = "(other)"

# The fields of a record that are sums.
SUMS = (
    "duration_s", "queue_s", "cpu_s", "cpu_known", "worker_s", "bytes_sent", "handovers", "delay_s",
    "blocked_s", "unanswered_s",
)  # fmt: skip


@dataclass(slots=True)
class RouteMinute:
    """
    The requests of one minute; ``minute`` is in minutes since the epoch.

    ``statuses`` counts them by status. ``durations`` and ``queues`` count them by the index of
    their bucket of PERCENTILE_BUCKETS_S. The sums are in seconds: at the edge, in the queue, on
    the CPU, and in a worker. ``cpu_known`` is how many of them have a CPU time. For ``delay_s``
    they were ready to compute and had no CPU; for ``blocked_s`` they kept their event loop, 10 ms
    or longer at a time. ``unanswered_s`` is not part of ``worker_s``: these requests timed out or
    their clients left, in the queue or in a worker. WebSockets and
    event streams have a separate record, with ``is_long`` true. In older history a record covers
    ``minutes`` minutes, from ``minute`` on.
    """

    minute: int
    route: str
    stack: str
    is_long: bool = False
    statuses: dict[int, int] = field(default_factory=dict)
    durations: dict[int, int] = field(default_factory=dict)
    queues: dict[int, int] = field(default_factory=dict)
    duration_s: float = 0.0
    queue_s: float = 0.0
    cpu_s: float = 0.0
    cpu_known: int = 0
    worker_s: float = 0.0
    bytes_sent: int = 0
    handovers: int = 0
    delay_s: float = 0.0
    blocked_s: float = 0.0
    unanswered_s: float = 0.0
    minutes: int = 1

    def add(self, other: "RouteMinute") -> None:
        """Add the counts and sums of ``other``, a record of the same route and stack."""
        for name in ("statuses", "durations", "queues"):
            counts = getattr(self, name)
            for key, count in getattr(other, name).items():
                counts[key] = counts.get(key, 0) + count
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def requests(self) -> int:
        """How many there were."""
        return sum(self.statuses.values())

    @property
    def errors(self) -> int:
        """How many had a status from 500 on."""
        return sum(count for status, count in self.statuses.items() if status >= 500)


def bucket_of(seconds: float) -> int:
    """Return the index of the bucket of PERCENTILE_BUCKETS_S; the last one has no upper bound."""
    return bisect_left(PERCENTILE_BUCKETS_S, seconds, 0, _LAST)


def percentile(buckets: dict[int, int], share: float) -> float | None:
    """Return the time that ``share`` of the requests do not exceed; None without a request."""
    wanted = share * sum(buckets.values())
    if not wanted:
        return None
    seen = 0
    for index in sorted(buckets):
        seen += buckets[index]
        if seen >= wanted:
            return PERCENTILE_BUCKETS_S[index]
    return PERCENTILE_BUCKETS_S[-1]

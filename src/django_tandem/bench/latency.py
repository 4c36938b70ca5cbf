"""How long answers took: the percentiles that are told of them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Percentiles of so many times, in milliseconds."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    worst_ms: float


def latency(seconds: Iterable[float]) -> Latency | None:
    """Return the percentiles of ``seconds``, by nearest rank; None of none."""
    ordered = sorted(seconds)
    if not ordered:
        return None

    def at(percent: float) -> float:
        return round(ordered[math.ceil(len(ordered) * percent / 100) - 1] * 1000, 3)

    return Latency(
        count=len(ordered), p50_ms=at(50), p95_ms=at(95), p99_ms=at(99), worst_ms=at(100)
    )

"""The figures of benchmarks/sockets.py, by part and variant, and the ratios that are bounded."""

import statistics
from dataclasses import dataclass, field
from typing import Any

from results import Ratio
from socket_variants import CORE, FRAMES, OURS, PUBSUB, RAW, TANDEM_CORE, TANDEM_PUBSUB

# The variant that is set up by hand, of benchmarks/side_by_side.
REFERENCE = "reference-nice"


@dataclass(kw_only=True)
class Measurements:
    """Each figure of each round, by part and variant, and why a variant has none."""

    rounds: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    raw: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, part: str, variant: str, figure: float | None, raw: object = None) -> None:
        if figure is not None:
            self.rounds.setdefault(part, {}).setdefault(variant, []).append(figure)
        if raw is not None:
            self.raw.setdefault(part, {}).setdefault(variant, []).append(raw)

    def values(self, part: str, variant: str) -> list[float]:
        return self.rounds.get(part, {}).get(variant, [])


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioBound:
    """One variant's figure over another's, in one part."""

    name: str
    part: str
    over: str
    under: str
    at_least: float | None = None
    at_most: float | None = None


PER_CORE, MEMORY, DRF, BESIDE_P99 = "deliveries a core", "idle", "DRF list", "broadcast p99"
# Of information: a standalone server has no edge.
WITH_EDGE, EDGE_KB = "deliveries a core, with the edge", "edge's kB a socket"
STALLED, P99, LOST = "stalled", "p99 of 5000", "lost of 5000"
WITHOUT, WITH = "without", "with"
BOUNDS = (
    RatioBound(
        name="deliveries/s a core, consumers unchanged: RedisLayer / channels_redis core",
        part=PER_CORE,
        over=OURS.name,
        under=CORE.name,
        at_least=5,
    ),
    RatioBound(
        name="deliveries/s a core: broadcast / channels_redis core",
        part=PER_CORE,
        over=FRAMES.name,
        under=CORE.name,
        at_least=8,
    ),
    RatioBound(
        name="deliveries/s a core: broadcast / channels_redis pub/sub",
        part=PER_CORE,
        over=FRAMES.name,
        under=PUBSUB.name,
        at_least=4,
    ),
    RatioBound(
        name="deliveries/s a core: broadcast / raw ASGI send",
        part=PER_CORE,
        over=FRAMES.name,
        under=RAW.name,
        at_least=0.6,
    ),
    RatioBound(
        name="deliveries/s a core, channels_redis core: tandem / Uvicorn",
        part=PER_CORE,
        over=TANDEM_CORE.name,
        under=CORE.name,
        at_least=1.8,
    ),
    RatioBound(
        name="deliveries/s a core, channels_redis pub/sub: tandem / Uvicorn",
        part=PER_CORE,
        over=TANDEM_PUBSUB.name,
        under=PUBSUB.name,
        at_least=3,
    ),
    RatioBound(
        name="kB an idle socket: Uvicorn and Channels / ours",
        part=MEMORY,
        over=CORE.name,
        under=OURS.name,
        at_least=2.2,
    ),
    RatioBound(
        name="DRF list's requests/s: beside 1000 deliveries/s / without",
        part=DRF,
        over=WITH,
        under=WITHOUT,
        at_least=0.92,
    ),
    RatioBound(
        name="DRF list's requests/s beside 1000 deliveries/s: tandem / by hand with nice",
        part=DRF,
        over=WITH,
        under=REFERENCE,
        at_least=1.15,
    ),
    RatioBound(
        name="broadcast p99 beside the DRF list: by hand with nice / tandem",
        part=BESIDE_P99,
        over=REFERENCE,
        under=WITH,
        at_least=1.5,
    ),
    RatioBound(
        name="p99 of 1000 beside a stalled client / without it",
        part=STALLED,
        over=WITH,
        under=WITHOUT,
        at_most=1.1,
    ),
)


def ratios(found: Measurements) -> dict[str, Ratio]:
    """Return each bound's ratio; of those not measured, why."""
    done = {bound.name: _ratio(found, bound) for bound in BOUNDS}
    ours = found.values(MEMORY, OURS.name)
    p99, lost = found.values(P99, FRAMES.name), found.values(LOST, FRAMES.name)
    why = found.failures.get(FRAMES.name, "not measured")
    return done | {
        "kB an idle socket, ours": Ratio(
            value=statistics.median(ours) if ours else None,
            at_most=32,
            why=None if ours else found.failures.get(OURS.name, "not measured"),
        ),
        "p99 of 5000 sockets, a message a second, in ms": Ratio(
            value=p99[0] if p99 else None, at_most=250, why=None if p99 else why
        ),
        "messages lost of these": Ratio(
            value=lost[0] if lost else None, at_most=0, why=None if lost else why
        ),
    }


def _ratio(found: Measurements, bound: RatioBound) -> Ratio:
    """Return the median ratio of the rounds that both finished, which ran next to each other."""
    over, under = found.values(bound.part, bound.over), found.values(bound.part, bound.under)
    pairs = [above / below for above, below in zip(over, under, strict=False) if below]
    if pairs:
        value, why = statistics.median(pairs), None
    else:
        missing = bound.under if over else bound.over
        value, why = None, f"{missing}: {found.failures.get(missing, 'not measured')}"
    return Ratio(value=value, at_least=bound.at_least, at_most=bound.at_most, why=why)

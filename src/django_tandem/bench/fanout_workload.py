"""
What the processes of WebSocket clients are to do, and what they report: the messages of both.

A process reads a job, and then commands, each a line of JSON; it answers each with a line
``{"reply": …}``. Between them are lines ``{"received": stamp}``: all of its clients have it.
"""

import base64
import json
import math
import resource
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django_tandem.bench.results import Latency

PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
# Where the file is not readable: the range that IANA recommends.
DEFAULT_PORTS = (49152, 65535)
# Besides WebSockets, a process has its pipes, its libraries' files and its logs.
OTHER_FILES = 256
# Latencies are counted in bins of this many nanoseconds.
BIN_NS = 100_000
BINS_A_MS = 1_000_000 // BIN_NS

# A value and how often it occurred.
Bins = tuple[tuple[int, int], ...]
Reasons = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FanoutJob:
    """
    WebSockets on ``path`` of the server at ``url``, opened from the addresses ``sources``.

    With ``offers_deflate`` each handshake offers permessage-deflate, as browsers do. With
    ``stay_s`` a client leaves after that time on average, and another one comes at once.
    """

    url: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    sources: tuple[str, ...] = ("127.0.0.1",)
    offers_deflate: bool = True
    stay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCounts:
    """
    What the clients of one process, or of all, counted since their last reset.

    ``open`` of them are open now. ``delivered`` stamps arrived, and ``repeated`` were no newer
    than the client's newest. ``latencies`` are of the delivered ones, ``reopening`` those from a
    close to the next time open: in bins of BIN_NS. ``cpu_s`` is the processes' own CPU time.
    """

    open: int
    delivered: int
    repeated: int
    latencies: Bins
    reopening: Bins
    closed: Reasons
    refused: Reasons
    cpu_s: float

    @property
    def closed_total(self) -> int:
        """How many were closed."""
        return sum(times for _, times in self.closed)


def encode_job(job: FanoutJob) -> str:
    """Return a job as one line of JSON."""
    return json.dumps(asdict(job))


def decode_job(text: str) -> FanoutJob:
    """Return the job that ``encode_job`` was given."""
    fields = json.loads(text)
    pairs = tuple(map(tuple, fields["headers"]))
    return FanoutJob(**{**fields, "headers": pairs, "sources": tuple(fields["sources"])})


def decode_counts(fields: dict[str, Any]) -> ClientCounts:
    """Return the counts of one process from their JSON."""
    many = ("latencies", "reopening", "closed", "refused")
    return ClientCounts(**{**fields, **{name: tuple(map(tuple, fields[name])) for name in many}})


def total_counts(parts: Iterable[ClientCounts]) -> ClientCounts:
    """Return the sum of several processes' counts."""
    every = list(parts)
    return ClientCounts(
        open=sum(each.open for each in every),
        delivered=sum(each.delivered for each in every),
        repeated=sum(each.repeated for each in every),
        latencies=_merged(each.latencies for each in every),
        reopening=_merged(each.reopening for each in every),
        closed=_merged(each.closed for each in every),
        refused=_merged(each.refused for each in every),
        cpu_s=sum(each.cpu_s for each in every),
    )


def latency_of(bins: Bins) -> Latency | None:
    """Return the percentiles of binned nanoseconds by nearest rank; None when there are none."""
    count = sum(times for _, times in bins)
    if not count:
        return None

    def at(percent: float) -> float:
        left = math.ceil(count * percent / 100)
        for value, times in bins:
            left -= times
            if left <= 0:
                return value / BINS_A_MS
        return bins[-1][0] / BINS_A_MS

    return Latency(
        count=count, p50_ms=at(50), p95_ms=at(95), p99_ms=at(99), worst_ms=bins[-1][0] / BINS_A_MS
    )


def handshake_of(job: FanoutJob) -> bytes:
    """Return the request that opens a WebSocket; its origin is its host, as a browser's is."""
    given = {name.lower() for name, _ in job.headers}
    host = next((value for name, value in job.headers if name.lower() == "host"), None)
    own = [
        ("Host", urlsplit(job.url).netloc),
        ("Origin", f"http://{host or urlsplit(job.url).netloc}"),
        ("User-Agent", "tandem-bench"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", base64.b64encode(b"tandem-benchmark").decode()),
    ]
    if job.offers_deflate:
        own.append(("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"))
    headers = [*(each for each in own if each[0].lower() not in given), *job.headers]
    lines = [f"GET {job.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def source_addresses(count: int, ports: int) -> tuple[str, ...]:
    """Return loopback addresses that have a free port for each of ``count`` connections."""
    # Half of the range is left to others, and to connections that wait for their end.
    needed = math.ceil(count / max(1, ports // 2))
    return tuple(f"127.0.{number // 250}.{1 + number % 250}" for number in range(needed))


def ephemeral_ports() -> int:
    """Return how many ports the kernel gives out for outgoing connections."""
    try:
        low, high = map(int, PORT_RANGE.read_text().split())
    except (OSError, ValueError):
        low, high = DEFAULT_PORTS
    return high - low + 1


def raise_open_files() -> int:
    """Raise this process's limit of open files, which its children get, and return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _merged(parts: Iterable[tuple[tuple[Any, int], ...]]) -> tuple[tuple[Any, int], ...]:
    total: Counter[Any] = Counter()
    for part in parts:
        total.update(dict(part))
    return tuple(sorted(total.items()))

"""
The load that is put on each topology, and the messages between the session and the driver.

A job on the driver's stdin, a result on its stdout, as JSON. Between them it writes STARTED and
FINISHED, each on a line: the seconds that count.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from django_tandem.bench.results import DriverResult, Latency, RouteResult, WebSocketResult

STARTED, FINISHED = "started", "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSockets:
    """
    WebSockets that are open during a workload: ``count`` of them at ``path``.

    ``measure`` names how each measures its latency, every ``every_s`` seconds. "ping" is answered
    by the server's event loop, so that it works with every consumer.
    """

    path: str
    count: int = 50
    every_s: float = 0.5
    measure: str = "ping"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedRequest:
    """A recorded request: sent at ``at_s``; ``status`` is that of the recorded response, or 0."""

    at_s: float
    method: str
    target: str
    route: str
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """
    Requests that are sent at their recorded times, however long other responses take.

    They are those of ``span_s`` seconds from ``began`` on, in seconds since the epoch, which
    ``source`` records; ``speed`` is by how much faster they are sent. ``left_out`` counts the
    requests of that time that are not sent, by their kind.
    """

    source: str
    began: float = 0.0
    span_s: float = 0.0
    speed: float = 1.0
    requests: tuple[TimedRequest, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()

    def at_speed(self, speed: float) -> "Replay":
        """Return it with each time divided by ``speed``."""
        requests = tuple(replace(each, at_s=each.at_s / speed) for each in self.requests)
        return replace(self, speed=speed, requests=requests)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """
    ``connections`` that each send the next request for ``path`` as soon as they have a response.

    With a ``replay`` its requests are sent instead, and with neither there are only the
    WebSockets. ``headers`` are sent with each request and with each handshake.
    """

    name: str
    path: str | None
    connections: int = 16
    method: str = "GET"
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    sockets: WebSockets | None = None
    replay: Replay | None = None

    @property
    def has_requests(self) -> bool:
        """Whether there is more than WebSockets."""
        return self.path is not None or self.replay is not None

    def without_websockets(self) -> "Workload | None":
        """Return the HTTP part of it; None when there is none."""
        if self.sockets is None:
            return self
        return replace(self, sockets=None) if self.has_requests else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of the driver: ``seconds`` that count, after ``warm_s`` that do not."""

    url: str
    workload: Workload
    seconds: float
    warm_s: float = 0


def encode(value: Job | DriverResult) -> str:
    """Return a job or a result as one line of JSON."""
    return json.dumps(asdict(value))


def decode_job(text: str) -> Job:
    """Return the job that ``encode`` was given."""
    fields = json.loads(text)
    workload = fields["workload"]
    sockets = workload["sockets"] and WebSockets(**workload["sockets"])
    changed = {
        "headers": _pairs(workload["headers"]),
        "sockets": sockets,
        "replay": workload["replay"] and _replay(workload["replay"]),
    }
    return Job(**{**fields, "workload": Workload(**{**workload, **changed})})


def decode_result(text: str) -> DriverResult:
    """Return the result that ``encode`` was given."""
    fields = json.loads(text)
    sockets = fields["sockets"] and WebSocketResult(**_decoded(fields["sockets"]))
    routes = tuple(_route_result(each) for each in fields["routes"])
    return DriverResult(**{**_decoded(fields), "sockets": sockets, "routes": routes})


def _replay(fields: dict[str, Any]) -> Replay:
    requests = tuple(TimedRequest(**each) for each in fields["requests"])
    return Replay(**{**fields, "requests": requests, "left_out": _pairs(fields["left_out"])})


def _route_result(fields: dict[str, Any]) -> RouteResult:
    latency = fields["latency"] and Latency(**fields["latency"])
    errors, changed = _pairs(fields["errors"]), _pairs(fields["changed"])
    return RouteResult(**{**fields, "latency": latency, "errors": errors, "changed": changed})


def _decoded(fields: dict[str, Any]) -> dict[str, Any]:
    latency = fields["latency"] and Latency(**fields["latency"])
    return {**fields, "latency": latency, "why": _pairs(fields["why"])}


def _pairs(given: list[list[Any]]) -> tuple[tuple[Any, ...], ...]:
    return tuple(map(tuple, given))

"""
What goes between a session and its driver: a job on stdin, what was seen on stdout, as JSON.

Before that the driver says ``BEGUN`` and ``OVER``, each on a line: what is between counts.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from django_tandem.bench.latency import Latency
from django_tandem.bench.measured import Driven, SocketRound
from django_tandem.bench.workload import Sockets, Workload

BEGUN, OVER = "begun", "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """
    What one run of the driver is to do: to ask ``url`` for so many ``seconds``.

    ``warm_s`` are seconds before, in which it asks the same and counts nothing.
    """

    url: str
    workload: Workload
    seconds: float
    warm_s: float = 0


def write(value: Job | Driven) -> str:
    """Write a job, or what was seen."""
    return json.dumps(asdict(value))


def read_job(text: str) -> Job:
    """Read what ``write`` made of a job."""
    given = json.loads(text)
    workload = given["workload"]
    sockets = workload["sockets"]
    read = {"headers": _pairs(workload["headers"]), "sockets": sockets and Sockets(**sockets)}
    return Job(**{**given, "workload": Workload(**{**workload, **read})})


def read_driven(text: str) -> Driven:
    """Read what ``write`` made of what was seen."""
    given = json.loads(text)
    sockets = given["sockets"]
    return Driven(**{**_seen(given), "sockets": sockets and SocketRound(**_seen(sockets))})


def _seen(given: dict[str, Any]) -> dict[str, Any]:
    latency = given["latency"]
    return {**given, "latency": latency and Latency(**latency), "why": _pairs(given["why"])}


def _pairs(given: list[list[Any]]) -> tuple[tuple[Any, ...], ...]:
    return tuple(map(tuple, given))

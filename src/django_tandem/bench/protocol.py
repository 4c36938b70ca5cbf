"""
Messages between the session and the driver: a job on its stdin, a result on its stdout, as JSON.

Between them the driver writes STARTED and FINISHED, each on a line: the seconds that count.
"""

import json
from dataclasses import asdict
from typing import Any

from django_tandem.bench.results import DriverResult, Latency, WebSocketResult
from django_tandem.bench.workload import Job, WebSockets, Workload

STARTED, FINISHED = "started", "finished"


def encode(value: Job | DriverResult) -> str:
    """Return a job or a result as one line of JSON."""
    return json.dumps(asdict(value))


def decode_job(text: str) -> Job:
    """Return the job that ``encode`` was given."""
    fields = json.loads(text)
    workload = fields["workload"]
    sockets = workload["sockets"] and WebSockets(**workload["sockets"])
    changed = {"headers": _pairs(workload["headers"]), "sockets": sockets}
    return Job(**{**fields, "workload": Workload(**{**workload, **changed})})


def decode_result(text: str) -> DriverResult:
    """Return the result that ``encode`` was given."""
    fields = json.loads(text)
    sockets = fields["sockets"] and WebSocketResult(**_decoded(fields["sockets"]))
    return DriverResult(**{**_decoded(fields), "sockets": sockets})


def _decoded(fields: dict[str, Any]) -> dict[str, Any]:
    latency = fields["latency"] and Latency(**fields["latency"])
    return {**fields, "latency": latency, "why": _pairs(fields["why"])}


def _pairs(given: list[list[Any]]) -> tuple[tuple[Any, ...], ...]:
    return tuple(map(tuple, given))

"""What the monitor of a stack answers."""

import http.client
import socket
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from harness.stack import Up
from system.monitor.counting_load import Counts

DURATIONS = "http_server_request_duration_seconds"


def get(run_dir: Path, target: str) -> str:
    connection = http.client.HTTPConnection("localhost", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(run_dir / "metrics.sock"))
    connection.request("GET", target)
    return connection.getresponse().read().decode()


def samples(up: Up) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Return the samples of the page by name."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(get(up.run_dir, "/metrics")):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def counted(up: Up) -> Counts:
    """Return the requests on the page."""
    found = Counts()
    for labels, value in samples(up).get(f"{DURATIONS}_count", []):
        key = labels["http_route"], labels["http_request_method"]
        found[*key, int(labels["http_response_status_code"])] += int(value)
    return found


def total(up: Up, name: str) -> float:
    return sum(value for _, value in samples(up).get(name, []))

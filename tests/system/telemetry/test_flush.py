"""A worker that ends exports what it has recorded, whichever server it is of."""

import socket
import time

import pytest
from servers.conftest import directory  # noqa: F401 - a fixture

from django_tandem import servers
from django_tandem.inprocess.telemetry import flush_s
from harness import master, server
from harness.master import GRACE_S

PARENT = "00f067aa0ba902b7"
# Nothing is exported but at the end.
LATE = {
    "OTEL_BSP_SCHEDULE_DELAY": "60000",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
}


def test_workers_of_the_shared_master_export_at_the_stop(collector, directory) -> None:  # noqa: F811
    """One span for each request, from both stacks."""
    variables = {**LATE, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    with master.serving(directory, asgi=1, wsgi=1, environment=variables) as running:
        before = list(collector.spans)
        for stack in ("wsgi", "asgi"):
            assert running.ask(stack, f"/process?of={stack}").status == 200
        assert collector.spans == before

        assert running.stop() == 0
    assert sorted((each.name, each.stack) for each in collector.spans[len(before) :]) == [
        ("GET process", "asgi"),
        ("GET process", "wsgi"),
    ]


@pytest.mark.timed
def test_a_collector_that_does_not_answer_delays_no_stop(directory) -> None:  # noqa: F811
    """The workers end before the limit at which they would be killed."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        # Of traces, metrics and logs.
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "60000"}
        with master.serving(directory, asgi=1, wsgi=1, environment=variables) as running:
            for stack in ("wsgi", "asgi"):
                running.ask(stack)
            began = time.monotonic()

            assert running.stop() == 0
            assert flush_s() <= time.monotonic() - began < GRACE_S


@pytest.mark.parametrize(
    "each", [*servers.WSGI_SERVERS, *servers.ASGI_SERVERS], ids=lambda s: f"{s.name}-{s.stack}"
)
def test_each_server_exports_at_the_stop(collector, directory, each) -> None:  # noqa: F811
    """Also one that forks after it has loaded the project, or ends without Python's exit."""
    variables = {**LATE, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    trace_id = f"{each.name}{each.stack}".encode().hex()[-32:].zfill(32)
    with server.serving(each, directory, environment=variables) as running:
        headers = {"X-Real-IP": "192.0.2.1", "traceparent": f"00-{trace_id}-{PARENT}-01"}
        assert running.ask(path="/plain", headers=headers).status == 200
        assert collector.of_trace(trace_id) == []
        running.stop()
    (span,) = collector.of_trace(trace_id)

    assert (span.stack, span.parent_id) == (each.stack, PARENT)

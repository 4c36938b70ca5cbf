"""The page of metrics is read by Prometheus' own tools and parsers."""

import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_text

from django_tandem.monitor.counters import RequestCounters, WorkerCounters
from django_tandem.monitor.prometheus import Measured, encode
from unit.monitor.measured import measured_stack

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
LABELS = (
    *("http_route", "side", "http_request_method", "http_response_status_code", "stack"),
    *("state", "to"),
    *("alias", "direction", "code", "outcome", "program", "le"),
)
REQUESTS = "http_server_request_duration_seconds"


@pytest.fixture
def measured() -> Measured:
    return measured_stack()


def samples(measured: Measured, accept: str) -> dict[tuple[str, ...], float]:
    body, content_type = encode(measured, accept)
    parse_page = parse_open if content_type.startswith("application/openmetrics") else parse_text
    return {
        (
            sample.name,
            *(sample.labels[name] for name in LABELS if name in sample.labels),
        ): sample.value
        for family in parse_page(body.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize("accept", ["", OPEN_METRICS], ids=["text", "OpenMetrics"])
def test_each_metric_is_on_the_page(measured, accept) -> None:
    """In both formats, by the same names."""
    found = samples(measured, accept)

    assert found[f"{REQUESTS}_count", "/shop/", "GET", "200", "wsgi"] == 3
    assert found[f"{REQUESTS}_bucket", "/shop/", "GET", "200", "wsgi", "0.05"] == 2
    assert found[f"{REQUESTS}_bucket", "/shop/", "GET", "200", "wsgi", "+Inf"] == 3
    assert found[f"{REQUESTS}_sum", "/shop/", "GET", "200", "wsgi"] == pytest.approx(20.034)
    rest = {key: value for key, value in found.items() if key[0].startswith("tandem_")}
    assert {key: value for key, value in rest.items() if "queue_seconds" not in key[0]} == {
        ("tandem_request_cpu_seconds_total", "/shop/", "wsgi"): pytest.approx(0.012),
        ("tandem_request_cpu_seconds_total", '/odd"\\n/', "asgi"): 0.004,
        ("tandem_handovers_total", '/odd"\\n/', "asgi"): 1,
        ("tandem_queue_length", "wsgi"): 3,
        ("tandem_queue_limit", "wsgi"): 64,
        ("tandem_workers", "asgi", "busy"): 1,
        ("tandem_workers", "asgi", "idle"): 1,
        ("tandem_workers", "wsgi", "busy"): 0,
        ("tandem_workers", "wsgi", "idle"): 1,
        ("tandem_event_loop_lag_seconds",): 0.25,
        ("tandem_threads", "idle"): 5,
        ("tandem_threads", "busy"): 3,
        ("tandem_threads", "overflow"): 1,
        ("tandem_thread_queue_length",): 2,
        ("tandem_database_connections", "default"): 3,
        ("tandem_websocket_connections", "/ws/"): 4,
        ("tandem_websocket_messages_total", "received"): 5,
        ("tandem_websocket_messages_total", "sent"): 6,
        ("tandem_websocket_closes_total", "1001"): 2,
        ("tandem_websocket_mailbox_length",): 7,
        ("tandem_websocket_mailbox_dropped_total",): 8,
        ("tandem_websocket_slow_clients_total",): 9,
        ("tandem_streams", "/events/"): 2,
        ("tandem_stream_ends_total", "left"): 1,
        ("tandem_generation",): 2,
        ("tandem_reloads_total",): 1,
        ("tandem_restarts_total", "nginx"): 1,
        ("tandem_memory_pss_bytes", "nginx"): 1e6,
        ("tandem_monitor_lines_lost_total",): 4,
        ("tandem_monitor_shared_routes",): 5,
        ("tandem_shift_percent", "/reports/", "asgi"): 5,
        ("tandem_shift_rolled_back", "/reports/", "asgi"): 0,
        ("tandem_shift_step_requests", "/reports/", "trial", "asgi"): 9,
        ("tandem_shift_step_requests", "/reports/", "home", "wsgi"): 0,
        ("tandem_shift_step_failed_requests", "/reports/", "trial", "asgi"): 1,
        ("tandem_shift_step_failed_requests", "/reports/", "home", "wsgi"): 0,
        ("tandem_shift_step_p95_seconds", "/reports/", "trial", "asgi"): 0.25,
    }


@pytest.mark.processes
def test_promtool_finds_no_fault_in_the_page(measured) -> None:
    """Neither in its format nor in its names."""
    body, _ = encode(measured, "")

    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=body, capture_output=True, check=False
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_a_client_that_accepts_openmetrics_gets_it(measured) -> None:
    """Prometheus does; the text format has no end mark."""
    body, content_type = encode(measured, OPEN_METRICS)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")

    body, content_type = encode(measured, "*/*")
    assert content_type.startswith("text/plain; version=0.0.4")
    assert b"# EOF" not in body


def test_a_stack_without_a_request_has_a_page() -> None:
    """Its gauges are there."""
    empty = Measured(requests=RequestCounters(), workers=WorkerCounters())

    assert samples(empty, OPEN_METRICS)["tandem_generation",] == 0

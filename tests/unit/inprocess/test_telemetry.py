"""When OpenTelemetry's SDK starts, and what it exports to."""

import pytest
from opentelemetry.instrumentation.dependencies import DependencyConflict, DependencyConflictError
from opentelemetry.util import _importlib_metadata

from builders import plan
from django_tandem.inprocess import telemetry

COLLECTOR = "http://127.0.0.1:4318"


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for signal in telemetry.SIGNALS:
        monkeypatch.delenv(f"OTEL_{signal}_EXPORTER", raising=False)


@pytest.mark.parametrize(
    ("variables", "is_wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "shop"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": COLLECTOR}, True),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": COLLECTOR}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "True"}, False),
    ],
)
def test_an_exporter_in_the_environment_starts_it(monkeypatch, variables, is_wanted) -> None:
    """As OpenTelemetry's specification has the variables."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert telemetry.is_wanted() is is_wanted


def test_a_signal_without_an_endpoint_is_not_exported(monkeypatch) -> None:
    """It would go to a collector on this machine that may not be there."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", COLLECTOR)
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "console")

    assert telemetry.exporters() == {
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "console",
    }


@pytest.mark.parametrize(
    ("given", "expected"), [("", None), ("service.instance.id=pod-7", "pod-7-7")]
)
def test_the_id_of_an_instance_is_unique_to_the_worker(monkeypatch, given, expected) -> None:
    """Two workers of a pod that names one would overwrite each other's metrics."""
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", f"deployment.environment=test,{given}")
    monkeypatch.setattr(telemetry.os, "getpid", lambda: 7)
    first, second = telemetry._resource("wsgi"), telemetry._resource("wsgi")

    assert first["tandem.stack"] == "wsgi"
    ids = (first["service.instance.id"], second["service.instance.id"])
    assert ids == (expected, expected) if expected else ids[0] != ids[1]


class Instrumentor:
    """An entry point of a library's instrumentation, and what it loads."""

    def __init__(self, name, error=None, *, is_instrumented_by_opentelemetry=False):
        self.name, self.error = name, error
        self.is_instrumented_by_opentelemetry = is_instrumented_by_opentelemetry
        self.calls = 0

    def load(self):
        return lambda: self

    def instrument(self, **_):
        self.calls += 1
        if self.error is not None:
            raise self.error


def test_each_installed_library_is_instrumented_once(monkeypatch, caplog) -> None:
    """Not those of requests, nor a disabled one; a failure is named, and the others follow."""
    missing = DependencyConflictError(DependencyConflict("psycopg >= 3", None))
    entries = [
        Instrumentor("django"),
        Instrumentor("requests"),
        Instrumentor("redis", is_instrumented_by_opentelemetry=True),
        Instrumentor("psycopg", missing),
        Instrumentor("celery", RuntimeError("no broker")),
        Instrumentor("httpx"),
    ]
    monkeypatch.setattr(_importlib_metadata, "entry_points", lambda group: entries)
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "requests, urllib3")
    telemetry._instrument_libraries()

    calls = {each.name: each.calls for each in entries}
    assert calls == {
        "django": 0,
        "requests": 0,
        "redis": 0,
        "psycopg": 1,
        "celery": 1,
        "httpx": 1,
    }
    assert [each.getMessage() for each in caplog.records] == [
        "OpenTelemetry can't instrument celery: no broker"
    ]


@pytest.mark.parametrize(("stop_s", "expected"), [(2, 0.25), (8, 1.0), (30, 2.0)])
def test_a_flush_leaves_half_of_the_exit_to_the_project(monkeypatch, stop_s, expected) -> None:
    """A worker that takes longer is killed, before the project's own exit handlers run."""
    variables = dict(plan(tandem={"STOP_S": stop_s}).processes[1].environment)
    monkeypatch.delenv("TANDEM_EXIT_S", raising=False)
    if given := variables.get("TANDEM_EXIT_S"):
        monkeypatch.setenv("TANDEM_EXIT_S", given)

    assert telemetry.flush_s() == expected

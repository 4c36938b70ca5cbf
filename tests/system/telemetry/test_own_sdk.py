"""A project that starts OpenTelemetry itself keeps what it has started."""

import pytest
from servers.conftest import directory  # noqa: F401 - a fixture

from harness import master

GUNICORN = """
def post_fork(server, worker):
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"of": "the project"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
"""


@pytest.mark.parametrize("instruments", [True, False])
def test_a_provider_that_is_set_after_the_fork_stays(collector, directory, instruments) -> None:  # noqa: F811
    """With the project's own instrumentation and no other; the project is loaded once."""
    (directory / "own.py").write_text(GUNICORN)
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    if instruments:
        variables["INSTRUMENTS"] = "1"
    before = len(collector.spans)
    with master.serving(
        directory,
        asgi=1,
        wsgi=1,
        environment=variables,
        wsgi_args=(f"--config={directory / 'own.py'}",),
    ) as running:
        for stack in ("wsgi", "asgi"):
            assert running.ask(stack).status == 200
        assert running.imports == [str(running.process.pid)]
        assert running.stop() == 0

    spans = collector.spans[before:]
    assert [each.name for each in spans] == (["GET process"] * 2 if instruments else [])
    assert all(each.resource["of"] == "the project" for each in spans)


def test_a_project_that_only_instruments_has_the_sdk_started(collector, directory) -> None:  # noqa: F811
    """Its own middleware makes the one span of a request on each stack."""
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "INSTRUMENTS": "1"}
    before = len(collector.spans)
    with master.serving(directory, asgi=1, wsgi=1, environment=variables) as running:
        for stack in ("wsgi", "asgi"):
            assert running.ask(stack).status == 200
        assert running.stop() == 0

    spans = collector.spans[before:]
    assert sorted((each.name, each.stack) for each in spans) == [
        ("GET process", "asgi"),
        ("GET process", "wsgi"),
    ]


def test_a_provider_that_is_set_at_the_import_stays(collector, directory) -> None:  # noqa: F811
    """Each worker loads the project, as its thread does not survive a fork; ours starts nothing."""
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "LEFTOVER": "opentelemetry"}
    before = list(collector.spans)
    with master.serving(
        directory, asgi=1, wsgi=1, environment=variables, may_fork=False
    ) as running:
        for stack in ("wsgi", "asgi"):
            assert running.ask(stack).status == 200
        assert "OtelBatchSpanRecordProcessor" in running.log()
        assert running.stop() == 0

    assert collector.spans == before

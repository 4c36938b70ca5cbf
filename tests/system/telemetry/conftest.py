"""One stack for the tests of all SDKs, with the collector that they export to."""

import tempfile
from pathlib import Path

import pytest

from harness.collector import collecting
from harness.stack import Up
from telemetry import site


@pytest.fixture(scope="package")
def collector():
    with collecting() as running:
        yield running


@pytest.fixture(scope="package")
def stack(collector):
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_METRICS_EXPORTER": "none",
        "SENTRY_DSN": collector.dsn,
    }
    with (
        tempfile.TemporaryDirectory(prefix="tandem-") as directory,
        Up(site.make(Path(directory)), environment=variables) as running,
    ):
        yield running

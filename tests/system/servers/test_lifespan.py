"""A project's lifespan is run by every server that has one to run."""

import pytest

from django_tandem.servers import ASGI_SERVERS
from harness.server import serving
from servers.conftest import title

PROJECT = {"TANDEM_ASGI_APPLICATION": "project.lifespan.application"}


@pytest.mark.parametrize("server", ASGI_SERVERS, ids=title)
def test_a_project_with_a_lifespan_has_it_run(server, directory):
    """Startup and shutdown reach the project; Daphne knows nothing of them."""
    with serving(server, directory, environment=PROJECT) as running:
        running.stop()

    record = directory / "lifespan"
    received = record.read_text().split() if record.exists() else []
    assert received == (
        [] if server.name == "daphne" else ["lifespan.startup", "lifespan.shutdown"]
    )


@pytest.mark.parametrize("server", ASGI_SERVERS, ids=title)
def test_a_project_without_one_starts_without_a_complaint(server, directory):
    """Channels rejects the scope, and the log does not mention it."""
    with serving(server, directory) as running:
        running.stop()

    assert "ifespan" not in running.log
    assert "Traceback" not in running.log

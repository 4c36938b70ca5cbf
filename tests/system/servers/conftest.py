import tempfile
from pathlib import Path

import pytest

from django_tandem.servers import ASGI_SERVERS, WSGI_SERVERS
from harness.server import serving

EVERY_SERVER = (*WSGI_SERVERS, *ASGI_SERVERS)


def title(server):
    return f"{server.name}-{server.stack}"


@pytest.fixture
def directory():
    """A directory whose path is short enough for a socket's."""
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        yield Path(path)


@pytest.fixture(params=EVERY_SERVER, ids=title)
def server(request):
    """Each server of each stack."""
    return request.param


@pytest.fixture(scope="module", params=EVERY_SERVER, ids=title)
def running(request):
    """Each server of each stack, running with two workers, a run directory and a log in JSON."""
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        environment = {
            "TANDEM_LOG_FORMAT": "json",
            "TANDEM_RUN_DIR": path,
            "TANDEM_GENERATION": "1",
        }
        with serving(request.param, Path(path), workers=2, environment=environment) as started:
            yield started

"""In development each stack serves the apps' static files, as runserver does."""

import pytest

from django_tandem.servers import ASGI_SERVERS, WSGI_SERVERS
from harness.server import serving
from servers.conftest import title

# What the edge sends, so that the entry point normalizes the request.
EDGE = {"X-Real-IP": "10.0.0.1"}.items()
BOTH = pytest.mark.parametrize("server", [WSGI_SERVERS[0], ASGI_SERVERS[0]], ids=title)


def status(server, directory, **environment):
    with serving(server, directory, environment=environment) as running:
        return running.ask(path="/static/plain.css").status


@BOTH
def test_a_project_in_debug_serves_its_static_files(directory, server):
    """On ASGI for a catch-all on ASGI, which the edge knows and the files it does not."""
    assert status(server, directory, TANDEM_STATIC="1", PROJECT_DEBUG="1") == 200


@pytest.mark.parametrize("environment", [{"TANDEM_STATIC": "1"}, {"PROJECT_DEBUG": "1"}])
@BOTH
def test_another_does_not(directory, server, environment):
    """Neither without DEBUG, nor unasked."""
    assert status(server, directory, **environment) == 404


@BOTH
@pytest.mark.parametrize("static_url", ["static/", "/app/static/"])
def test_static_files_below_a_script_name_are_served(directory, server, static_url):
    """With the prefix and without it, as a proxy may strip it."""
    environment = {
        "TANDEM_STATIC": "1",
        "PROJECT_DEBUG": "1",
        "PROJECT_SCRIPT_NAME": "/app",
        "PROJECT_STATIC_URL": static_url,
    }

    with serving(server, directory, environment=environment) as running:
        for path in ("/static/plain.css", "/app/static/plain.css"):
            assert running.ask(path=path, headers=EDGE).status == 200, path


@BOTH
def test_a_urlconf_reads_media_url_with_the_script_name(directory, server):
    """Django keeps the value that is read first, and the URLconf is imported before a request."""
    environment = {"PROJECT_SCRIPT_NAME": "/app"}

    with serving(server, directory, environment=environment) as running:
        assert running.ask(path="/media-url", headers=EDGE).body == b"/app/media/"

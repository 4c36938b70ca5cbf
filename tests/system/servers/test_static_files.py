"""In development the WSGI stack serves the apps' static files, as runserver does."""

import pytest

from django_tandem.servers import ASGI_SERVERS, WSGI_SERVERS
from harness.server import serving
from servers.conftest import title

# What the edge sends, so that the entry point normalizes the request.
EDGE = {"X-Real-IP": "10.0.0.1"}.items()


def status(directory, **environment):
    with serving(WSGI_SERVERS[0], directory, environment=environment) as running:
        return running.ask(path="/static/plain.css").status


def test_a_project_in_debug_serves_its_static_files(directory):
    """As the plan decides."""
    assert status(directory, TANDEM_STATIC="1", PROJECT_DEBUG="1") == 200


@pytest.mark.parametrize("environment", [{"TANDEM_STATIC": "1"}, {"PROJECT_DEBUG": "1"}])
def test_another_does_not(directory, environment):
    """Neither without DEBUG, nor unasked."""
    assert status(directory, **environment) == 404


@pytest.mark.parametrize("static_url", ["static/", "/app/static/"])
@pytest.mark.parametrize("path", ["/static/plain.css", "/app/static/plain.css"])
def test_static_files_below_a_script_name_are_served(directory, static_url, path):
    """With the prefix and without it, as a proxy may strip it."""
    environment = {
        "TANDEM_STATIC": "1",
        "PROJECT_DEBUG": "1",
        "PROJECT_SCRIPT_NAME": "/app",
        "PROJECT_STATIC_URL": static_url,
    }

    with serving(WSGI_SERVERS[0], directory, environment=environment) as running:
        assert running.ask(path=path, headers=EDGE).status == 200


@pytest.mark.parametrize("server", [WSGI_SERVERS[0], ASGI_SERVERS[0]], ids=title)
def test_a_urlconf_reads_media_url_with_the_script_name(directory, server):
    """Django keeps the value that is read first, and the URLconf is imported before a request."""
    environment = {"PROJECT_SCRIPT_NAME": "/app"}

    with serving(server, directory, environment=environment) as running:
        assert running.ask(path="/media-url", headers=EDGE).body == b"/app/media/"

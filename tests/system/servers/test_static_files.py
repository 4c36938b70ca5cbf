"""In development the WSGI stack serves the apps' static files, as runserver does."""

import pytest

from django_tandem.servers import WSGI_SERVERS
from harness.server import serving


def status(directory, **environment):
    with serving(WSGI_SERVERS[0], directory, environment=environment) as running:
        return running.ask(path="/static/plain.css").status


def test_a_project_in_debug_serves_its_static_files(directory):
    """Once the plan asks for it."""
    assert status(directory, TANDEM_STATIC="1", PROJECT_DEBUG="1") == 200


@pytest.mark.parametrize("environment", [{"TANDEM_STATIC": "1"}, {"PROJECT_DEBUG": "1"}])
def test_another_does_not(directory, environment):
    """Neither without DEBUG, nor unasked."""
    assert status(directory, **environment) == 404

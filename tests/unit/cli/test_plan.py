"""`tandem plan` of a real project: thread switches, hidden coroutines, errors."""

import json

import pytest
from cli.json_page import documented_keys

from django_tandem.cli.plan import admission
from django_tandem.model import ConnectionAges, ConnectionLimits
from harness.projects import startproject
from harness.stack import tandem

pytestmark = pytest.mark.processes

URLS = """
import asyncio
import functools

from django.http import HttpResponse
from django.urls import path


def hidden(view):
    @functools.wraps(view)
    def inner(request):
        return asyncio.run(view(request))
    return inner


async def waits(request):
    return HttpResponse("waited")


urlpatterns = [path("waits/", waits), path("hidden/", hidden(waits))]
"""

CHATTY = """
import sys

print("settings of production")
LOGGING = {
    "version": 1,
    "handlers": {"out": {"class": "logging.StreamHandler", "stream": sys.stdout}},
    "loggers": {"mysite": {"handlers": ["out"], "level": "DEBUG"}},
}
"""

LAYERED = """
from django.core.asgi import get_asgi_application

inner = get_asgi_application()


async def application(scope, receive, send):
    await inner(scope, receive, send)
"""


@pytest.fixture
def project(tmp_path):
    (startproject(tmp_path) / "mysite" / "urls.py").write_text(URLS)
    return tmp_path


def test_the_thread_switches_and_the_wrapper_are_listed(project) -> None:
    """None for the seven middleware of a fresh project; the wrapper by its file and line."""
    done = tandem(project, "plan")

    assert "a synchronous wrapper over an async view (mysite/urls.py:10)" in done.stdout
    assert "Each request on ASGI takes no thread switches.\n" in done.stdout


def test_djangos_own_handler_is_listed_with_its_thread_switches(project) -> None:
    """Where the application is wrapped by a function of the project."""
    (project / "mysite" / "asgi.py").write_text(LAYERED)

    assert (
        "Each request on ASGI takes 15 thread switches with Django's own handler (see W009): "
        "SecurityMiddleware 2, SessionMiddleware 2, CommonMiddleware 2, CsrfViewMiddleware 3, "
        "AuthenticationMiddleware 1, MessageMiddleware 2, XFrameOptionsMiddleware 1, "
        "Django itself 2.\n"
    ) in tandem(project, "plan").stdout


def test_the_json_has_the_thread_switches_of_each_route(project) -> None:
    """The note explains the wrapper."""
    waits, hidden = json.loads(tandem(project, "plan", "--json").stdout)

    assert waits.keys() == hidden.keys() == documented_keys("tandem plan")[0]

    assert (waits["stack"], waits["hops"], len(waits["middleware"])) == ("asgi", 0, 0)
    assert (hidden["stack"], hidden["hops"], hidden["middleware"]) == ("wsgi", None, [])
    assert waits["note"] == ""
    assert hidden["note"] == (
        "Django never awaits this view: its wrapper, at mysite/urls.py:10, is not async itself."
    )


def test_a_middleware_that_can_not_be_imported_is_one_sentence(project) -> None:
    """Without an asgi.py nothing has imported it before."""
    (project / "mysite" / "asgi.py").unlink()
    settings = project / "mysite" / "settings.py"
    settings.write_text(f'{settings.read_text()}MIDDLEWARE += ["mysite.nothing.Here"]\n')
    done = tandem(project, "plan")

    assert done.returncode == 2
    assert done.stderr.startswith(
        'The middleware "mysite.nothing.Here" can\'t be imported: '
        "ModuleNotFoundError: No module named 'mysite.nothing'\n"
    )


@pytest.mark.parametrize(
    ("ages", "rest"),
    [
        (ConnectionAges(), ""),
        (ConnectionAges(websockets_s=43_200), "; WebSockets end after at most 12 h 0 min"),
        (ConnectionAges(streams_s=90), "; event streams end after at most 1 min 30 s"),
    ],
)
def test_the_bounds_of_an_asgi_process_are_a_sentence(ages, rest) -> None:
    """Those that are set, and what "auto" came to."""
    limits = ConnectionLimits(websockets=2048, streams=5, ages=ages)

    assert admission(limits) == (
        f"Each ASGI process takes at most 2048 WebSockets and 5 event streams{rest}."
    )


LAYER = """
import os
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [os.environ.get("REDIS_URL", "redis://127.0.0.1:1")]},
    },
}
TANDEM = {"PEERS": {"WSGI": ["127.0.0.1:9000"], "ASGI": ["127.0.0.1:9001"]}}
"""


def test_a_host_of_one_role_starts_no_redis(project) -> None:
    """So that the plan does not announce one."""
    with (project / "mysite" / "settings.py").open("a") as file:
        file.write(LAYER)

    whole, edge = tandem(project, "plan"), tandem(project, "plan", "--role", "edge")

    note = "REDIS_URL is not set, so `tandem up` starts a Valkey for CHANNEL_LAYERS."
    assert (whole.returncode, edge.returncode) == (0, 0)
    assert note in whole.stderr
    assert "REDIS_URL" not in edge.stderr


@pytest.mark.parametrize("command", [("plan", "--json"), ("explain", "/waits/", "--json")])
def test_what_the_project_prints_is_not_in_the_result(project, command) -> None:
    """Neither by its settings, nor by a log handler for stdout that they make."""
    with (project / "mysite" / "settings.py").open("a") as settings:
        settings.write(CHATTY)
    with (project / "mysite" / "urls.py").open("a") as urls:
        urls.write('\nimport logging\nlogging.getLogger("mysite").info("urls are imported")\n')
    done = tandem(project, *command)

    assert json.loads(done.stdout)
    assert "settings of production\n" in done.stderr
    assert "urls are imported\n" in done.stderr


def test_status_prints_nothing_of_the_project_beside_its_result(project) -> None:
    """It imports the settings alone."""
    with (project / "mysite" / "settings.py").open("a") as settings:
        settings.write(CHATTY)
    done = tandem(project, "status", "--json")

    assert (done.returncode, done.stdout) == (1, "")
    assert "settings of production\n" in done.stderr

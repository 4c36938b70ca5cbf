"""Each stock server starts alone as its documentation says, and serves the project."""

import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from builders import plan, verdict
from django_tandem.bench.launch import free_address
from django_tandem.bench.topology import STOCK, alone, application_of
from django_tandem.model import Plan, Process, Stack
from django_tandem.servers import SERVERS
from django_tandem.servers.standalone import ARGV
from harness.client import wait_for
from harness.projects import startproject

EVERY_SERVER = [
    pytest.param(stack, name, id=f"{name}-{stack}")
    for stack, commands in ARGV.items()
    for name in commands
]
URLS = """
from django.http import HttpResponse
from django.urls import path


def stack(request):
    return HttpResponse(type(request).__name__)


urlpatterns = [path("", stack)]
"""
REQUESTS = {Stack.WSGI: "WSGIRequest", Stack.ASGI: "ASGIRequest"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    made = startproject(tmp_path_factory.mktemp("alone"))
    (made / "mysite" / "urls.py").write_text(URLS)
    return made


def _plan(directory: Path | str = "/srv/project", *, tandem: dict | None = None, **changes) -> Plan:
    names = {"wsgi": "mysite.wsgi.application", "asgi": "mysite.asgi.application", **changes}
    return plan(
        verdict("/"),
        verdict("/async/", Stack.ASGI),
        tandem={
            "BIND": free_address(),
            "WSGI": {"WORKERS": 2},
            "ASGI": {"WORKERS": 1},
            **(tandem or {}),
        },
        directory=str(directory),
        settings_module="mysite.settings",
        **names,
    )


def _server(given: Plan) -> Process:
    (found,) = (each for each in given.processes if each.name == "server")
    return found


@contextmanager
def _running(process: Process, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        started = subprocess.Popen(
            process.argv,
            cwd=process.directory,
            env=os.environ | dict(process.environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield started
    finally:
        # Its workers may outlive it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def _answer(url: str, started: subprocess.Popen[bytes], log: Path) -> str:
    assert started.poll() is None, log.read_text()
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.read().decode()
    except OSError:
        return ""


@pytest.mark.parametrize(("stack", "name"), EVERY_SERVER)
def test_each_server_serves_and_stops(stack, name, directory, tmp_path) -> None:
    """On a TCP port, with the project's own application."""
    _assert_answers(alone(_plan(directory), stack, name, workers=1), stack, tmp_path / "log")


@pytest.mark.parametrize(
    ("stack", "name"), [(Stack.WSGI, "gunicorn"), (Stack.ASGI, "uvicorn")], ids=["wsgi", "asgi"]
)
def test_djangos_application_is_the_default(stack, name, directory, tmp_path) -> None:
    """For a project without WSGI_APPLICATION or ASGI_APPLICATION."""
    given = _plan(directory, wsgi=None, asgi=None)
    _assert_answers(alone(given, stack, name, workers=1), stack, tmp_path / "log")


def _assert_answers(given: Plan, stack: Stack, log: Path) -> None:
    with _running(_server(given), log) as started:
        url = f"http://{given.edge.binds[0]}/"
        assert wait_for(lambda: _answer(url, started, log), within_s=60) == REQUESTS[stack]
        started.terminate()
        started.wait(30)


def test_each_server_of_the_settings_has_a_command() -> None:
    """So that it can be measured alone."""
    for stack, servers in SERVERS.items():
        assert {server.name for server in servers} <= set(ARGV[stack])


@pytest.mark.parametrize(("stack", "name"), EVERY_SERVER)
def test_no_command_uses_a_shell(stack, name) -> None:
    """The directory's name is never interpreted."""
    argv = _server(alone(_plan("/srv/my $(site)"), stack, name)).argv

    assert Path(argv[0]).parent == Path(sys.executable).parent
    assert {"sh", "-c", "bash"}.isdisjoint(argv)
    assert not any("$(" in word for word in argv)


@pytest.mark.parametrize(("stack", "name"), EVERY_SERVER)
def test_it_has_as_many_processes_as_both_stacks(stack, name) -> None:
    """Except a server that is always one process."""
    process = _server(alone(_plan(), stack, name))
    many = "3 threads" if name == "waitress" else "3 processes"
    expected = "1 process" if name == "daphne" else many

    assert process.description == f"{name}, {expected}"
    assert f"{process.kinds[0].workers} " == expected[:2]


@pytest.mark.parametrize("shared", [True, False], ids=["master", "apart"])
def test_the_edge_and_the_stacks_are_left_out(shared) -> None:
    """The project's other processes stay."""
    programs = {"celery": ["celery", "worker"]}
    whole = _plan(tandem={"SHARED_MASTER": shared, "PROGRAMS": programs})
    left = alone(whole, Stack.ASGI, "uvicorn")

    stacks = {"master"} if shared else {"wsgi", "asgi"}
    assert {each.name for each in whole.processes} == {"monitor", "nginx", "celery", *stacks}
    assert {each.name for each in left.processes} == {"celery", "server"}


def test_the_application_is_the_projects_or_djangos() -> None:
    """As `module:attribute`."""
    assert application_of(_plan(), Stack.ASGI) == "mysite.asgi:application"
    assert application_of(_plan(asgi=None), Stack.ASGI) == STOCK[Stack.ASGI]

"""The project, loaded once for the workers of both stacks that are forked from this process."""

import importlib
import os
import sys
from collections.abc import Collection
from dataclasses import dataclass
from wsgiref.types import WSGIApplication

from django_tandem import environment, garbage, priority
from django_tandem.handler.protocol import Application
from django_tandem.inprocess import channel_layers, first_request, telemetry
from django_tandem.inprocess.asgi_layers import add_asgi_layers, load_asgi
from django_tandem.inprocess.process_start import prepare_process
from django_tandem.inprocess.startup_failures import record_startup_failure
from django_tandem.inprocess.wsgi_layers import add_wsgi_layers, load_wsgi
from django_tandem.model import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedProject:
    """
    The applications, without our layers: those belong to one process, and are made in it.

    One is None where this process serves the other stack alone.

    ``obstacle`` says why the workers of one stack should not have what the other has loaded, as a
    sentence without its end; empty if they may.
    """

    wsgi: WSGIApplication | None
    asgi: Application | None
    obstacle: str = ""


@garbage.collected_rarely()
@priority.yielding_cpus()
def load_project(stacks: Collection[Stack] = tuple(Stack)) -> SharedProject:
    """Load the project's applications of ``stacks``, and what their servers import later."""
    prepare_process()
    wsgi = asgi = None
    if Stack.WSGI in stacks:
        with record_startup_failure(Stack.WSGI):
            wsgi = load_wsgi()
    before = dict(os.environ)
    if Stack.ASGI in stacks:
        with record_startup_failure(Stack.ASGI):
            asgi = load_asgi()
            channel_layers.import_backends()
    telemetry.import_modules()
    # What one module changes can contradict only the other stack.
    obstacle = _patches() or (_contradiction(before) if wsgi and asgi else "")
    if not obstacle:
        first_request.prepare()
    return SharedProject(wsgi=wsgi, asgi=asgi, obstacle=obstacle)


def _patches() -> str:
    """Return which module runs threads as greenlets, on which no event loop runs."""
    # Both were imported by the project, or are not there.
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    if gevent is not None and gevent.is_module_patched("threading"):
        library = "gevent"
    elif eventlet is not None and eventlet.is_monkey_patched("thread"):
        library = "eventlet"
    else:
        return ""
    module = _module(environment.WSGI_APPLICATION, Stack.WSGI)
    return (
        f"The module {module} patches the standard library by {library} when the project is loaded"
    )


def _module(variable: str, stack: Stack) -> str:
    return (os.environ.get(variable) or f"{stack}.application").rpartition(".")[0]


def _contradiction(before: dict[str, str]) -> str:
    """Return which variable the ASGI module changes that the WSGI workers have without it."""
    now = dict(os.environ)
    changed = sorted(name for name in before.keys() | now if before.get(name) != now.get(name))
    if not changed:
        return ""
    module = _module(environment.ASGI_APPLICATION, Stack.ASGI)
    return f"The module {module} changes the variable {changed[0]} when the project is loaded"


def application_of_worker(project: SharedProject, stack: Stack) -> object:
    """Return the loaded application of ``stack`` in our layers, for the worker that runs this."""
    with record_startup_failure(stack):
        telemetry.start(stack)
        if project.wsgi is not None and stack is Stack.WSGI:
            return add_wsgi_layers(project.wsgi)
        assert project.asgi is not None  # noqa: S101 - the stack was loaded
        return add_asgi_layers(project.asgi)


def import_entry_point(stack: Stack) -> object:
    """Load the project separately in a worker, and return its application in our layers."""
    return importlib.import_module(f"django_tandem.inprocess.{stack}_application").application

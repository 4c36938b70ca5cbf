"""Servers as people run them with no edge before them: on a TCP port, the stock application."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath

from django_tandem import servers
from django_tandem.model import Bind, Plan, Process, Stack
from django_tandem.runtime.edge import EDGE
from django_tandem.servers.gunicorn import GUNICORN

GRACE_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What a server is told: ``application`` is ``module:attribute``."""

    python: str
    application: str
    bind: Bind
    workers: int


# A server's command line.
Command = Callable[[Launch], tuple[str, ...]]


def _gunicorn(launch: Launch) -> tuple[str, ...]:
    return _served(launch, "gunicorn", f"--bind={launch.bind}", _workers(launch))


def _gunicorn_asgi(launch: Launch) -> tuple[str, ...]:
    bind = f"--bind={launch.bind}"
    return _served(launch, "gunicorn", bind, _workers(launch), "--worker-class=asgi")


def _uwsgi(launch: Launch) -> tuple[str, ...]:
    program = str(PurePath(launch.python).with_name("uwsgi"))
    lasting = ("--master", "--need-app", "--die-on-term", "--disable-logging")
    return (
        *(program, f"--py-programname={launch.python}", f"--http={launch.bind}"),
        *(f"--processes={launch.workers}", *lasting, f"--module={launch.application}"),
    )


def _waitress(launch: Launch) -> tuple[str, ...]:
    return _served(launch, "waitress", f"--listen={launch.bind}", f"--threads={launch.workers}")


def _uvicorn(launch: Launch) -> tuple[str, ...]:
    quiet = ("--no-access-log", "--log-level=warning", f"--timeout-graceful-shutdown={GRACE_S}")
    return _served(launch, "uvicorn", *_address(launch), _workers(launch), *quiet)


def _daphne(launch: Launch) -> tuple[str, ...]:
    # At its usual verbosity it writes a line for each request, which no other here does.
    address = (f"--bind={launch.bind.host}", f"--port={launch.bind.port}")
    return _served(launch, "daphne", *address, "--verbosity=0")


def _hypercorn(launch: Launch) -> tuple[str, ...]:
    return _served(launch, "hypercorn", f"--bind={launch.bind}", _workers(launch))


def _granian(interface: str) -> Command:
    def argv(launch: Launch) -> tuple[str, ...]:
        return _served(
            launch, "granian", f"--interface={interface}", *_address(launch), _workers(launch)
        )

    return argv


def _served(launch: Launch, name: str, *options: str) -> tuple[str, ...]:
    return (launch.python, "-m", name, *options, launch.application)


def _address(launch: Launch) -> tuple[str, ...]:
    return (f"--host={launch.bind.host}", f"--port={launch.bind.port}")


def _workers(launch: Launch) -> str:
    return f"--workers={launch.workers}"


# By the names that the settings take, and Gunicorn's worker for ASGI.
COMMANDS: Mapping[Stack, Mapping[str, Command]] = {
    Stack.WSGI: {
        "gunicorn": _gunicorn,
        "uwsgi": _uwsgi,
        "waitress": _waitress,
        "granian": _granian("wsgi"),
    },
    Stack.ASGI: {
        "uvicorn": _uvicorn,
        "daphne": _daphne,
        "hypercorn": _hypercorn,
        "granian": _granian("asginl"),
        "gunicorn": _gunicorn_asgi,
    },
}
# What stands in for an application that the project does not name, as Django's own templates do.
STOCK = {
    Stack.WSGI: "django_tandem.bench.stock_wsgi:application",
    Stack.ASGI: "django_tandem.bench.stock_asgi:application",
}


def application_of(plan: Plan, stack: Stack) -> str:
    """Return the project's own application of that stack, as ``module:attribute``."""
    dotted = plan.project.wsgi if stack is Stack.WSGI else plan.project.asgi
    return ":".join(dotted.rsplit(".", 1)) if dotted else STOCK[stack]


def alone(
    plan: Plan, stack: Stack, server: str, *, application: str | None = None, workers: int = 0
) -> Plan:
    """
    Return ``plan`` with one server in the place of the edge and the stacks.

    It gets as many processes as both stacks have, unless ``workers`` says otherwise. What the
    project has beside its servers stays.
    """
    served = [process for process in plan.processes if process.stack is not None]
    wanted = workers or sum(process.workers for process in served)
    # The one that has a worker for each stack is a WSGI server to tandem.
    known = GUNICORN if server == GUNICORN.name else servers.find(stack, server)
    launch = Launch(
        python=sys.executable,
        application=application or application_of(plan, stack),
        bind=plan.edge.binds[0],
        workers=1 if known.one_process and stack is Stack.ASGI else wanted,
    )
    process = Process(
        name="server",
        argv=COMMANDS[stack][server](launch),
        description=f"{server}, {known.counted(launch.workers)}",
        directory=plan.project.directory,
        priority=20,
        environment=served[0].environment,
        workers=launch.workers,
        stop_s=GRACE_S + 1,
    )
    return replace(plan, processes=(*beside(plan), process))


def beside(plan: Plan) -> tuple[Process, ...]:
    """Return what a project needs whatever serves it: its channel layer, workers and programs."""
    return tuple(p for p in plan.processes if p.stack is None and p.name != EDGE)

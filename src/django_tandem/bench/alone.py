"""Servers as people run them with no edge before them: on a TCP port, the stock application."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath

from django_tandem.model import Bind, Plan, Process, Stack
from django_tandem.runtime.edge import EDGE

GRACE_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """What a server is told: ``application`` is ``module:attribute``."""

    python: str
    application: str
    bind: Bind
    workers: int


# A server's command line.
Command = Callable[[Alone], tuple[str, ...]]


def _gunicorn(alone: Alone) -> tuple[str, ...]:
    return _served(alone, "gunicorn", f"--bind={alone.bind}", _workers(alone))


def _gunicorn_asgi(alone: Alone) -> tuple[str, ...]:
    bind = f"--bind={alone.bind}"
    return _served(alone, "gunicorn", bind, _workers(alone), "--worker-class=asgi")


def _uwsgi(alone: Alone) -> tuple[str, ...]:
    program = str(PurePath(alone.python).with_name("uwsgi"))
    lasting = ("--master", "--need-app", "--die-on-term", "--disable-logging")
    return (
        *(program, f"--py-programname={alone.python}", f"--http={alone.bind}"),
        *(f"--processes={alone.workers}", *lasting, f"--module={alone.application}"),
    )


def _waitress(alone: Alone) -> tuple[str, ...]:
    return _served(alone, "waitress", f"--listen={alone.bind}", f"--threads={alone.workers}")


def _uvicorn(alone: Alone) -> tuple[str, ...]:
    quiet = ("--no-access-log", "--log-level=warning", f"--timeout-graceful-shutdown={GRACE_S}")
    return _served(alone, "uvicorn", *_address(alone), _workers(alone), *quiet)


def _daphne(alone: Alone) -> tuple[str, ...]:
    # At its usual verbosity it writes a line for each request, which no other here does.
    address = (f"--bind={alone.bind.host}", f"--port={alone.bind.port}")
    return _served(alone, "daphne", *address, "--verbosity=0")


def _hypercorn(alone: Alone) -> tuple[str, ...]:
    return _served(alone, "hypercorn", f"--bind={alone.bind}", _workers(alone))


def _granian(interface: str) -> Command:
    def argv(alone: Alone) -> tuple[str, ...]:
        return _served(
            alone, "granian", f"--interface={interface}", *_address(alone), _workers(alone)
        )

    return argv


def _served(alone: Alone, name: str, *options: str) -> tuple[str, ...]:
    return (alone.python, "-m", name, *options, alone.application)


def _address(alone: Alone) -> tuple[str, ...]:
    return (f"--host={alone.bind.host}", f"--port={alone.bind.port}")


def _workers(alone: Alone) -> str:
    return f"--workers={alone.workers}"


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
# What can't be more than one process.
ONE_PROCESS = ("daphne",)
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
    launch = Alone(
        python=sys.executable,
        application=application or application_of(plan, stack),
        bind=plan.edge.binds[0],
        workers=1 if server in ONE_PROCESS else wanted,
    )
    process = Process(
        name="server",
        argv=COMMANDS[stack][server](launch),
        role=f"{server}, {launch.workers} {'process' if launch.workers == 1 else 'processes'}",
        directory=plan.project.directory,
        order=20,
        environment=served[0].environment,
        workers=launch.workers,
        stop_s=GRACE_S + 1,
    )
    return replace(plan, processes=(*beside(plan), process))


def beside(plan: Plan) -> tuple[Process, ...]:
    """Return what a project needs whatever serves it: its channel layer, workers and programs."""
    return tuple(p for p in plan.processes if p.stack is None and p.name != EDGE)

"""Stock servers on a TCP port with no edge before them, as their own documentation starts them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from django_tandem.model import Bind, Stack

GRACE_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class StandaloneLaunch:
    """The parameters of a server's command line; ``application`` is ``module:attribute``."""

    python: str
    application: str
    bind: Bind
    workers: int


Argv = Callable[[StandaloneLaunch], tuple[str, ...]]


def argv(stack: Stack, server: str, launch: StandaloneLaunch) -> tuple[str, ...]:
    """Return the server's command line."""
    return ARGV[stack][server](launch)


def _gunicorn(launch: StandaloneLaunch) -> tuple[str, ...]:
    return _module(launch, "gunicorn", f"--bind={launch.bind}", _workers(launch))


def _gunicorn_asgi(launch: StandaloneLaunch) -> tuple[str, ...]:
    bind = f"--bind={launch.bind}"
    return _module(launch, "gunicorn", bind, _workers(launch), "--worker-class=asgi")


def _uwsgi(launch: StandaloneLaunch) -> tuple[str, ...]:
    program = str(PurePath(launch.python).with_name("uwsgi"))
    fixed = ("--master", "--need-app", "--die-on-term", "--disable-logging")
    return (
        *(program, f"--py-programname={launch.python}", f"--http={launch.bind}"),
        *(f"--processes={launch.workers}", *fixed, f"--module={launch.application}"),
    )


def _waitress(launch: StandaloneLaunch) -> tuple[str, ...]:
    return _module(launch, "waitress", f"--listen={launch.bind}", f"--threads={launch.workers}")


def _uvicorn(launch: StandaloneLaunch) -> tuple[str, ...]:
    quiet = ("--no-access-log", "--log-level=warning", f"--timeout-graceful-shutdown={GRACE_S}")
    return _module(launch, "uvicorn", *_address(launch), _workers(launch), *quiet)


def _daphne(launch: StandaloneLaunch) -> tuple[str, ...]:
    # By default it logs each request, which no other server here does.
    address = (f"--bind={launch.bind.host}", f"--port={launch.bind.port}")
    return _module(launch, "daphne", *address, "--verbosity=0")


def _hypercorn(launch: StandaloneLaunch) -> tuple[str, ...]:
    return _module(launch, "hypercorn", f"--bind={launch.bind}", _workers(launch))


def _granian(interface: str) -> Argv:
    def argv(launch: StandaloneLaunch) -> tuple[str, ...]:
        return _module(
            launch, "granian", f"--interface={interface}", *_address(launch), _workers(launch)
        )

    return argv


def _module(launch: StandaloneLaunch, name: str, *options: str) -> tuple[str, ...]:
    return (launch.python, "-m", name, *options, launch.application)


def _address(launch: StandaloneLaunch) -> tuple[str, ...]:
    return (f"--host={launch.bind.host}", f"--port={launch.bind.port}")


def _workers(launch: StandaloneLaunch) -> str:
    return f"--workers={launch.workers}"


# By the names that the settings accept.
ARGV: Mapping[Stack, Mapping[str, Argv]] = {
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

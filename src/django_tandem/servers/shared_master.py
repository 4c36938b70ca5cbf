"""
Gunicorn and Uvicorn under one master, which imports the project once and forks every worker.

The master is adapters/master.py. Its command line holds those of both servers, so that each
argument is the server's own.
"""

import functools
from dataclasses import dataclass, replace
from typing import Literal

from django_tandem.model import Recycle
from django_tandem.servers.adapters import master_sources
from django_tandem.servers.gunicorn import GUNICORN
from django_tandem.servers.server import Launch
from django_tandem.servers.uvicorn import UVICORN

MODULE = "django_tandem.servers.adapters.master"
WSGI_SERVERS = frozenset({GUNICORN.name})
ASGI_SERVERS = frozenset({UVICORN.name})


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterLaunch:
    """
    The plan's parameters of one master.

    ``channels`` are the names that its Channels worker consumes. With ``preload`` "auto" the
    workers load the project by themselves where the loaded project can't be forked. ``recycle``
    is for each worker of both servers; one that is replaced has ``drain_s`` to end its
    WebSockets and streams.
    """

    wsgi: Launch
    asgi: Launch
    channels: tuple[str, ...] = ()
    wsgi_niceness: int = 0
    preload: Literal["auto"] | bool = "auto"
    recycle: Recycle = Recycle()
    drain_s: int = 30


# Variables of the processes, beside those of every program.
ENVIRONMENT = UVICORN.environment
# The arguments of a command line follow `python -m NAME`.
ARGUMENTS = 3
# The signal on which a master's Channels workers finish and end, as its generation drains.
RETIRE_CHANNELS = "WINCH"
# Uvicorn's limit begins later than the master's, which ends with SIGKILL. In between, what Uvicorn
# cancels cleans up, and the lifespan ends.
CANCEL_S = 2
PRELOAD = {"auto": "auto", True: "always", False: "never"}


def argv(launch: MasterLaunch) -> tuple[str, ...]:
    """Return the command line: the master's own options, Gunicorn's, and Uvicorn's."""
    asgi = replace(launch.asgi, grace_s=max(1, launch.asgi.grace_s - CANCEL_S))
    return (
        launch.wsgi.python,
        "-m",
        MODULE,
        f"--preload={PRELOAD[launch.preload]}",
        *(f"--channel={name}" for name in launch.channels),
        *_options(launch),
        *("--gunicorn", *GUNICORN.argv(launch.wsgi)[ARGUMENTS:]),
        *("--uvicorn", *UVICORN.argv(asgi)[ARGUMENTS:]),
    )


def _options(launch: MasterLaunch) -> list[str]:
    recycle = launch.recycle
    given = {
        "wsgi-nice": launch.wsgi_niceness,
        "recycle-memory": recycle.memory_bytes,
        "recycle-age": recycle.age_s,
        "recycle-requests": recycle.requests,
    }
    options = [f"--{name}={value}" for name, value in given.items() if value]
    return [*options, f"--drain={launch.drain_s}"]


def can_share(wsgi_server: str, asgi_server: str) -> bool:
    """Return whether one master can run both servers: not every pair, nor every version."""
    return wsgi_server in WSGI_SERVERS and asgi_server in ASGI_SERVERS and is_supported()


@functools.cache
def is_supported() -> bool:
    """Return whether the installed Gunicorn was read; log one warning if not."""
    return master_sources.are_known()

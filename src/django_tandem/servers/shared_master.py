"""
Gunicorn and Uvicorn under one master, which imports the project once and forks every worker.

The master is adapters/master.py. Its command line holds those of both servers, so that each
argument is the server's own.
"""

import functools
from dataclasses import dataclass, replace
from typing import Literal

from django_tandem.model import Recycle, Stack, StopTimes
from django_tandem.model.programs import MASTER_MODULE
from django_tandem.servers.adapters import master_sources
from django_tandem.servers.gunicorn import GUNICORN
from django_tandem.servers.server import Launch
from django_tandem.servers.uvicorn import UVICORN

WSGI_SERVERS = frozenset({GUNICORN.name})
ASGI_SERVERS = frozenset({UVICORN.name})


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterLaunch:
    """
    The plan's parameters of one master, of both servers or of one.

    ``channels`` are the names that its Channels worker consumes. With ``preload`` "auto" the
    workers load the project separately where the loaded project can't be forked. ``recycle``
    is for each worker of both servers; one that is replaced has ``drain_s`` to end its
    WebSockets and streams. With ``stop`` nothing supervises the master: it runs the
    steps of a stop.
    """

    wsgi: Launch | None = None
    asgi: Launch | None = None
    channels: tuple[str, ...] = ()
    wsgi_niceness: int = 0
    preload: Literal["auto"] | bool = "auto"
    recycle: Recycle = Recycle()
    drain_s: int = 30
    stop: StopTimes | None = None

    @property
    def any(self) -> Launch:
        """The parameters of a server that it runs."""
        found = self.wsgi or self.asgi
        assert found is not None  # noqa: S101 - a master runs at least one
        return found


# The arguments of a command line follow `python -m NAME`.
ARGUMENTS = 3
# Uvicorn's limit begins later than the master's, which ends with SIGKILL. In between, what Uvicorn
# cancels cleans up, and the lifespan ends.
CANCEL_S = 2
PRELOAD = {"auto": "auto", True: "always", False: "never"}


def argv(launch: MasterLaunch) -> tuple[str, ...]:
    """Return the command line: the master's own options, Gunicorn's, and Uvicorn's."""
    return (
        launch.any.python,
        "-m",
        MASTER_MODULE,
        f"--preload={PRELOAD[launch.preload]}",
        *(f"--channel={name}" for name in launch.channels),
        *_options(launch),
        *("--gunicorn", *_gunicorn(launch)[ARGUMENTS:]),
        *(("--uvicorn", *_uvicorn(launch.asgi)[ARGUMENTS:]) if launch.asgi else ()),
    )


def _gunicorn(launch: MasterLaunch) -> tuple[str, ...]:
    if launch.wsgi is not None:
        return GUNICORN.argv(launch.wsgi)
    # The master is Gunicorn's, also where it runs Uvicorn's workers alone.
    return GUNICORN.argv(replace(launch.any, args=()))


def _uvicorn(launch: Launch) -> tuple[str, ...]:
    grace_s = max(1, launch.grace_s - CANCEL_S)
    return UVICORN.argv(replace(launch, grace_s=grace_s, bind=None))


def _options(launch: MasterLaunch) -> list[str]:
    recycle = launch.recycle
    given: dict[str, object] = {
        "wsgi-nice": launch.wsgi_niceness,
        "recycle-memory": recycle.memory_bytes,
        "recycle-age": recycle.age_s,
        "recycle-requests": recycle.requests,
        "asgi-bind": launch.asgi.bind if launch.asgi else None,
        "stack": None if launch.wsgi else Stack.ASGI,
    }
    options = [f"--{name}={value}" for name, value in given.items() if value]
    stop = launch.stop
    times = [] if stop is None else [f"--stop={stop.stop_s}", f"--stop-delay={stop.delay_s}"]
    return [*options, f"--drain={launch.drain_s}", *times]


def can_share(wsgi_server: str, asgi_server: str) -> bool:
    """Return whether one master can run both servers: not every pair, nor every version."""
    return wsgi_server in WSGI_SERVERS and asgi_server in ASGI_SERVERS and is_supported()


def can_run_alone(stack: Stack, server: str) -> bool:
    """Return whether a master can run that server alone."""
    own = WSGI_SERVERS if stack is Stack.WSGI else ASGI_SERVERS
    return server in own and is_supported()


@functools.cache
def is_supported() -> bool:
    """Return whether the installed Gunicorn was read; log one warning if not."""
    return master_sources.are_known()

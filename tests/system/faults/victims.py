"""The processes to kill with -9, and what must serve again afterwards."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import psutil
from faults.site_up import Site

from django_tandem.runtime import supervisord
from django_tandem.runtime.workers import workers_of

SYNC = "/faults/version/"
ASYNC = "/faults/async-version/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """
    A process to kill; ``path`` shows whether what it stands for serves, without one its pid does.

    ``failed`` is how many requests one kill may cost, None when that follows from the time to
    recovery. ``cuts`` says whether its death may close WebSockets, ``hits`` which stack's
    requests may fail; ``recovery_s`` is the bound.
    """

    name: str
    pid: Callable[[Site], int]
    path: str = ""
    wsgi: str = "gunicorn"
    asgi: str = "uvicorn"
    failed: int | None = None
    cuts: bool = False
    hits: tuple[str, ...] = ()
    recovery_s: float = 10
    times: int = 3


def program(name: str) -> Callable[[Site], int]:
    """Choose the process that supervisord started."""
    return lambda site: pid_of(site, name)


def worker(kind: str) -> Callable[[Site], int]:
    """Choose a worker of the shared master."""

    def pid(site: Site) -> int:
        workers = (workers_of(pid_of(site, "master")) or {}).get(kind)
        return workers[0].pid if workers else 0

    return pid


def child(name: str) -> Callable[[Site], int]:
    """Choose a process that the program has started itself."""
    return lambda site: psutil.Process(pid_of(site, name)).children()[0].pid


def pid_of(site: Site, name: str) -> int:
    """Return the pid of a program by its name without the generation; 0 while it has none."""
    with contextlib.suppress(OSError):
        for status in supervisord.statuses(site.up.run_dir):
            if name in (status.name, status.name.rpartition("-")[0]):
                return status.pid
    return 0


WSGI_VICTIMS = (
    # A worker of Gunicorn's kind serves one request at a time.
    Victim(
        name="kill-gunicorn-worker",
        pid=worker("wsgi"),
        path=SYNC,
        failed=1,
        hits=("wsgi",),
        times=10,
    ),
    *(
        Victim(
            name=f"kill-wsgi-{server}",
            pid=program("wsgi"),
            path=SYNC,
            wsgi=server,
            # With Uvicorn, Gunicorn would share its master.
            asgi="daphne",
            hits=("wsgi",),
        )
        for server in ("gunicorn", "uwsgi", "granian", "waitress")
    ),
)
ASGI_VICTIMS = tuple(
    Victim(
        name=f"kill-asgi-{server}",
        pid=program("asgi"),
        path=ASYNC,
        wsgi="waitress",
        asgi=server,
        cuts=True,
        hits=("asgi",),
        recovery_s=3,
    )
    for server in ("uvicorn", "daphne", "granian", "hypercorn")
)
VICTIMS = (
    *WSGI_VICTIMS,
    *ASGI_VICTIMS,
    Victim(
        name="kill-uvicorn-worker",
        pid=worker("asgi"),
        path=ASYNC,
        cuts=True,
        hits=("asgi",),
        recovery_s=3,
    ),
    Victim(name="kill-master", pid=program("master"), path=SYNC, cuts=True, hits=("wsgi", "asgi")),
    Victim(name="kill-channels-worker", pid=worker("channels"), failed=0),
    Victim(
        name="kill-nginx-worker",
        pid=child("nginx"),
        path=SYNC,
        cuts=True,
        hits=("wsgi", "asgi"),
        recovery_s=1,
    ),
    Victim(name="kill-nginx", pid=program("nginx"), path=SYNC, cuts=True, hits=("wsgi", "asgi")),
)

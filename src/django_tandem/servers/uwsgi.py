"""
uWSGI: workers in C, forked from one loaded project so that they share its memory.

When a request exceeds its timeout, its worker is killed, after the client got 504 from the edge.
uWSGI normalizes dots in paths, which the entry point undoes, and joins repeated headers with a
comma and a space, which it can't undo.
"""

from pathlib import PurePath

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line of the program next to python: uWSGI is not a Python module."""
    return (
        str(PurePath(launch.python).with_name("uwsgi")),
        f"--py-programname={launch.python}",
        # HTTP like the other servers, so that the edge's configuration is the same for all.
        f"--http-socket={launch.socket}",
        *(() if launch.bind is None else (f"--http-socket={launch.bind}",)),
        "--chmod-socket=660",
        # On a Unix socket, a connection beyond the queue is refused at once.
        f"--listen={launch.backlog}",
        f"--module={launch.application}",
        "--need-app",
        "--master",
        "--single-interpreter",
        f"--processes={launch.workers}",
        # Not by harakiri, which a stream could not renew: the entry point sets the limit.
        f"--set-placeholder=tandem-timeout={launch.timeout_s}",
        f"--worker-reload-mercy={launch.grace_s}",
        # Without this option SIGTERM restarts it; with this alone it cuts the requests in flight.
        "--die-on-term",
        "--hook-master-start=unix_signal:15 gracefully_kill_them_all",
        "--vacuum",
        # The maximum; the edge accepts as much.
        "--buffer-size=65535",
        "--max-vars=1000",
        "--disable-logging",
        # Its log is a pipe: without a reader, each worker would log the error in a busy loop.
        "--ignore-sigpipe",
        *_recycling(launch),
        *launch.args,
    )


def _recycling(launch: Launch) -> tuple[str, ...]:
    if not launch.max_requests:
        return ()
    recycle_after, jitter = launch.recycling
    return (
        f"--max-requests={recycle_after}",
        # Added once more for each worker.
        f"--max-requests-delta={max(1, jitter // launch.workers)}",
        # Ten seconds by default, for any number of requests.
        "--min-worker-lifetime=0",
    )


UWSGI = Server(
    name="uwsgi",
    stack=Stack.WSGI,
    distribution="uwsgi",
    extra="uwsgi",
    argv=argv,
    recycles=True,
)

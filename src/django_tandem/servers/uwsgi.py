"""
uWSGI: workers in C, forked from one loaded project so that they share its memory.

A request that takes longer than it may has its worker killed, after the edge has told its client
504. It folds dots in paths and joins repeated headers by a comma and a space; the entry point
can put only the first right.
"""

from pathlib import PurePath

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line of the program beside python: uWSGI is no Python module."""
    return (
        str(PurePath(launch.python).with_name("uwsgi")),
        f"--py-programname={launch.python}",
        # It speaks HTTP here as its peers do, so that the edge need not know who is behind it.
        f"--http-socket={launch.socket}",
        "--chmod-socket=660",
        # On a Unix socket, the connection after a full queue is refused at once.
        f"--listen={launch.backlog}",
        f"--module={launch.application}",
        "--need-app",
        "--master",
        "--single-interpreter",
        f"--processes={launch.workers}",
        # Not by harakiri, which a stream could not renew: the entry point sets the limit.
        f"--set-placeholder=tandem-timeout={launch.timeout_s}",
        f"--worker-reload-mercy={launch.grace_s}",
        # Without this SIGTERM restarts it, and with this alone it cuts the requests in flight.
        "--die-on-term",
        "--hook-master-start=unix_signal:15 gracefully_kill_them_all",
        "--vacuum",
        # The most it can hold; the edge lets as much in.
        "--buffer-size=65535",
        "--max-vars=1000",
        "--disable-logging",
        # Its log is a pipe: where nobody reads it any more, each worker would spin on telling so.
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
        # Each worker gets this much more than the one before it.
        f"--max-requests-delta={max(1, jitter // launch.workers)}",
        # Ten seconds by default, however many requests they brought.
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

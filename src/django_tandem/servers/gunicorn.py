"""
Gunicorn: sync workers, forked from one loaded project so that they share its memory.

A request that takes longer than it may is ended with a 500, after the edge has told its client
504, and its worker replaced. There is no switch for the `Server` header; the edge puts its own
in the place of it.
"""

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line; what holds for every launch is in the module it names."""
    recycle_after, jitter = launch.recycling
    return (
        launch.python,
        "-m",
        "gunicorn",
        f"--bind=unix:{launch.socket}",
        f"--workers={launch.workers}",
        f"--timeout={launch.timeout_s}",
        f"--graceful-timeout={launch.grace_s}",
        # A worker takes a request off the socket when it is free: what waits, waits here.
        f"--backlog={launch.backlog}",
        f"--max-requests={recycle_after}",
        f"--max-requests-jitter={jitter}",
        *launch.args,
        # The last one counts; the module reads the project's own file.
        "--config=python:django_tandem.servers.adapters.gunicorn",
        launch.application,
    )


GUNICORN = Server(
    name="gunicorn",
    stack=Stack.WSGI,
    distribution="gunicorn",
    extra=None,
    argv=argv,
    recycles=True,
)

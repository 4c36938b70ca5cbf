"""
Gunicorn: sync workers, or its own ASGI workers, forked from one loaded project.

A request that exceeds its timeout ends with a 500, after its client got 504 from the edge, and its
worker is replaced; so is a worker whose event loop is blocked for as long. There is no option for
the `Server` header; the edge replaces it. The ASGI worker, which Gunicorn has since version 24,
rejects a WebSocket without a route with 403 instead of 404, and sends no pings.
"""

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line; the settings of every launch are in the module it names."""
    recycle_after, jitter = launch.recycling
    return (
        launch.python,
        "-m",
        "gunicorn",
        *_binds(launch),
        f"--workers={launch.workers}",
        f"--timeout={launch.timeout_s}",
        f"--graceful-timeout={launch.grace_s}",
        # A free worker accepts a connection from the socket: the queue is the backlog.
        f"--backlog={launch.backlog}",
        f"--max-requests={recycle_after}",
        f"--max-requests-jitter={jitter}",
        *launch.args,
        # The last one counts; the module reads the project's own file.
        "--config=python:django_tandem.servers.adapters.gunicorn",
        launch.application,
    )


def asgi_argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line of Gunicorn's own ASGI worker."""
    return (
        launch.python,
        "-m",
        "gunicorn",
        "--worker-class=asgi",
        *_binds(launch),
        f"--workers={launch.workers}",
        f"--timeout={launch.timeout_s}",
        f"--graceful-timeout={launch.grace_s}",
        *launch.args,
        "--config=python:django_tandem.servers.adapters.gunicorn",
        launch.application,
    )


def _binds(launch: Launch) -> tuple[str, ...]:
    # Without TLS, which Gunicorn would have on the socket too: the adapter adds it.
    address = () if launch.bind is None else (f"--bind={launch.bind}",)
    return (f"--bind=unix:{launch.socket}", *address)


GUNICORN = Server(
    name="gunicorn",
    stack=Stack.WSGI,
    distribution="gunicorn",
    extra=None,
    argv=argv,
    recycles=True,
    mutual_tls=True,
)

GUNICORN_ASGI = Server(
    name="gunicorn",
    stack=Stack.ASGI,
    distribution="gunicorn",
    extra=None,
    argv=asgi_argv,
    least_version="24",
)

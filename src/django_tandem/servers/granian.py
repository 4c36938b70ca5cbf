"""
Granian: HTTP in Rust, for either stack.

It has no limit on how long a request may take, no switch for the `Server` header, sends no ping
over a WebSocket, and closes one without a code. It takes a hundred headers, refuses what is no
URL such as a quote in a query, and on WSGI empties a header that is not ASCII.
"""

from pathlib import PurePath

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def wsgi_argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line for WSGI, where a worker takes one request at a time."""
    # A thread more would be a database connection more, and a request accepted beyond the
    # threads would wait for this worker while another is idle.
    alone = ("--blocking-threads=1", "--backpressure=1", "--no-http1-keep-alive")
    return _argv(launch, "--interface=wsgi", f"--backlog={launch.backlog}", *alone)


def asgi_argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line for ASGI, where each open event stream is a request."""
    return _argv(launch, "--interface=asgi", "--loop=uvloop", "--backpressure=8192")


def _argv(launch: Launch, *interface: str) -> tuple[str, ...]:
    return (
        launch.python,
        "-m",
        "granian",
        f"--uds={launch.socket}",
        "--uds-permissions=660",
        "--http=1",
        f"--workers={launch.workers}",
        f"--workers-kill-timeout={launch.grace_s}",
        # Otherwise all end when one does.
        "--respawn-failed-workers",
        *interface,
        *launch.args,
        # It takes the module for a file, and prefixes its name if the directory is a package:
        # one with a manage.py may be, one with a socket is not.
        str(PurePath(launch.socket).with_name(launch.application)),
    )


GRANIAN_WSGI = Server(
    name="granian",
    stack=Stack.WSGI,
    distribution="granian",
    extra="granian",
    argv=wsgi_argv,
    # It takes a shorter backlog for 128.
    least_queue=129,
)
GRANIAN_ASGI = Server(
    name="granian", stack=Stack.ASGI, distribution="granian", extra="granian", argv=asgi_argv
)

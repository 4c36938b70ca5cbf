"""
Granian: HTTP in Rust, for either stack.

It has no request timeout and no option for the `Server` header, sends no WebSocket pings, and
closes WebSockets without a code. It accepts a hundred headers, rejects invalid URLs such as a quote
in a query, and on WSGI empties a header that is not ASCII.
"""

from pathlib import PurePath

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server

# It takes no longer one.
LONGEST_GRACE_S = 1800


def wsgi_argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line for WSGI, where a worker serves one request at a time."""
    # Each further thread would be a further database connection, and a request accepted without
    # a free thread would wait for this worker while another is idle.
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
        *_address(launch),
        "--http=1",
        f"--workers={launch.workers}",
        f"--workers-kill-timeout={min(launch.grace_s, LONGEST_GRACE_S)}",
        # Otherwise all workers end when one of them does.
        "--respawn-failed-workers",
        *interface,
        *launch.args,
        # It resolves the module as a file, and prefixes its name if the directory is a package:
        # the project's directory may be one, the directory of the socket is not.
        str(PurePath(launch.socket).with_name(launch.application)),
    )


def _address(launch: Launch) -> tuple[str, ...]:
    if launch.bind is None:
        return (f"--uds={launch.socket}", "--uds-permissions=660")
    return (f"--host={launch.bind.host}", f"--port={launch.bind.port}")


GRANIAN_WSGI = Server(
    name="granian",
    stack=Stack.WSGI,
    distribution="granian",
    extra="granian",
    argv=wsgi_argv,
    # A shorter backlog becomes 128.
    least_queue=129,
    one_address=True,
)
GRANIAN_ASGI = Server(
    name="granian",
    stack=Stack.ASGI,
    distribution="granian",
    extra="granian",
    argv=asgi_argv,
    one_address=True,
)

"""
Daphne: Channels' own server, one process on Twisted.

It can't share its socket between processes, closes WebSockets without a code, knows nothing of
the lifespan, and can't answer a handshake with a 404: what has no route is refused with a 403.
"""

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line of our program around it, which finishes what is in flight."""
    # In a Twisted endpoint a colon ends a value.
    path = launch.socket.replace("\\", r"\\").replace(":", r"\:")
    return (
        launch.python,
        "-m",
        "django_tandem.servers.adapters.daphne",
        # Its own option for a Unix socket has a queue of 50, and refuses what comes beyond.
        f"--endpoint=unix:{path}:mode=660:backlog=2048",
        f"--application-close-timeout={launch.grace_s}",
        # A day by default, after which an open WebSocket is cut.
        "--websocket_timeout=-1",
        # Five seconds by default, which is little when all come again after a reload.
        f"--websocket_connect_timeout={launch.timeout_s}",
        # No access log, and no proxy headers unless asked for: the edge and the entry point do.
        "--verbosity=0",
        "--no-server-name",
        *launch.args,
        launch.application,
    )


DAPHNE = Server(
    name="daphne",
    stack=Stack.ASGI,
    distribution="daphne",
    extra="daphne",
    argv=argv,
    one_process=True,
)

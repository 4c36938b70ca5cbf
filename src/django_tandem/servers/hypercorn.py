"""
Hypercorn, on uvloop.

It closes WebSockets with 1011, as if they had failed, and only when the grace is over. It has
no limit on how long a request may take, and leaves its socket's file behind.
"""

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line; what has no switch is in the module it names."""
    return (
        launch.python,
        "-m",
        "hypercorn",
        "--config=python:django_tandem.servers.adapters.hypercorn",
        f"--bind=unix:{launch.socket}",
        # None means that the one process serves, without a second to watch it.
        f"--workers={launch.workers if launch.workers > 1 else 0}",
        f"--graceful-timeout={launch.grace_s}",
        "--backlog=2048",
        "--websocket-ping-interval=20",
        *launch.args,
        launch.application,
    )


HYPERCORN = Server(
    name="hypercorn", stack=Stack.ASGI, distribution="hypercorn", extra="hypercorn", argv=argv
)

"""
Hypercorn, on uvloop.

It closes WebSockets with 1011, as if they had failed, and only after the grace period. It has no
request timeout, and does not remove its socket.
"""

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line; what has no option is in the module it names."""
    return (
        launch.python,
        "-m",
        "hypercorn",
        "--config=python:django_tandem.servers.adapters.hypercorn",
        *_binds(launch),
        # With 0 one process serves, without a second one that monitors it.
        f"--workers={launch.workers if launch.workers > 1 else 0}",
        f"--graceful-timeout={launch.grace_s}",
        "--backlog=2048",
        "--websocket-ping-interval=20",
        *launch.args,
        launch.application,
    )


def _binds(launch: Launch) -> tuple[str, ...]:
    socket = f"unix:{launch.socket}"
    if launch.bind is None:
        return (f"--bind={socket}",)
    if launch.tls is None:
        return (f"--bind={socket}", f"--bind={launch.bind}")
    return (
        f"--insecure-bind={socket}",
        f"--bind={launch.bind}",
        f"--certfile={launch.tls.certificate}",
        f"--keyfile={launch.tls.key}",
        f"--ca-certs={launch.tls.ca}",
        "--verify-mode=CERT_REQUIRED",
    )


HYPERCORN = Server(
    name="hypercorn",
    stack=Stack.ASGI,
    distribution="hypercorn",
    extra="hypercorn",
    argv=argv,
    mutual_tls=True,
)

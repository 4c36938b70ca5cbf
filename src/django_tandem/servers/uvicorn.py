"""Uvicorn: the only one here that closes its WebSockets with a code that asks to reconnect."""

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line. Uvicorn has no limit on how long a request may take."""
    return (
        launch.python,
        "-m",
        "uvicorn",
        f"--uds={launch.socket}",
        f"--workers={launch.workers}",
        "--loop=uvloop",
        "--http=httptools",
        "--ws=websockets-sansio",
        "--interface=asgi3",
        f"--timeout-graceful-shutdown={launch.grace_s}",
        "--no-access-log",
        "--no-proxy-headers",
        "--no-server-header",
        *launch.args,
        launch.application,
    )


UVICORN = Server(name="uvicorn", stack=Stack.ASGI, distribution="uvicorn", extra=None, argv=argv)

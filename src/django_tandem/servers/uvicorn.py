"""
Uvicorn, on uvloop and httptools.

At SIGTERM it closes all WebSockets at the same instant, with 1012. It has no request timeout, and
pings each WebSocket every 20 s. Its workers are spawned, so they share no memory.
"""

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line; the edge logs the requests, the entry point reads its headers."""
    return (
        launch.python,
        "-m",
        "uvicorn",
        *_address(launch),
        f"--workers={launch.workers}",
        "--loop=uvloop",
        "--http=httptools",
        "--interface=asgi3",
        f"--timeout-graceful-shutdown={launch.grace_s}",
        # Five seconds by default, after which a busy worker is killed.
        f"--timeout-worker-healthcheck={launch.timeout_s}",
        "--no-access-log",
        # No line for each WebSocket, and none that says to press CTRL+C.
        "--log-level=warning",
        "--no-proxy-headers",
        "--no-server-header",
        *(() if launch.compression else ("--ws-per-message-deflate=false",)),
        *launch.args,
        launch.application,
    )


def _address(launch: Launch) -> tuple[str, ...]:
    if launch.bind is None:
        return (f"--uds={launch.socket}",)
    # One process binds "::" for IPv6 alone, and an empty host for both; several do the reverse.
    is_any = launch.bind.host == "::" and launch.workers == 1
    return (f"--host={'' if is_any else launch.bind.host}", f"--port={launch.bind.port}")


UVICORN = Server(
    name="uvicorn",
    stack=Stack.ASGI,
    distribution="uvicorn",
    extra=None,
    argv=argv,
    one_address=True,
    # For a handshake, websockets allows 8 kB a line and 128 headers. The edge allows more, as
    # Uvicorn does for other requests.
    environment=(("WEBSOCKETS_MAX_LINE_LENGTH", "65536"), ("WEBSOCKETS_MAX_NUM_HEADERS", "1000")),
)

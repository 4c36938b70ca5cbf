"""
Daphne: Channels' own server, one process on Twisted.

It can't share its socket between processes, and does not implement the lifespan. Our adapter closes
WebSockets with a code, answers handshakes with a status, and has senders wait for slow clients.
"""

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line of our adapter, which finishes the requests in flight."""
    return (
        launch.python,
        "-m",
        "django_tandem.servers.adapters.daphne",
        # Its own option for a Unix socket has a backlog of 50, and further connections are refused.
        f"--endpoint=unix:{_value(launch.socket)}:mode=660:backlog=2048",
        *_address(launch),
        f"--application-close-timeout={launch.grace_s}",
        # One day by default, after which an open WebSocket is cut.
        "--websocket_timeout=-1",
        # Five seconds by default, which is short when all clients reconnect after a reload.
        f"--websocket_connect_timeout={launch.timeout_s}",
        # No access log, and no proxy headers by default: the edge logs, the entry point reads them.
        "--verbosity=0",
        "--no-server-name",
        *launch.args,
        launch.application,
    )


def _address(launch: Launch) -> tuple[str, ...]:
    if launch.bind is None:
        return ()
    host = _value(launch.bind.host)
    return (f"--endpoint=tcp:port={launch.bind.port}:interface={host}:backlog=2048",)


def _value(text: str) -> str:
    """Quote a value of a Twisted endpoint, which a colon would end."""
    return text.replace("\\", r"\\").replace(":", r"\:")


DAPHNE = Server(
    name="daphne",
    stack=Stack.ASGI,
    distribution="daphne",
    extra="daphne",
    argv=argv,
    one_process=True,
)

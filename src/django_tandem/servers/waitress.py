"""
Waitress: one process in pure Python, whose threads are the plan's workers.

It has no request timeout: the edge answers 504, and the thread stays busy until the view returns.
It joins repeated headers with a comma and a space, which can't be undone.
"""

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line of our adapter, which handles SIGTERM."""
    return (
        launch.python,
        "-m",
        "django_tandem.servers.adapters.waitress",
        str(launch.grace_s),
        *_address(launch),
        f"--threads={launch.workers}",
        # A connection without a free thread stays on the socket. The limit also counts the
        # listener and the trigger with which threads wake the loop.
        f"--connection-limit={launch.workers + 2}",
        f"--backlog={launch.backlog}",
        # It would remove the headers that the entry point reads.
        "--no-clear-untrusted-proxy-headers",
        "--asyncore-use-poll",
        "--ident=",
        *launch.args,
        launch.application,
    )


def _address(launch: Launch) -> tuple[str, ...]:
    if launch.bind is None:
        return (f"--unix-socket={launch.socket}", "--unix-socket-perms=660")
    # It binds "::" for IPv6 alone, and the asterisk for both.
    is_any = launch.bind.host == "::"
    return (f"--listen={f'*:{launch.bind.port}' if is_any else launch.bind}",)


WAITRESS = Server(
    name="waitress",
    stack=Stack.WSGI,
    distribution="waitress",
    extra="waitress",
    argv=argv,
    one_process=True,
    one_address=True,
)

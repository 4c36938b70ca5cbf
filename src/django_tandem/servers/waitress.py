"""
Waitress: one process of threads in pure Python, the plan's workers being its threads.

It has no limit on how long a request may take: the edge gives up, and the thread is held until
the view returns. It joins repeated headers by a comma and a space, which nobody can undo.
"""

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line of our program around it, which knows SIGTERM."""
    return (
        launch.python,
        "-m",
        "django_tandem.servers.adapters.waitress",
        str(launch.grace_s),
        f"--unix-socket={launch.socket}",
        "--unix-socket-perms=660",
        f"--threads={launch.workers}",
        # What no thread is free for stays on the socket: beside the connections it counts the
        # listener, and what the threads wake its loop with.
        f"--connection-limit={launch.workers + 2}",
        f"--backlog={launch.backlog}",
        # It would take away what the entry point is to read.
        "--no-clear-untrusted-proxy-headers",
        "--asyncore-use-poll",
        "--ident=",
        *launch.args,
        launch.application,
    )


WAITRESS = Server(
    name="waitress",
    stack=Stack.WSGI,
    distribution="waitress",
    extra="waitress",
    argv=argv,
    one_process=True,
)

"""Waitress: pure Python, one process of threads."""

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def argv(launch: Launch) -> tuple[str, ...]:
    return (
        launch.python,
        "-m",
        "django_tandem.wsgi.waitress",
        str(launch.grace_s),
        f"--unix-socket={launch.socket}",
        "--unix-socket-perms=660",
        f"--threads={launch.workers}",
        "--ident=",
        "--asyncore-use-poll",
        "--no-clear-untrusted-proxy-headers",
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

"""Granian."""

from pathlib import PurePath

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def _argv(launch: Launch, *interface: str) -> tuple[str, ...]:
    return (
        launch.python,
        "-m",
        "granian",
        f"--uds={launch.socket}",
        "--uds-permissions=660",
        f"--workers={launch.workers}",
        f"--workers-kill-timeout={launch.grace_s}",
        "--respawn-failed-workers",
        "--http=1",
        *interface,
        *launch.args,
        # It takes the module for a file, and prefixes its name if the directory is a package:
        # one with a manage.py may be, one with a socket is not.
        str(PurePath(launch.socket).with_name(launch.application)),
    )


def wsgi_argv(launch: Launch) -> tuple[str, ...]:
    return _argv(launch, "--interface=wsgi", "--blocking-threads=1", "--backpressure=1")


def asgi_argv(launch: Launch) -> tuple[str, ...]:
    return _argv(launch, "--interface=asgi", "--loop=uvloop")


GRANIAN_WSGI = Server(
    name="granian", stack=Stack.WSGI, distribution="granian", extra="granian", argv=wsgi_argv
)
GRANIAN_ASGI = Server(
    name="granian", stack=Stack.ASGI, distribution="granian", extra="granian", argv=asgi_argv
)

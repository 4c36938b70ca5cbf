"""Daphne."""

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def argv(launch: Launch) -> tuple[str, ...]:
    return (
        launch.python,
        "-m",
        "django_tandem.asgi.daphne",
        f"--unix-socket={launch.socket}",
        "--no-server-name",
        "--verbosity=0",
        f"--application-close-timeout={launch.grace_s}",
        "--websocket_timeout=-1",
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

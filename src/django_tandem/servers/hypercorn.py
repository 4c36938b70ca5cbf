"""Hypercorn."""

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def argv(launch: Launch) -> tuple[str, ...]:
    return (
        launch.python,
        "-m",
        "hypercorn",
        "--config=python:django_tandem.asgi.hypercorn",
        f"--bind=unix:{launch.socket}",
        f"--workers={launch.workers if launch.workers > 1 else 0}",
        f"--graceful-timeout={launch.grace_s}",
        *launch.args,
        launch.application,
    )


HYPERCORN = Server(
    name="hypercorn", stack=Stack.ASGI, distribution="hypercorn", extra="hypercorn", argv=argv
)

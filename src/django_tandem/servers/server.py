"""What a server must say of itself, and what it is told."""

from collections.abc import Callable
from dataclasses import dataclass

from django_tandem.model import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """
    The plan's words for one server.

    ``application`` is ``module:attribute``, ``socket`` the absolute path to bind.
    ``timeout_s`` is how long one request may take, ``grace_s`` how long the requests in
    flight get after SIGTERM. ``args`` are the user's own, and come last so that they win.
    """

    python: str
    application: str
    socket: str
    workers: int
    timeout_s: int
    grace_s: int
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """
    One server of one stack: how it is started, and what it can and can't do.

    ``distribution`` is the package that must be installed; ``extra`` the extra of
    django-tandem that brings it. ``argv`` turns a launch into a command line.
    ``one_process`` says that it can't share its socket between processes.
    """

    name: str
    stack: Stack
    distribution: str
    extra: str | None
    argv: Callable[[Launch], tuple[str, ...]]
    one_process: bool = False
    stop_signal: str = "TERM"

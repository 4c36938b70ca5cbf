"""What a server must say of itself, and what it is told."""

from collections.abc import Callable
from dataclasses import dataclass

from django_tandem.model import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """
    The plan's words for one server.

    ``application`` is ``module:attribute``, ``socket`` the absolute path to bind.
    ``timeout_s`` is how long one request may hold a worker, ``grace_s`` how long the requests
    in flight get after SIGTERM. ``queue`` is how many may wait on the socket of a WSGI server,
    and ``max_requests`` after how many each of its workers is replaced, 0 for never. ``args``
    are the user's own, and come last so that they win.
    """

    python: str
    application: str
    socket: str
    workers: int
    timeout_s: int
    grace_s: int
    queue: int = 1024
    max_requests: int = 0
    args: tuple[str, ...] = ()

    @property
    def backlog(self) -> int:
        """What listen() is told: on a Unix socket Linux lets one more wait."""
        return self.queue - 1

    @property
    def recycling(self) -> tuple[int, int]:
        """After how many requests the first worker may be replaced, and within how many more."""
        jitter = self.max_requests // 5
        return self.max_requests - jitter // 2, jitter


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """
    One server of one stack: how it is started, and what it can and can't do.

    ``distribution`` is the package that must be installed; ``extra`` the extra of
    django-tandem that brings it. ``argv`` turns a launch into a command line.
    ``one_process`` says that it can't share its socket between processes, ``recycles`` that it
    replaces workers that have served enough. ``least_queue`` is the shortest queue it can have.
    """

    name: str
    stack: Stack
    distribution: str
    extra: str | None
    argv: Callable[[Launch], tuple[str, ...]]
    one_process: bool = False
    recycles: bool = False
    least_queue: int = 1
    stop_signal: str = "TERM"

    def counted(self, workers: int) -> str:
        """Return the number of its workers in words; what one WSGI process has are threads."""
        one, many = ("process", "processes")
        if self.one_process and self.stack is Stack.WSGI:
            one, many = ("thread", "threads")
        return f"{workers} {one if workers == 1 else many}"

"""What the plan knows of a server, and what it passes to one."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from django_tandem import environment
from django_tandem.errors import SettingError
from django_tandem.model import Bind, PeerTls, Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """
    The plan's parameters of one server.

    ``application`` is ``module:attribute``, ``socket`` the absolute path to bind.
    ``timeout_s`` limits one request, ``grace_s`` the requests in flight after SIGTERM. ``queue``
    is the number of connections that may wait on the socket of a WSGI server, ``max_requests``
    the number of requests after which a worker is replaced, 0 for never. ``args`` are the user's
    own arguments, which come last so that they take precedence. ``bind`` is the address to listen
    on in addition to the socket, for an edge on another host: with ``tls`` it requires the
    certificate of one that its CA has signed. Without ``compression`` the messages of WebSockets
    are sent uncompressed.
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
    bind: Bind | None = None
    tls: PeerTls | None = None
    compression: bool = True

    @property
    def backlog(self) -> int:
        """The argument of listen(): on a Unix socket, Linux queues one connection more."""
        return self.queue - 1

    @property
    def recycling(self) -> tuple[int, int]:
        """The number of requests after which a worker is replaced, and its random extra."""
        jitter = self.max_requests // 5
        return self.max_requests - jitter // 2, jitter


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """
    One server of one stack: its command line, and what it can and can't do.

    ``distribution`` is the package to install, ``extra`` the extra of django-tandem that installs
    it. ``argv`` turns a launch into a command line. With ``one_process`` it can't share its
    socket between processes, with ``recycles`` it replaces workers after ``max_requests``.
    ``least_version`` of the package has this server.
    ``least_queue`` is the shortest queue that it supports. ``environment`` has the settings that
    its command line has no option for. With ``one_address`` it listens on its socket or on an
    address, not on both; with ``mutual_tls`` it requires a certificate of its clients on the
    address.
    """

    name: str
    stack: Stack
    distribution: str
    extra: str | None
    argv: Callable[[Launch], tuple[str, ...]]
    one_process: bool = False
    recycles: bool = False
    least_queue: int = 1
    least_version: str = "0"
    stop_signal: str = "TERM"
    environment: tuple[tuple[str, str], ...] = ()
    one_address: bool = False
    mutual_tls: bool = False

    def counted(self, workers: int) -> str:
        """Return the number of its workers with its unit, which is threads in one WSGI process."""
        one, many = ("process", "processes")
        if self.one_process and self.stack is Stack.WSGI:
            one, many = ("thread", "threads")
        return f"{workers} {one if workers == 1 else many}"


def socket_and_address(server: Server, launch: Launch) -> tuple[str | None, Bind | None]:
    """
    Return the socket and the address on which ``server`` listens, None where it does not.

    Raises SettingError where it does not have the TLS that the edge on another host requires.
    """
    if launch.bind is None:
        return launch.socket, None
    if launch.tls is not None and not server.mutual_tls:
        raise SettingError(
            f'TANDEM["PEERS"]["TLS"] is set, and {server.name} requires no certificate of its '
            "clients.",
            hint='Set TANDEM["PEERS"]["SECRET"] instead, or choose gunicorn for WSGI, hypercorn '
            "for ASGI, or gunicorn and uvicorn with SHARED_MASTER, which runs where a stack is the "
            "only role of a host, or both stacks are on it.",
        )
    return None if server.one_address else launch.socket, launch.bind


def tls_environment(tls: PeerTls) -> tuple[tuple[str, str], ...]:
    """Return the variable in which our adapters get the files of a server's address."""
    files = {"certificate": tls.certificate, "key": tls.key, "ca": tls.ca}
    return ((environment.PEER_TLS, urlencode(files)),)

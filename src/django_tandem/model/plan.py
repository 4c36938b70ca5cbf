"""The plan: the programs to supervise, what the edge is told, and all of it together."""

from dataclasses import dataclass

from django_tandem.model.machine import Nginx
from django_tandem.model.project import Project, StaticFiles
from django_tandem.model.routes import EdgeRule, Stack, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """An address the edge listens on; ``host`` is an IP address without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """PEM files of the edge's certificate chain and private key."""

    certificate: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """
    One program to supervise.

    ``argv`` is never given to a shell. ``role`` says in words what it is there
    for. ``order`` is its place in the start; the stop runs the other way round.
    ``generation`` is set for what a reload replaces, and ``alone`` for what must have
    ended before its replacement starts: nobody knows whether it bears a second. ``workers``
    is how many requests or event loops it works on at a time.
    """

    name: str
    argv: tuple[str, ...]
    role: str
    directory: str
    order: int
    stack: Stack | None = None
    generation: int | None = None
    alone: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    socket: str | None = None
    workers: int = 1
    stop_signal: str = "TERM"
    stop_s: int = 10

    @property
    def program(self) -> str:
        """The name the supervisor knows it by."""
        return self.name if self.generation is None else f"{self.name}-{self.generation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """
    What NGINX is told.

    ``read_timeout_s`` is how long it waits for the WSGI stack: a little less than
    the server itself, so that the client is answered first. ``strips`` are
    the prefixes taken off on the way to ASGI. ``drain_s`` is what the longest connections
    get when the stack behind them is replaced; ``retire_s``, how long a worker of NGINX may live
    once it is replaced itself, is longer. ``handover`` lets each stack send a
    request on to the other. ``script_name`` may be in front of every path, with no slash at
    its end; rules say nothing of it.
    """

    nginx: Nginx
    binds: tuple[Bind, ...]
    rules: tuple[EdgeRule, ...]
    stacks: tuple[Stack, ...]
    strips: tuple[str, ...]
    max_body: str
    read_timeout_s: int
    drain_s: int
    retire_s: int
    server_names: tuple[str, ...] = ()
    tls: Tls | None = None
    trusted_proxies: tuple[str, ...] = ()
    static: StaticFiles | None = None
    media: StaticFiles | None = None
    include: str | None = None
    worker_user: str | None = None
    handover: bool = False
    script_name: str = ""

    @property
    def has_asgi(self) -> bool:
        """Whether anything is served by ASGI."""
        return Stack.ASGI in self.stacks


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the command line of `tandem up` said in the place of the settings."""

    bind: str | None = None
    asgi: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    Everything that is to be served, by what, and why: the one input of every target.

    ``drain_s`` is how long the generations before it may take to end.
    """

    project: Project
    run_dir: str
    generation: int
    drain_s: int
    verdicts: tuple[Verdict, ...]
    edge: Edge
    processes: tuple[Process, ...]
    overrides: Overrides = Overrides()
    notes: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The address a person would open."""
        bind = self.edge.binds[0]
        shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind.host, bind.host)  # noqa: S104
        scheme = "https" if self.edge.tls else "http"
        # Where only some names are answered, the address is not one of them.
        named = next((name for name in self.edge.server_names if name[0] not in "~*."), None)
        place = f"{named}:{bind.port}" if named else str(Bind(host=shown, port=bind.port))
        return f"{scheme}://{place}/"

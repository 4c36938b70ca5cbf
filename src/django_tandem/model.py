"""The frozen values that pass between the stages of the pipeline. No I/O, no Django."""

import enum
from dataclasses import dataclass


class Stack(enum.StrEnum):
    """The two ways a project is served."""

    WSGI = "wsgi"
    ASGI = "asgi"


class Protocol(enum.StrEnum):
    """What a route answers to."""

    HTTP = "http"
    WEBSOCKET = "websocket"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """
    What is known of a view or a consumer without calling it.

    ``dotted`` is its import path and ``source`` the ``file:line`` it is defined at.
    ``is_coroutine`` says whether Django itself would await it. ``mark`` is the
    stack that ``@on_wsgi`` or ``@on_asgi`` asked for. ``wrapper`` is the ``file:line``
    of what hides a coroutine from Django, by being synchronous itself.
    """

    dotted: str
    is_coroutine: bool = False
    source: str | None = None
    mark: Stack | None = None
    wrapper: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PathMatch:
    """
    Which request paths a route answers, in words that NGINX understands.

    ``pcre`` matches from the start of the decoded path. ``prefix`` is a text that
    every matching path begins with. ``literal`` is the one path that matches,
    when there is just one. ``inexact`` says why ``pcre`` matches more paths than
    Django does; it is empty when the two agree on every path.
    """

    pcre: str
    prefix: str
    literal: str | None = None
    inexact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """
    One leaf of the URLconf, or of the ASGI application's WebSocket routes.

    ``pattern`` is the whole pattern as its author wrote it, from ``/`` on.
    ``name`` is the URL name with its namespaces, as ``reverse()`` takes it.
    ``by_django`` says that Django's handler answers, behind the project's middleware.
    """

    pattern: str
    name: str | None
    view: View
    match: PathMatch
    protocol: Protocol = Protocol.HTTP
    by_django: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The stack a route is served by, and the reason in words."""

    route: Route
    stack: Stack
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """
    The user's own word on where a route belongs.

    ``target`` is a path prefix (it begins with ``/``), one path (with ``=/``), a URL
    name, a namespace, or a view's dotted path. ``strip`` takes the prefix off before the
    request reaches the stack.
    """

    target: str
    stack: Stack
    strip: bool = False

    @property
    def is_prefix(self) -> bool:
        """Whether the pin holds for every path that begins with ``target``."""
        return self.target.startswith("/")

    @property
    def path(self) -> str | None:
        """The one path that the pin holds for, if it is such a pin."""
        return self.target[1:] if self.target.startswith("=/") else None

    @property
    def is_of_paths(self) -> bool:
        """Whether it speaks of paths, whatever is routed there, and not of routes."""
        return self.is_prefix or self.path is not None

    def holds_for(self, path: str) -> bool:
        """Return whether it speaks of ``path``."""
        return path == self.path or (self.is_prefix and path.startswith(self.target))


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeRule:
    """
    One line of the edge's route table: paths that ``match`` go to ``stack``.

    ``origin`` is the pattern or pin the rule was made from, for people to read.
    """

    match: PathMatch
    stack: Stack
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """An address the edge listens on; ``host`` is an IP address without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFiles:
    """Files below ``directory`` that the edge serves itself below the URL ``prefix``."""

    prefix: str
    directory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """PEM files of the edge's certificate chain and private key."""

    certificate: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Nginx:
    """The NGINX found on this machine: its program, version and configure arguments."""

    program: str
    version: tuple[int, int, int]
    arguments: str = ""

    def has(self, argument: str) -> bool:
        """Return whether it was built with ``argument``, such as ``http_realip_module``."""
        return argument in self.arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """
    What of this machine decides the plan.

    ``cpus`` and ``memory_mb`` are what the process may use (the cgroup's quota
    where there is one). ``user`` is whom the processes run as. ``valkey`` is the
    embedded server's program, when the wheel that brings it is installed.
    """

    python: str
    nginx: Nginx
    cpus: float
    memory_mb: int
    has_ipv6: bool
    user: str
    is_root: bool
    valkey: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Middleware:
    """
    One of settings.MIDDLEWARE, and what it costs a request on ASGI.

    ``hops`` is how often it makes the request cross between the event loop and a
    thread; ``why`` names what does. ``is_sync_only`` says that it has no async mode.
    """

    dotted: str
    hops: int = 0
    why: str = ""
    is_sync_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """
    The Django project that is served, as far as the plan needs it.

    ``wsgi`` and ``asgi`` are dotted paths of the project's own applications;
    ``None`` stands for the one Django makes. ``static`` and ``media`` are set only when
    the setting names a URL of this site and a directory. ``channel_names`` are those of the
    ASGI application's ChannelNameRouter. ``middleware`` is outermost first.
    ``needs_redis`` says that the settings point at the embedded server, ``script_name`` is
    FORCE_SCRIPT_NAME.
    """

    directory: str
    settings_module: str
    debug: bool
    wsgi: str | None
    asgi: str | None
    routes: tuple[Route, ...]
    channel_names: tuple[str, ...] = ()
    middleware: tuple[Middleware, ...] = ()
    static: StaticFiles | None = None
    static_in_debug: bool = False
    media: StaticFiles | None = None
    needs_redis: bool = False
    script_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """
    One program to supervise.

    ``argv`` is never given to a shell. ``role`` says in words what it is there
    for. ``order`` is its place in the start; the stop runs the other way round.
    ``generation`` is set for what a reload replaces, and ``alone`` for what must have
    ended before its replacement starts: nobody knows whether it bears a second.
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
    the prefixes taken off on the way to ASGI. ``retire_s`` is how long a worker of NGINX may
    live once it is replaced: longer than what it holds. ``handover`` lets each stack send a
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

    ``drain_s`` is how long the generation may take to end once it is replaced.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that a target renders; ``name`` is relative to the directory it is written to."""

    name: str
    content: str
    mode: int = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the supervisor says of one process; ``pid`` is 0 when it does not run."""

    name: str
    state: str
    pid: int
    since_s: int
    detail: str = ""

"""The plan: its machine, the processes to supervise, the edge, and the files it becomes."""

from dataclasses import dataclass
from enum import StrEnum

from django_tandem.model import programs
from django_tandem.model.connections import ConnectionLimits, DrainMode
from django_tandem.model.kubernetes import Kubernetes
from django_tandem.model.peers import Bind, Peers, Resolver
from django_tandem.model.project import BackgroundWorker, Project, StaticFiles
from django_tandem.model.roles import EVERY_ROLE, Role, Roles
from django_tandem.model.routes import EdgeRule, Pin, Stack, Verdict

# The port that an https URL means when it names none.
HTTPS_PORT = 443
# Of NGINX, for each file that a worker may open: a quarter are static files, uploads and logs.
CONNECTIONS_A_FILE = 3 / 4


# Of a log: a longer line is cut, since a progress bar or a binary dump may never end its line.
MAX_LINE_BYTES = 64 * 1024


# In the run directory: the edge writes a line for each request, which the monitor reads and frees.
# It is no log, which the log multiplexer would rotate.
REQUESTS_FILE = "requests.tsv"
# Included by nginx.conf where it exists: the directive that writes those lines.
MONITOR_FILE = "monitor.conf"


class LogFormat(StrEnum):
    """How the programs and tandem itself log: lines of text, or a JSON object on each line."""

    TEXT = "text"
    JSON = "json"


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
    The facts about this machine that the plan depends on.

    ``cpus`` and ``memory_mb`` are the limits of the cgroup where it has any. The processes
    run as ``user``. ``valkey`` is the program of the embedded Valkey, when its wheel is
    installed. ``open_files`` is how many files a process may open, at most. ``resolver`` is how the
    machine resolves names.
    """

    python: str
    nginx: Nginx
    cpus: float
    memory_mb: int
    has_ipv6: bool
    user: str
    is_root: bool
    valkey: str | None = None
    open_files: int = 1_048_576
    resolver: Resolver = Resolver()


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """
    A file that a target renders; ``name`` is relative to the directory it is written to.

    One that is there already is kept where ``is_kept`` is true, because its users edit it.
    """

    name: str
    content: str
    mode: int = 0o644
    is_kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recycle:
    """
    The bounds of one worker of a server; 0 is no bound.

    ``memory_bytes`` is its resident set size, which includes what it shares with its siblings.
    """

    memory_bytes: int = 0
    age_s: int = 0
    requests: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """PEM files of the edge's certificate chain and private key."""

    certificate: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """Files of further directives for NGINX's http block and for its server block."""

    http: str | None = None
    server: str | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The files that there are."""
        return tuple(each for each in (self.http, self.server) if each)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerKind:
    """
    The workers of one kind in a process: those of a server, or Channels workers.

    ``name`` is that of the stack or of the program that they are without a shared master.
    ``workers`` is the number of requests or event loops that they run at a time, ``socket`` the
    absolute path of the socket that they listen on, ``bind`` the address in addition to it, for an
    edge on another host.
    """

    name: str
    description: str
    stack: Stack | None = None
    socket: str | None = None
    workers: int = 1
    bind: Bind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """
    One process to supervise.

    ``argv`` is executed without a shell. ``priority`` is supervisord's: the lowest starts first
    and stops last. ``generation`` is set where a reload replaces the process. An ``exclusive``
    process ends before its replacement starts, because two of them may not run side by side.
    ``kinds`` are its workers: none in a program that is no server. ``replica`` is its number among
    several that are alike. It has ``stop_s`` from its stop signal to SIGKILL.
    """

    name: str
    argv: tuple[str, ...]
    description: str
    directory: str
    priority: int
    kinds: tuple[WorkerKind, ...] = ()
    generation: int | None = None
    exclusive: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    stop_signal: str = "TERM"
    stop_s: int = 10
    replica: int | None = None

    @property
    def program(self) -> str:
        """The name of its program in supervisord."""
        return programs.numbered(programs.numbered(self.name, self.replica), self.generation)

    @property
    def is_master(self) -> bool:
        """Whether it is a master of several kinds of workers."""
        return len(self.kinds) > 1

    def name_of(self, kind: WorkerKind) -> str:
        """Return the name of one of its kinds, which is that of its log and of its socket."""
        return programs.numbered(kind.name, self.generation)

    @property
    def logs(self) -> tuple[str, ...]:
        """The names of the logs that it and its workers write, without ``.log``."""
        return tuple(dict.fromkeys((*map(self.name_of, self.kinds), self.program)))

    @property
    def sockets(self) -> tuple[str, ...]:
        """The paths of the sockets that its workers listen on."""
        return tuple(kind.socket for kind in self.kinds if kind.socket)

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """The stacks that its workers serve."""
        return tuple(kind.stack for kind in self.kinds if kind.stack)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """
    The configuration of NGINX.

    ``read_timeout_s`` is the time it waits for the WSGI stack; the server waits a little longer,
    so that the client gets a 504 before the worker is killed. ``stripped_prefixes`` are removed
    from the path of a request to ASGI. ``drain_s`` is the time that open connections have when
    their stack is replaced; ``worker_shutdown_timeout_s``, the time that an old worker of NGINX
    has, is longer, or that of a stop where no reload leaves any. ``handover`` lets each stack pass
    a request to the other. ``script_name`` has no slash at its end; a path may begin with it, and
    the rules match what follows it.
    ``open_files`` is the limit for each of the ``workers`` of NGINX. Plain HTTP on the addresses
    ``redirects`` is redirected to HTTPS. ``acme_root`` is the webroot of an ACME client. ``stacks``
    are those that the project needs: on other hosts where ``peers`` has them. Bodies that are too
    large for its buffers are in ``temp_dir``, an absolute path; None: in the run directory.
    """

    nginx: Nginx
    binds: tuple[Bind, ...]
    rules: tuple[EdgeRule, ...]
    stacks: tuple[Stack, ...]
    stripped_prefixes: tuple[str, ...]
    max_body: str
    read_timeout_s: int
    drain_s: int
    worker_shutdown_timeout_s: int
    server_names: tuple[str, ...] = ()
    tls: Tls | None = None
    redirects: tuple[Bind, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    static: StaticFiles | None = None
    media: StaticFiles | None = None
    error_pages: tuple[tuple[int, str], ...] = ()
    include: Include = Include()
    acme_root: str | None = None
    temp_dir: str | None = None
    worker_user: str | None = None
    handover: bool = False
    script_name: str = ""
    open_files: int = 16_384
    workers: int = 1
    peers: Peers = Peers()

    @property
    def addresses(self) -> tuple[Bind, ...]:
        """All addresses that it listens on."""
        return (*self.binds, *self.redirects)

    @property
    def https_port(self) -> int:
        """The port that plain HTTP is redirected to."""
        ports = [bind.port for bind in self.binds]
        return HTTPS_PORT if HTTPS_PORT in ports else ports[0]

    @property
    def worker_connections(self) -> int:
        """The connections of a worker: each proxied request takes two, and files take some."""
        return int(self.open_files * CONNECTIONS_A_FILE)

    @property
    def has_asgi(self) -> bool:
        """Whether the plan has an ASGI stack."""
        return Stack.ASGI in self.stacks


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """
    What `tandem up` is given to replace a setting until the stack is stopped.

    ``env_file`` are the absolute paths of ENV_FILE, joined by colons; ``run_dir`` and ``temp_dir``
    are absolute too.
    ``is_direct`` when a gateway routes requests to the stacks, without our edge.
    """

    bind: str | None = None
    run_dir: str | None = None
    temp_dir: str | None = None
    env_file: str | None = None
    asgi: bool = False
    debug: bool = False
    user: str | None = None
    stop_s: int | None = None
    log_format: LogFormat | None = None
    roles: Roles | None = None
    is_direct: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    The routes, the edge and the processes: the one input of every target.

    ``python`` is the interpreter of the processes; ``drain_s`` is the time that older
    generations have to end. ``connections`` are the bounds of each ASGI process, None without one.
    ``open_files`` is how many files each program may open. A stop takes ``stop_s`` at most, of
    which ``stop_delay_s`` still serve. ``drain`` is how the connections of older generations end;
    None means as their own settings say. ``missing_workers`` are those of the project's task queues
    that no program runs. ``health_binds`` and ``health_socket`` are where the probes are answered,
    in addition to the socket in the run directory; ``metrics_binds`` the same of the monitor, which
    runs if ``has_monitor`` is true. ``pins`` are those of TANDEM["ROUTES"]. ``user`` is who runs
    it, with a group after a colon if that is set; empty where root makes the plan and no setting
    names a user. The members of ``reload_group`` may reload it, nobody else where that is empty.
    ``roles`` are those of this host: the processes are theirs, and the edge is one of them if
    ``has_edge`` is true. ``peers`` are those that the settings name, without the secret: an edge
    has those of them that it proxies to. ``kubernetes`` are the choices for a cluster. If
    ``is_supervised`` is false, `tandem up` becomes its only process. The routes that
    ``shifted_by_advice`` names may be shifted without a command.
    """

    project: Project
    python: str
    run_dir: str
    generation: int
    drain_s: int
    stop_s: int
    stop_delay_s: int
    verdicts: tuple[Verdict, ...]
    edge: Edge
    processes: tuple[Process, ...]
    kubernetes: Kubernetes
    pins: tuple[Pin, ...] = ()
    log_format: LogFormat = LogFormat.TEXT
    overrides: Overrides = Overrides()
    drain: DrainMode | None = None
    notes: tuple[str, ...] = ()
    connections: ConnectionLimits | None = None
    open_files: int = 4096
    missing_workers: tuple[BackgroundWorker, ...] = ()
    health_binds: tuple[Bind, ...] = ()
    health_socket: str | None = None
    checks_migrations: bool = False
    has_monitor: bool = False
    metrics_binds: tuple[Bind, ...] = ()
    user: str = ""
    reload_group: str = ""
    roles: Roles = EVERY_ROLE
    is_supervised: bool = True
    peers: Peers = Peers()
    shifted_by_advice: tuple[str, ...] = ()

    @property
    def has_edge(self) -> bool:
        """Whether NGINX runs on this host."""
        return Role.EDGE in self.roles

    @property
    def can_shift(self) -> bool:
        """Whether `tandem shift` can split the requests of a route between two stacks here."""
        has_both = len(self.edge.stacks) > 1
        return self.has_edge and self.has_monitor and self.is_supervised and has_both

    @property
    def stack_binds(self) -> dict[Stack, Bind]:
        """Where the stacks listen for an edge on another host."""
        return {stack: kind.bind for stack, kind in self.served.items() if kind.bind}

    @property
    def addresses(self) -> tuple[Bind, ...]:
        """All addresses that the edge and the stacks listen on."""
        of_edge = self.edge.addresses if self.has_edge else ()
        return (*of_edge, *self.stack_binds.values())

    @property
    def metrics(self) -> tuple[str, ...]:
        """The addresses of the monitor, each an IP address with its port."""
        return tuple(map(str, self.metrics_binds))

    @property
    def health(self) -> tuple[str, ...]:
        """The addresses of the probes, each an IP address with its port or an absolute path."""
        own = (self.health_socket,) if self.health_socket else ()
        return (*map(str, self.health_binds), *own)

    @property
    def served(self) -> dict[Stack, WorkerKind]:
        """The workers of each stack."""
        every = (kind for process in self.processes for kind in process.kinds)
        return {kind.stack: kind for kind in every if kind.stack}

    @property
    def url(self) -> str:
        """The URL to open in a browser, empty where the edge is another host."""
        if not self.has_edge:
            return ""
        bind = self.edge.binds[0]
        scheme = "https" if self.edge.tls else "http"
        # With server names, NGINX rejects a request for the bare address.
        named = next((name for name in self.edge.server_names if name[0] not in "~*."), None)
        place = f"{named}:{bind.port}" if named else str(bind.local)
        return f"{scheme}://{place}/"

"""The facts that the checks judge: frozen values, read once per run."""

from dataclasses import dataclass, field

from packaging.version import Version

from django_tandem import servers
from django_tandem.errors import MachineError, ProjectError, SettingError
from django_tandem.model import Plan, Protocol, Stack, Verdict
from django_tandem.model.roles import EVERY_ROLE, PROJECT_ROLES
from django_tandem.project.asgi_routes import AsgiFacts
from django_tandem.settings import Settings, read_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """
    One of CHANNEL_LAYERS: its alias, and its backend's dotted path.

    ``wait_s`` is how long it waits in Redis for a message, and ``read_timeout_s`` how long its
    client waits for any answer; None when either waits forever. ``unknown_options`` are those of
    its CONFIG that our layer does not have, and ``options`` all that it has.
    """

    alias: str
    backend: str
    wait_s: float | None = None
    read_timeout_s: float | None = None
    options: tuple[str, ...] = ()
    unknown_options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongMailbox:
    """A consumer class, by its dotted path, whose ``attribute`` has a value that is not a limit."""

    consumer: str
    attribute: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """
    One of DATABASES; ``conn_max_age`` None stands for connections that are never closed.

    ``missing_directory`` is where SQLite can't make its file, because there is no directory.
    """

    alias: str
    engine: str
    conn_max_age: int | None = 0
    atomic_requests: bool = False
    missing_directory: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncView:
    """A view that Django awaits; ``exempt`` are the databases it has no transaction on."""

    pattern: str
    exempt: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Static:
    """The project's static files; ``is_collected`` is true when STATIC_ROOT holds any."""

    url: str
    root: str | None = None
    is_collected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """Uploaded files that the edge serves below ``prefix``, and the ``views`` it bypasses."""

    prefix: str
    views: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPoint:
    """A wsgi.py or asgi.py, and the settings module it names."""

    file: str
    settings_module: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStore:
    """
    A store in the memory of one process: its ``name``, and the ``setting`` that chooses it.

    ``lost`` is what goes wrong with several processes, ``cure`` what to do, ``check`` the id. One
    that ``has_files`` is shared by the processes of a host. What ``holds_requests`` together, such
    as sessions, must be shared by all hosts.
    """

    name: str
    setting: str
    lost: str
    cure: str
    check: str
    has_files: bool = False
    holds_requests: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Https:
    """The header that SECURE_PROXY_SSL_HEADER reads, and whether plain HTTP is redirected."""

    proxy_header: str | None = None
    redirects: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwritable:
    """
    A path that ``user`` can't write to: a SQLite database of ``alias``, or else MEDIA_ROOT.

    ``is_file`` is false where only the directory of the database is meant.
    """

    path: str
    user: str
    alias: str = ""
    is_file: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    The plan that is to be started, and what else the checks know of the project.

    ``asgi_error`` and ``setting_error`` are why the ASGI application or TANDEM is left out of
    the plan. ``stock_modules`` make Django's own ASGI application, as a part of the project's.
    ``senders`` are modules that import ``get_channel_layer``, without those of consumers;
    ``event_senders`` those that import ``send_event``. ``events_in_process`` is true when
    django-eventstream has nothing to reach another process by. ``static`` and ``media`` are
    None when the edge has no such files to serve. ``importable`` are the WebSocket libraries.
    ``rejects_hosts`` is true when Django rejects the host of each request.
    ``local_servers`` are settings that name a server without a host, and what each names.
    ``unknown_packages`` have private code that our ASGI handler does not know.
    ``offers_redis`` is true when `tandem up` would set a REDIS_URL that these settings lack.
    ``missing`` is what this machine does not have, and ``nginx_errors`` is NGINX's output for the
    rendered edge; both are empty where no start is judged.
    """

    plan: Plan
    settings: Settings = field(default_factory=lambda: read_settings(None))
    setting_error: SettingError | None = None
    asgi_error: ProjectError | None = None
    application: AsgiFacts = AsgiFacts()
    stock_modules: tuple[str, ...] = ()
    async_views: tuple[AsyncView, ...] = ()
    layers: tuple[Layer, ...] = ()
    wrong_mailboxes: tuple[WrongMailbox, ...] = ()
    senders: tuple[str, ...] = ()
    event_senders: tuple[str, ...] = ()
    events_in_process: bool = False
    entry_points: tuple[EntryPoint, ...] = ()
    databases: tuple[DatabaseFacts, ...] = ()
    local_stores: tuple[LocalStore, ...] = ()
    local_servers: tuple[tuple[str, str], ...] = ()
    https: Https = Https()
    allowed_hosts: tuple[str, ...] = ()
    rejects_hosts: bool = False
    static: Static | None = None
    media: Media | None = None
    versions: tuple[tuple[str, Version], ...] = ()
    importable: frozenset[str] = frozenset()
    unknown_packages: tuple[str, ...] = ()
    offers_redis: bool = False
    missing: tuple[MachineError, ...] = ()
    nginx_errors: str = ""
    unwritable: tuple[Unwritable, ...] = ()

    @property
    def asgi(self) -> str | None:
        """The dotted path of the project's ASGI application."""
        return self.plan.project.asgi

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The stack of each route."""
        return self.plan.verdicts

    @property
    def serves_asgi(self) -> bool:
        """Whether `tandem up` starts an ASGI server."""
        return self.plan.edge.has_asgi

    @property
    def spans_hosts(self) -> bool:
        """Whether the project's code runs on more hosts than the one that is planned."""
        return self.plan.roles != EVERY_ROLE and bool(self.plan.roles & PROJECT_ROLES)

    @property
    def serves_http_on_asgi(self) -> bool:
        """Whether an HTTP route is served on ASGI."""
        return self._serves_http_on(Stack.ASGI)

    @property
    def serves_http_on_wsgi(self) -> bool:
        """Whether an HTTP route is served on WSGI."""
        return self._serves_http_on(Stack.WSGI)

    @property
    def channel_workers(self) -> tuple[str, ...]:
        """The channel names that a Channels worker is started for."""
        names = self.settings.channel_workers
        return self.application.channel_names if names is None else names

    def processes_on(self, stack: Stack) -> int:
        """Return how many server processes serve ``stack``."""
        chosen = self.settings.wsgi if stack is Stack.WSGI else self.settings.asgi
        one_process = servers.find(stack, chosen.server).one_process
        kind = self.plan.served.get(stack)
        if kind is None:
            return 0
        return 1 if one_process else kind.workers

    def version_of(self, distribution: str) -> Version | None:
        """Return the installed version; None when it is not installed."""
        return dict(self.versions).get(distribution)

    def _serves_http_on(self, stack: Stack) -> bool:
        return any(
            verdict.stack is stack and verdict.route.protocol is Protocol.HTTP
            for verdict in self.verdicts
        )

"""What the checks are decided from: frozen values, read once a run."""

from dataclasses import dataclass, field

from packaging.version import Version

from django_tandem.errors import ProjectError, SettingError
from django_tandem.model import Protocol, Stack, Verdict
from django_tandem.plan import served_stacks
from django_tandem.project.channels import Application
from django_tandem.settings import Settings, read_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """
    One of CHANNEL_LAYERS: its alias, and its backend's dotted path.

    ``wait_s`` is how long it has Redis wait for a message at a time, and ``read_timeout_s``
    after how long without an answer its client gives up; None when either never does.
    """

    alias: str
    backend: str
    wait_s: float | None = None
    read_timeout_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One of DATABASES; ``conn_max_age`` None stands for connections that are never closed."""

    alias: str
    engine: str
    conn_max_age: int | None = 0
    atomic_requests: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncView:
    """A view that Django awaits; ``exempt`` are the databases it has no transaction on."""

    pattern: str
    exempt: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Static:
    """The static files that the project has; ``is_collected`` says that STATIC_ROOT holds any."""

    url: str
    root: str | None = None
    is_collected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """Uploaded files that the edge serves below ``prefix``, and the ``views`` it then goes past."""

    prefix: str
    views: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPoint:
    """A wsgi.py or asgi.py, and the settings module it names."""

    file: str
    settings_module: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    A project and what is installed beside it.

    ``setting_error`` and ``asgi_error`` say why TANDEM or the ASGI application, whose path is
    ``asgi``, was left out of the rest. ``stock_modules`` make Django's own ASGI application, as
    a part of it. ``senders`` are the project's modules that import
    ``get_channel_layer``, ``event_senders`` those that import ``send_event``.
    ``events_in_process`` says that django-eventstream has nothing to reach another process by.
    ``static`` and ``media`` are None when the edge has no such files to serve.
    ``importable`` are the WebSocket libraries. ``will_offer_redis`` says that `tandem up` sets
    a REDIS_URL that was not there when these settings were read.
    """

    settings: Settings = field(default_factory=lambda: read_settings(None))
    setting_error: SettingError | None = None
    asgi: str | None = None
    asgi_error: ProjectError | None = None
    application: Application = Application()
    stock_modules: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    async_views: tuple[AsyncView, ...] = ()
    layers: tuple[Layer, ...] = ()
    senders: tuple[str, ...] = ()
    event_senders: tuple[str, ...] = ()
    events_in_process: bool = False
    entry_points: tuple[EntryPoint, ...] = ()
    databases: tuple[Database, ...] = ()
    static: Static | None = None
    media: Media | None = None
    versions: tuple[tuple[str, Version], ...] = ()
    importable: frozenset[str] = frozenset()
    will_offer_redis: bool = False

    @property
    def serves_asgi(self) -> bool:
        """Whether `tandem up` would start an ASGI server."""
        return Stack.ASGI in served_stacks(self.verdicts, self.settings)

    @property
    def serves_http_on_asgi(self) -> bool:
        """Whether a route of plain HTTP is ASGI's."""
        return any(
            verdict.stack is Stack.ASGI and verdict.route.protocol is Protocol.HTTP
            for verdict in self.verdicts
        )

    @property
    def channel_workers(self) -> tuple[str, ...]:
        """The channel names that a Channels worker would be started for."""
        names = self.settings.channel_workers
        return self.application.channel_names if names is None else names

    def version_of(self, distribution: str) -> Version | None:
        """Return the installed version; None when it is not installed."""
        return dict(self.versions).get(distribution)

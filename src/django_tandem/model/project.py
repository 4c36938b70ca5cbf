"""The facts about the Django project that the plan is made from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from django_tandem.model.routes import Route

# Names of the package of the settings that say nothing of the project.
ANY_PACKAGE = frozenset(
    {"app", "backend", "conf", "config", "core", "django", "project", "settings"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFiles:
    """
    Files in ``directory`` that NGINX serves below the URL ``prefix``.

    Without Django's hash in its name, a file may be cached for ``max_age_s``; None sets no
    Cache-Control. ``allows_any_origin`` adds the CORS header that WhiteNoise adds.
    """

    prefix: str
    directory: str
    max_age_s: int | None = 60
    allows_any_origin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardedHeaders:
    """
    The headers of a trusted proxy that Django's settings name.

    ``host`` is USE_X_FORWARDED_HOST and ``port`` USE_X_FORWARDED_PORT. ``scheme_header`` is the
    header of SECURE_PROXY_SSL_HEADER, and ``secure_value`` its value for HTTPS.
    """

    host: bool = False
    port: bool = False
    scheme_header: str = "X-Forwarded-Proto"
    secure_value: str = "https"

    @property
    def has_own_scheme_header(self) -> bool:
        """Whether the scheme is in another header than the edge itself sets."""
        return self.scheme_header != "X-Forwarded-Proto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Middleware:
    """
    One entry of settings.MIDDLEWARE, and its cost for a request on ASGI.

    ``thread_switches`` is how many thread switches it causes, and ``why`` names their cause.
    ``is_sync_only`` is true when it has no async mode.
    """

    dotted: str
    thread_switches: int = 0
    why: str = ""
    is_sync_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherUrlconf:
    """A URLconf that a middleware chooses for some requests, and its routes."""

    module: str
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundWorker:
    """
    The worker of a task queue that the project uses.

    ``arguments`` follow the Python interpreter. ``origin`` names what needs it. A program that runs
    it has one word of each of ``words`` in its command line. ``stop_signal`` lets it finish its
    tasks.
    """

    name: str
    arguments: tuple[str, ...]
    origin: str
    words: tuple[tuple[str, ...], ...]
    stop_signal: str = "TERM"

    def is_run_by(self, argv: Sequence[str]) -> bool:
        """Return whether a program with the command line ``argv`` runs it."""
        # Not by the directory of the interpreter, which may have any name.
        line = " ".join((PurePath(argv[0]).name, *argv[1:]))
        return all(any(word in line for word in alternatives) for alternatives in self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """
    A release behind a symbolic link, such as ``current``, which the next deploy moves.

    ``link`` and ``directory`` are absolute.
    """

    link: str
    directory: str

    def by_link(self, path: str) -> str:
        """Return the path that leads to the same file of each release that is live."""
        if not PurePath(path).is_relative_to(self.directory):
            return path
        return str(PurePath(self.link, PurePath(path).relative_to(self.directory)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """
    A server or a file of settings.DATABASES.

    ``vendor`` is what Django calls it, such as ``postgresql``. ``host`` is empty for a file and for
    a server on a Unix socket.
    """

    alias: str
    vendor: str
    host: str = ""
    name: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """An environment variable that the settings read, and whether they fail without it."""

    name: str
    is_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Packaging:
    """
    The files that name a project's packages.

    All of ``files`` are relative to ``root``, the project's directory or one above it. The first
    is what an installer is called with. ``python`` is a version such as ``3.13``.
    """

    root: str
    files: tuple[str, ...]
    python: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """
    The facts about the Django project that the plan is made from.

    ``wsgi`` and ``asgi`` are dotted paths of the project's applications; ``None`` stands for
    Django's default. ``static`` and ``media`` are set only when the setting names a URL of this
    site and a directory. ``channel_names`` are those of the ASGI application's ChannelNameRouter.
    ``middleware`` is ordered from the outermost on. ``has_stock_handler`` is true when Django's
    ASGI handler runs instead of tandem's. ``needs_redis`` is true when the settings use the
    embedded Valkey, ``has_local_layer`` when a channel layer lives in the memory of one process.
    ``script_name`` is FORCE_SCRIPT_NAME. ``python_path`` is the PYTHONPATH that a server needs when
    ``manage_py``, its manage.py, extends sys.path, and ``manage_py_sets`` are the variables that it
    sets. ``env_files`` are the absolute paths of ENV_FILE. ``asgi_dispatcher`` names code in the
    ASGI application that chooses by the path itself, and so may serve more than its ``routes``.
    ``needs_one_asgi_process`` is true for Socket.IO with long polling. ``uses_prometheus`` is true
    where prometheus_client is imported, and no directory of its files is set. ``other_urlconfs``
    are those that ``urlconf_setters``, the middleware that sets request.urlconf, may choose.
    ``file_headers`` are those that SecurityMiddleware sets on files as on pages;
    Strict-Transport-Security is sent by HTTPS alone. ``background_workers`` are those of its task
    queues. ``written_directories`` are those that its settings have it write to. ``release`` is set
    where it is one of a deployment.
    ``channel_layers`` are the backends of its channel layers.
    ``redis_hosts`` are those of the Redis servers that the settings name, empty for a Unix
    socket, and ``variables`` the environment variables that they read. ``packaging`` is None where
    no file names the project's packages. ``session_cookie`` is that whose value names a client:
    empty without SessionMiddleware, and where the cookie has the session itself.
    ``saves_each_session`` is true where each request saves its session on the server.
    """

    directory: str
    settings_module: str
    debug: bool
    wsgi: str | None
    asgi: str | None
    routes: tuple[Route, ...]
    channel_names: tuple[str, ...] = ()
    middleware: tuple[Middleware, ...] = ()
    has_stock_handler: bool = False
    static: StaticFiles | None = None
    static_in_debug: bool = False
    media: StaticFiles | None = None
    needs_redis: bool = False
    has_local_layer: bool = False
    script_name: str = ""
    forwarded: ForwardedHeaders = ForwardedHeaders()
    manage_py: str | None = None
    manage_py_sets: tuple[str, ...] = ()
    python_path: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    asgi_dispatcher: str = ""
    needs_one_asgi_process: bool = False
    uses_prometheus: bool = False
    other_urlconfs: tuple[OtherUrlconf, ...] = ()
    urlconf_setters: tuple[str, ...] = ()
    file_headers: tuple[tuple[str, str], ...] = ()
    background_workers: tuple[BackgroundWorker, ...] = ()
    written_directories: tuple[str, ...] = ()
    release: Release | None = None
    databases: tuple[Database, ...] = ()
    channel_layers: tuple[str, ...] = ()
    redis_hosts: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    packaging: Packaging | None = None
    session_cookie: str = ""
    saves_each_session: bool = False

    @property
    def name(self) -> str:
        """
        A name for it, of lower-case letters, digits and hyphens.

        The package of its settings, or the directory where that has a name of any project.
        """
        package = self.settings_module.partition(".")[0]
        chosen = self._directory_name if package in ANY_PACKAGE else package
        return re.sub("[^a-z0-9]+", "-", chosen.lower()).strip("-") or "site"

    @property
    def _directory_name(self) -> str:
        if self.release is None:
            return PurePath(self.directory).name
        link = PurePath(self.release.link)
        return link.parent.name if link.name == "current" else link.name

    @property
    def other_routes(self) -> tuple[Route, ...]:
        """The routes of all URLconfs that a middleware may choose."""
        return tuple(route for each in self.other_urlconfs for route in each.routes)

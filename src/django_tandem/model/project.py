"""The Django project that is served."""

from dataclasses import dataclass

from django_tandem.model.routes import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFiles:
    """Files below ``directory`` that the edge serves itself below the URL ``prefix``."""

    prefix: str
    directory: str


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
    ASGI application's ChannelNameRouter. ``middleware`` is outermost first;
    ``has_stock_handler`` says that it is Django's own ASGI handler that runs it, and not ours.
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
    has_stock_handler: bool = False
    static: StaticFiles | None = None
    static_in_debug: bool = False
    media: StaticFiles | None = None
    needs_redis: bool = False
    script_name: str = ""

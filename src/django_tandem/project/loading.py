"""A Django project, set up and read: settings, URLconf and ASGI application → Project."""

import os
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import django
from django.conf import settings as django_settings
from django.contrib.staticfiles.handlers import StaticFilesHandlerMixin
from django.core.handlers.asgi import ASGIHandler
from django.urls import URLResolver, get_resolver

from django_tandem.errors import ProjectError
from django_tandem.handler.application import DjangoApplication
from django_tandem.inprocess import prometheus_files
from django_tandem.inprocess.handler_choice import replaceable_handler
from django_tandem.model import ForwardedHeaders, Project, Route, StaticFiles, View
from django_tandem.project.asgi_components import find_component
from django_tandem.project.asgi_routes import AsgiFacts, read_application
from django_tandem.project.background_workers import read_background_workers
from django_tandem.project.deployment import (
    read_databases,
    read_packaging,
    read_variables,
    security_headers,
    written_directories,
)
from django_tandem.project.importing import (
    asgi_application_path,
    import_application,
    module_exists,
    printing_to_stderr,
    trying,
)
from django_tandem.project.location import Location, load_settings
from django_tandem.project.middleware import read_middleware, read_other_urlconfs, urlconf_setters
from django_tandem.project.redis import channel_layers, redis_hosts
from django_tandem.project.releases import find_release
from django_tandem.project.urlconf import http_routes
from django_tandem.settings import Settings, with_secret

# Its messages reach only the sending process.
IN_MEMORY_LAYER = "channels.layers.InMemoryChannelLayer"

SIGNED_COOKIES = "django.contrib.sessions.backends.signed_cookies"
WHITENOISE = "whitenoise.middleware.WhiteNoiseMiddleware"
WHITENOISE_FUNCTIONS = ("WHITENOISE_ADD_HEADERS_FUNCTION", "WHITENOISE_IMMUTABLE_FILE_TEST")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """
    A project that was read, its TANDEM setting, and its ASGI application, if it has one.

    ``asgi`` is what that application serves outside the URLconf. ``notes`` are sentences on how it
    was read, for the person who starts it.
    """

    project: Project
    settings: Settings
    application: object | None
    asgi: AsgiFacts = AsgiFacts()
    notes: tuple[str, ...] = ()


@printing_to_stderr()
def load(location: Location, *, embedded_redis: str | None = None) -> Loaded:
    """
    Set the project up and read all that the plan needs of it.

    ``embedded_redis`` is the URL of the embedded server, if REDIS_URL offers it to the settings.
    Raises ProjectError when some of it can't be imported, SettingError for its TANDEM.
    """
    # After the import, which may read a .env.
    settings = with_secret(load_settings(location), os.environ)
    hint = location.traceback_command
    trying("The project", lambda: django.setup(set_prefix=False), whole_by=hint)
    asgi = asgi_application_path()
    application = import_application(asgi, manage_py=location.manage_py) if asgi else None
    wsgi = getattr(django_settings, "WSGI_APPLICATION", None)
    # Only a module that does not exist: the servers import it, and it may take long or fail there.
    if wsgi and not module_exists(wsgi.rpartition(".")[0]):
        import_application(wsgi, manage_py=location.manage_py, kind="WSGI")
    return read(location, settings, application, embedded_redis=embedded_redis)


def read(
    location: Location,
    settings: Settings,
    application: object | None,
    *,
    embedded_redis: str | None = None,
) -> Loaded:
    """
    Read a project that Django has set up already, with its ASGI ``application``.

    Raises ProjectError for a URLconf or a middleware that can't be imported.
    """
    if not hasattr(django_settings, "ROOT_URLCONF"):
        raise _without_urlconf(location.settings_module)
    resolver = get_resolver()
    urlconf = f'The URLconf "{django_settings.ROOT_URLCONF}"'
    trying(urlconf, lambda: resolver.url_patterns, whole_by=location.traceback_command)
    asgi = read_application(application, str(location.directory)) if application else AsgiFacts()
    project = replace(
        _read_django(location, settings, application),
        routes=_routes(resolver, asgi, str(location.directory)),
        channel_names=asgi.channel_names,
        needs_redis=embedded_redis is not None and _names(embedded_redis),
        asgi_dispatcher=_shown(asgi.dispatcher) if asgi.dispatcher else "",
        needs_one_asgi_process=asgi.needs_one_process,
    )
    return Loaded(project=project, settings=settings, application=application, asgi=asgi)


def _without_urlconf(module: str) -> ProjectError:
    # settings.configure() leaves it empty, and the settings module unread.
    if django_settings.SETTINGS_MODULE:
        return ProjectError(
            f'ROOT_URLCONF is not set in "{module}".',
            hint='Set it to the module of the URLconf, such as "mysite.urls".',
        )
    return ProjectError(
        f'The settings module "{module}" was not imported: settings.configure() had been called.',
        hint="`opentelemetry-instrument` calls it: start tandem without that command, and install "
        "the extra `otel`, which traces the workers. With another such command, set "
        "DJANGO_SETTINGS_MODULE in the environment.",
    )


def _read_django(location: Location, settings: Settings, application: object | None) -> Project:
    """Return what Django's settings and the place of the project say of it, without its routes."""
    has_stock_handler = settings.asgi.handler == "django" or holds_stock_handler(application)
    return Project(
        directory=str(location.directory),
        settings_module=location.settings_module,
        debug=django_settings.DEBUG,
        wsgi=getattr(django_settings, "WSGI_APPLICATION", None),
        asgi=asgi_application_path(),
        routes=(),
        middleware=read_middleware(is_stock=has_stock_handler),
        has_stock_handler=has_stock_handler,
        static=_static(),
        static_in_debug=django_settings.DEBUG and _has_staticfiles(),
        media=site_files(django_settings.MEDIA_URL, django_settings.MEDIA_ROOT),
        has_local_layer=_has_local_layer(),
        script_name=django_settings.FORCE_SCRIPT_NAME or "",
        session_cookie=_session_cookie(),
        saves_each_session=_saves_each_session(),
        forwarded=_forwarded(),
        manage_py=str(location.manage_py) if location.manage_py else None,
        manage_py_sets=location.manage_py_sets,
        python_path=location.python_path,
        env_files=location.env_files,
        other_urlconfs=read_other_urlconfs(settings.urlconfs, str(location.directory)),
        urlconf_setters=urlconf_setters(),
        file_headers=security_headers(),
        background_workers=read_background_workers(location),
        uses_prometheus=_uses_prometheus(),
        written_directories=written_directories(location.directory),
        release=find_release(location.directory),
        databases=read_databases(),
        channel_layers=channel_layers(),
        redis_hosts=redis_hosts(),
        variables=read_variables(location.settings_module),
        packaging=read_packaging(location.directory),
    )


def _session_cookie() -> str:
    # Also that of a subclass, which projects name alike.
    has_sessions = any(each.endswith("SessionMiddleware") for each in django_settings.MIDDLEWARE)
    # A session that is in its cookie has another value after each change.
    is_constant = django_settings.SESSION_ENGINE != SIGNED_COOKIES
    return django_settings.SESSION_COOKIE_NAME if has_sessions and is_constant else ""


def _saves_each_session() -> bool:
    return bool(_session_cookie()) and django_settings.SESSION_SAVE_EVERY_REQUEST


def _routes(resolver: URLResolver, asgi: AsgiFacts, directory: str) -> tuple[Route, ...]:
    """Return the routes in the order in which they are tried."""
    static = _static()
    # Channels tries its own HTTP routes before Django's.
    return (
        *(route for route in asgi.http_routes if not _is_within(route, static)),
        *http_routes(resolver, directory),
        *asgi.websocket_routes,
    )


def holds_stock_handler(application: Any) -> bool:
    """Return whether Django's own handler serves where `tandem up` can't replace it by ours."""
    own = replaceable_handler(application)
    return find_component(application, lambda one: _is_stock(one) and one is not own) is not None


def _is_stock(target: Any) -> bool:
    # The static files handler wraps another one, which is found separately.
    ours = (DjangoApplication, StaticFilesHandlerMixin)
    return isinstance(target, ASGIHandler) and not isinstance(target, ours)


def _forwarded() -> ForwardedHeaders:
    header, value = django_settings.SECURE_PROXY_SSL_HEADER or ("", "")
    found = ForwardedHeaders(
        host=django_settings.USE_X_FORWARDED_HOST, port=django_settings.USE_X_FORWARDED_PORT
    )
    if not re.fullmatch(r"HTTP_[A-Z0-9_]+", header):
        return found
    name = header.removeprefix("HTTP_").replace("_", "-").title()
    return replace(found, scheme_header=name, secure_value=value)


def site_files(url: str | None, directory: str | os.PathLike[str] | None) -> StaticFiles | None:
    """Return the files below ``url``; None unless that is a path of this site, not its root."""
    if not url or not directory or not url.startswith("/") or url == "/":
        return None
    return StaticFiles(prefix=f"{url.rstrip('/')}/", directory=str(Path(directory).resolve()))


def _names(url: str) -> bool:
    """Return whether the settings use the URL they were offered."""
    values = (getattr(django_settings, name, None) for name in ("CHANNEL_LAYERS", "CACHES"))
    return any(url in repr(value) for value in values)


def _has_local_layer() -> bool:
    layers = getattr(django_settings, "CHANNEL_LAYERS", None) or {}
    return any(layer.get("BACKEND") == IN_MEMORY_LAYER for layer in layers.values())


def _has_staticfiles() -> bool:
    return "django.contrib.staticfiles" in django_settings.INSTALLED_APPS


def _uses_prometheus() -> bool:
    # Nothing that a command of ours imports imports it.
    is_imported = "prometheus_client" in sys.modules
    return is_imported and prometheus_files.VARIABLE not in os.environ


def _static() -> StaticFiles | None:
    # With DEBUG the files are served as they are written, not as they were last collected.
    if django_settings.DEBUG or not _has_staticfiles():
        return None
    found = site_files(django_settings.STATIC_URL, django_settings.STATIC_ROOT)
    if found is None or WHITENOISE not in django_settings.MIDDLEWARE:
        return found
    # Only WhiteNoise itself can call these.
    if any(getattr(django_settings, name, None) for name in WHITENOISE_FUNCTIONS):
        return None
    max_age = getattr(django_settings, "WHITENOISE_MAX_AGE", 60)
    return replace(
        found,
        max_age_s=None if max_age is None else int(max_age),
        allows_any_origin=getattr(django_settings, "WHITENOISE_ALLOW_ALL_ORIGINS", True),
    )


def _is_within(route: Route, static: StaticFiles | None) -> bool:
    # The edge serves these files, also where asgi.py would.
    return static is not None and route.match.prefix.startswith(static.prefix)


def _shown(view: View) -> str:
    return f"{view.dotted} ({view.source})" if view.source else view.dotted

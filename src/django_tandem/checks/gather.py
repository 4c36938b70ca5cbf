"""The Django project at hand → Facts, each of them read once."""

import os
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings as django_settings
from django.db import connections
from django.urls import get_resolver
from packaging.version import Version

from django_tandem import servers
from django_tandem.checks.application import read_stock_modules
from django_tandem.checks.entries import read_entry_points
from django_tandem.checks.facts import AsyncView, Database, Facts
from django_tandem.checks.layers import read_layers
from django_tandem.checks.media import read_media
from django_tandem.checks.static import read_static
from django_tandem.errors import ProjectError, SettingError
from django_tandem.model import Route, Stack, Verdict
from django_tandem.plan.binds import binds
from django_tandem.project.asgi_application import asgi_application_path, import_application
from django_tandem.project.channels import Application, read_application
from django_tandem.project.urlconf import Endpoint, endpoints, route_of
from django_tandem.routing.policy import decide_all
from django_tandem.runtime.host import find_valkey
from django_tandem.settings import Settings, read_settings

_DISTRIBUTIONS = ("asgiref", "daphne", "gunicorn")
_WEBSOCKET_LIBRARIES = ("websockets", "wsproto")
_EVENT_CARRIERS = ("EVENTSTREAM_REDIS", "GRIP_URL", "GRIP_PROXIES")
_INSTALLED = {"site-packages", "dist-packages"}


def gather(*, before_up: bool) -> Facts:
    """Read the project that is set up; ``before_up`` says that `tandem up` is yet to come."""
    directory = str(Path.cwd())
    ends = _ends()
    routes = tuple((endpoint, route_of(endpoint, directory)) for endpoint in ends)
    asgi = asgi_application_path()
    application, asgi_error = _application(asgi, directory)
    every = (
        *application.http_routes,
        *(route for _, route in routes),
        *application.websocket_routes,
    )
    settings, verdicts, setting_error = _tandem(every)
    return Facts(
        settings=settings,
        setting_error=setting_error,
        asgi=asgi,
        asgi_error=asgi_error,
        application=application,
        stock_modules=read_stock_modules(
            asgi, _importers("get_asgi_application", "django.core.asgi")
        ),
        verdicts=verdicts,
        async_views=tuple(_async_views(routes)),
        layers=tuple(read_layers()),
        senders=tuple(_importers("get_channel_layer", "channels.layers")),
        event_senders=tuple(_importers("send_event", "django_eventstream.eventstream")),
        events_in_process=_has_events_in_process(),
        entry_points=tuple(read_entry_points(asgi)),
        databases=tuple(_databases()),
        static=read_static(),
        media=read_media(routes) if settings.edge.media else None,
        versions=tuple(_versions()),
        importable=frozenset(name for name in _WEBSOCKET_LIBRARIES if find_spec(name)),
        will_offer_redis=before_up and "REDIS_URL" not in os.environ and find_valkey() is not None,
    )


def _ends() -> tuple[Endpoint, ...]:
    # Django's own checks say what is wrong with a project that has no URLconf.
    return tuple(endpoints(get_resolver())) if hasattr(django_settings, "ROOT_URLCONF") else ()


def _application(asgi: str | None, directory: str) -> tuple[Application, ProjectError | None]:
    if asgi is None:
        return Application(), None
    try:
        return read_application(import_application(asgi), directory), None
    except ProjectError as error:
        return Application(), error


def _tandem(routes: tuple[Route, ...]) -> tuple[Settings, tuple[Verdict, ...], SettingError | None]:
    try:
        settings = read_settings(getattr(django_settings, "TANDEM", None))
        servers.find(Stack.WSGI, settings.wsgi.server)
        servers.find(Stack.ASGI, settings.asgi.server)
        binds(settings.bind, has_ipv6=True)
        return settings, decide_all(routes, settings.routes, handover=settings.handover), None
    except SettingError as error:
        # The other checks go on with the defaults.
        return read_settings(None), decide_all(routes, ()), error


def _async_views(routes: tuple[tuple[Endpoint, Route], ...]) -> Iterator[AsyncView]:
    for endpoint, route in routes:
        if route.view.is_coroutine:
            # Where Django's own handler looks for what non_atomic_requests() says.
            exempt = getattr(endpoint.callback, "_non_atomic_requests", ())
            yield AsyncView(pattern=route.pattern, exempt=frozenset(exempt))


def _importers(function: str, home: str) -> Iterator[str]:
    """Yield the project's own modules that import ``function`` from the module ``home``."""
    wanted = getattr(sys.modules.get(home), function, None)
    if wanted is None:
        return
    for name, module in sorted(sys.modules.items()):
        if getattr(module, "__dict__", {}).get(function) is not wanted:
            continue
        file = Path(getattr(module, "__file__", None) or "")
        is_own = name.partition(".")[0] != home.partition(".")[0]
        if is_own and _INSTALLED.isdisjoint(file.parts):
            yield name


def _has_events_in_process() -> bool:
    # A GRIP proxy, such as Pushpin, holds the streams itself, and is told of every event.
    if "django_eventstream" not in django_settings.INSTALLED_APPS:
        return False
    return not any(hasattr(django_settings, name) for name in _EVENT_CARRIERS)


def _databases() -> Iterator[Database]:
    for alias, database in connections.settings.items():
        yield Database(
            alias=alias,
            engine=database["ENGINE"],
            conn_max_age=database["CONN_MAX_AGE"],
            atomic_requests=database["ATOMIC_REQUESTS"],
        )


def _versions() -> Iterator[tuple[str, Version]]:
    for distribution in _DISTRIBUTIONS:
        try:
            yield distribution, Version(version(distribution))
        except PackageNotFoundError:
            continue

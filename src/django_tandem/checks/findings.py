"""Every check in order, and the facts that they judge, of a loaded or of this very project."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings as django_settings
from django.core.checks import CheckMessage
from django.urls import get_resolver

from django_tandem import pipeline
from django_tandem.checks import channels, edge, installed, machine, project, stores
from django_tandem.checks.facts import AsyncView, Facts
from django_tandem.errors import MachineError, ProjectError, SettingError
from django_tandem.model import Host, Plan, Route
from django_tandem.pipeline import Loaded
from django_tandem.project.asgi_routes import AsgiFacts
from django_tandem.project.importing import asgi_application_path, import_application
from django_tandem.project.location import Location
from django_tandem.project.urlconf import UrlEndpoint, endpoints, route_of
from django_tandem.runtime import run_dir
from django_tandem.runtime.host import ANY_NGINX, find_nginx, find_valkey, host_with, read_nginx
from django_tandem.runtime.preflight import edge_errors
from django_tandem.settings import Settings, read_settings, with_secret

Check = Callable[[Facts], Iterable[CheckMessage]]

# In the order of their messages: what the rest is read from comes first.
CHECKS: tuple[Check, ...] = (
    project.setting_is_read,
    project.application_is_imported,
    project.entry_points_agree,
    project.hosts_are_allowed,
    project.application_is_ours,
    channels.layer_is_shared,
    channels.layer_options_are_known,
    channels.worker_has_a_layer,
    channels.senders_have_a_layer,
    channels.client_waits_long_enough,
    channels.origin_is_checked,
    channels.mailboxes_have_limits,
    channels.events_are_shared,
    stores.servers_are_reached,
    stores.databases_are_reached,
    stores.stores_are_reached,
    stores.stores_are_shared,
    installed.handler_knows_the_packages,
    installed.daphne_is_safe,
    installed.gunicorn_does_not_leak,
    installed.uvicorn_speaks_websocket,
    stores.async_views_have_no_transaction,
    stores.connections_are_not_leaked,
    stores.directories_exist,
    edge.static_root_is_set,
    edge.static_files_are_collected,
    edge.media_has_no_guard,
    machine.database_is_writable,
    machine.media_root_is_writable,
    edge.forwarded_scheme_is_trusted,
    edge.redirect_has_names,
    machine.machine_has_all,
    machine.nginx_accepts_the_edge,
)

# What could be better: not before each start.
ADVICE: tuple[Check, ...] = (channels.layer_works_once_a_process,)

_INSTALLED = {"site-packages", "dist-packages"}


def findings(facts: Facts) -> list[CheckMessage]:
    """Return the messages of all checks on ``facts``."""
    return [message for check in CHECKS for message in check(facts)]


def advice(facts: Facts) -> list[CheckMessage]:
    """Return what could be better in a project that works."""
    return [message for check in ADVICE for message in check(facts)]


def gather(
    plan: Plan,
    loaded: Loaded,
    *,
    setting_error: SettingError | None = None,
    asgi_error: ProjectError | None = None,
    before_up: bool = False,
    on_this_machine: bool = False,
) -> Facts:
    """
    Return the facts of a project that Django has set up, and of its plan.

    ``before_up`` is true for settings read without the REDIS_URL of `tandem up`, and
    ``on_this_machine`` for a plan that is judged as a start here would be.
    """
    missing = tuple(machine.read_missing(plan, loaded.settings)) if on_this_machine else ()
    return replace(
        _facts_of_project(plan, loaded),
        setting_error=setting_error,
        asgi_error=asgi_error,
        # Another user may run `manage.py check` than the stack.
        unwritable=() if before_up else tuple(machine.read_unwritable(plan.project.directory)),
        offers_redis=before_up and "REDIS_URL" not in os.environ and find_valkey() is not None,
        missing=missing,
        nginx_errors=edge_errors(plan) if on_this_machine and not missing else "",
    )


def _facts_of_project(plan: Plan, loaded: Loaded) -> Facts:
    """Return the facts that are the same on every machine with these packages."""
    databases = tuple(stores.read_databases())
    is_atomic = any(each.atomic_requests for each in databases)
    has_media = loaded.settings.edge.media
    routes = tuple(_routes(plan)) if is_atomic or has_media else ()
    return Facts(
        plan=plan,
        settings=loaded.settings,
        application=loaded.asgi,
        stock_modules=_stock_modules(plan),
        async_views=tuple(_async_views(routes)) if is_atomic else (),
        layers=tuple(channels.read_layers()),
        wrong_mailboxes=tuple(channels.read_wrong_mailboxes()),
        senders=tuple(_senders(loaded.asgi)),
        event_senders=tuple(importers("send_event", "django_eventstream.eventstream")),
        events_in_process=channels.lacks_event_carrier(),
        entry_points=tuple(project.read_entry_points(plan.project.asgi)),
        databases=databases,
        local_stores=tuple(
            stores.read_local_stores(importers, has_monitor=loaded.settings.monitor)
        ),
        local_servers=tuple(stores.read_local_servers()),
        https=edge.read_https(),
        allowed_hosts=tuple(django_settings.ALLOWED_HOSTS),
        rejects_hosts=not django_settings.DEBUG and not django_settings.ALLOWED_HOSTS,
        static=edge.read_static(),
        media=edge.read_media(routes) if has_media else None,
        versions=tuple(installed.read_versions()),
        importable=installed.importable_libraries(),
        unknown_packages=installed.unknown_packages(),
    )


def importers(name: str, home: str) -> Iterator[str]:
    """Yield the project's own modules that import ``name`` from the module ``home``."""
    wanted = getattr(sys.modules.get(home), name, None)
    if wanted is None:
        return
    for module_name, module in sorted(sys.modules.items()):
        if _namespace(module).get(name) is not wanted:
            continue
        file = Path(getattr(module, "__file__", None) or "")
        is_own = module_name.partition(".")[0] != home.partition(".")[0]
        if is_own and _INSTALLED.isdisjoint(file.parts):
            yield module_name


def _namespace(module: object) -> Mapping[str, object]:
    # The usual access to an attribute would load a module of importlib.util.LazyLoader.
    try:
        names: Mapping[str, object] = object.__getattribute__(module, "__dict__")
    except AttributeError:
        return {}
    return names


def _senders(application: AsgiFacts) -> Iterator[str]:
    """Yield the modules that may send over a channel layer outside of consumers."""
    of_consumers = {route.view.dotted.rpartition(".")[0] for route in application.websocket_routes}
    for module in importers("get_channel_layer", "channels.layers"):
        if module not in of_consumers:
            yield module


def _stock_modules(plan: Plan) -> tuple[str, ...]:
    asgi = plan.project.asgi
    if asgi is None or not plan.project.has_stock_handler:
        return ()
    found = tuple(importers("get_asgi_application", "django.core.asgi"))
    return found or (asgi.rpartition(".")[0],)


def _routes(plan: Plan) -> Iterator[tuple[UrlEndpoint, Route]]:
    for endpoint in endpoints(get_resolver()):
        yield endpoint, route_of(endpoint, plan.project.directory)


def _async_views(routes: tuple[tuple[UrlEndpoint, Route], ...]) -> Iterator[AsyncView]:
    for endpoint, route in routes:
        if route.view.is_coroutine:
            # Where Django's own handler looks for the mark of non_atomic_requests().
            exempt = getattr(endpoint.callback, "_non_atomic_requests", ())
            yield AsyncView(pattern=route.pattern, exempt=frozenset(exempt))


def judge_project() -> list[CheckMessage]:
    """
    Return the findings on the project that this process has set up.

    A project without a URLconf can't be served, and Django's own checks report one that can't be
    imported.
    """
    try:
        return findings(_facts())
    except ProjectError:
        return []


def _facts() -> Facts:
    setting_error = None
    try:
        settings = read_settings(getattr(django_settings, "TANDEM", None))
        loaded, asgi_error = _loaded(with_secret(settings, os.environ))
        plan = _plan(loaded)
    except SettingError as error:
        # The other checks use the defaults.
        setting_error = error
        loaded, asgi_error = _loaded(read_settings(None))
        plan = _plan(loaded)
    return gather(plan, loaded, setting_error=setting_error, asgi_error=asgi_error, before_up=True)


def _loaded(settings: Settings) -> tuple[Loaded, ProjectError | None]:
    location = Location(
        directory=_directory(), settings_module=django_settings.SETTINGS_MODULE or ""
    )
    asgi = asgi_application_path()
    try:
        application = import_application(asgi) if asgi else None
    except ProjectError as error:
        return pipeline.read(location, settings, None), error
    return pipeline.read(location, settings, application), None


def _plan(loaded: Loaded) -> Plan:
    directory = run_dir.locate(loaded.project.directory, loaded.settings.run_dir)
    host = _host(loaded.settings)
    return pipeline.plan(loaded, pipeline.decide(loaded), host, run_dir=str(directory))


def _host(settings: Settings) -> Host:
    try:
        nginx = read_nginx(find_nginx(settings.edge.nginx))
    except MachineError:
        # The checks judge no rule of NGINX's, so a machine without one can run them too.
        nginx = ANY_NGINX
    return host_with(nginx)


def _directory() -> Path:
    """Return where manage.py lies, from the settings module on upwards."""
    module = django_settings.SETTINGS_MODULE
    # None after settings.configure().
    spec = find_spec(module) if module else None
    start = Path(spec.origin).parent if spec and spec.origin else Path.cwd()
    found = (each for each in (start, *start.parents) if (each / "manage.py").is_file())
    return next(found, Path.cwd())

"""The checks on the project of the running process, which Django has set up already."""

from importlib.util import find_spec
from pathlib import Path

from django.conf import settings as django_settings
from django.core.checks import CheckMessage

from django_tandem import pipeline
from django_tandem.checks.facts import Facts
from django_tandem.checks.findings import findings, gather
from django_tandem.errors import MachineError, ProjectError, SettingError
from django_tandem.model import Host, Nginx, Plan
from django_tandem.pipeline import Loaded
from django_tandem.project.importing import asgi_application_path, import_application
from django_tandem.project.location import Location
from django_tandem.runtime import run_dir
from django_tandem.runtime.host import find_nginx, host_with, read_nginx
from django_tandem.settings import Settings, read_settings

# The checks judge no rule of NGINX's, so a machine without one can run them too.
_ANY_NGINX = Nginx(program="nginx", version=(1, 28, 0))


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
    try:
        loaded, asgi_error = _loaded(read_settings(getattr(django_settings, "TANDEM", None)))
        plan = _plan(loaded)
    except SettingError as error:
        # The other checks go on with the defaults.
        loaded, asgi_error = _loaded(read_settings(None))
        return gather(
            _plan(loaded), loaded, setting_error=error, asgi_error=asgi_error, before_up=True
        )
    return gather(plan, loaded, asgi_error=asgi_error, before_up=True)


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
        nginx = _ANY_NGINX
    return host_with(nginx)


def _directory() -> Path:
    """Return where manage.py lies, from the settings module on upwards."""
    module = django_settings.SETTINGS_MODULE
    # None after settings.configure().
    spec = find_spec(module) if module else None
    start = Path(spec.origin).parent if spec and spec.origin else Path.cwd()
    found = (each for each in (start, *start.parents) if (each / "manage.py").is_file())
    return next(found, Path.cwd())

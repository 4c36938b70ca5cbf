"""Checks of the settings, the entry points and the ASGI application."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own name

from django_tandem.checks.facts import EntryPoint, Facts
from django_tandem.project.location import settings_named_in


def setting_is_read(facts: Facts) -> Iterator[CheckMessage]:
    """Find a TANDEM setting that every command refuses."""
    error = facts.setting_error
    if error is None:
        return
    yield Error(error.message, hint=error.hint, obj="TANDEM", id="tandem.E001")


def application_is_imported(facts: Facts) -> Iterator[CheckMessage]:
    """Find an ASGI application that can't be imported."""
    error = facts.asgi_error
    if error is None:
        return
    yield Error(error.message, hint=error.hint, obj=facts.asgi, id="tandem.E002")


def entry_points_agree(facts: Facts) -> Iterator[CheckMessage]:
    """Find a wsgi.py and an asgi.py that name different settings."""
    if len({entry.settings_module for entry in facts.entry_points}) < 2:
        return
    named = ", ".join(
        f'{entry.file} names "{entry.settings_module}"' for entry in facts.entry_points
    )
    yield Warning(
        f"The entry points name different settings modules: {named}.",
        hint="Name the same one in both. `tandem` serves both stacks with one settings "
        "module: that of --settings, else of DJANGO_SETTINGS_MODULE, else of manage.py.",
        obj=facts.entry_points[-1].file,
        id="tandem.W008",
    )


def hosts_are_allowed(facts: Facts) -> Iterator[CheckMessage]:
    """Find settings with which `runserver` does not start, and every page is a 400."""
    if not facts.rejects_hosts:
        return
    yield Warning(
        "DEBUG is False and ALLOWED_HOSTS is empty, so Django rejects the host of each request.",
        hint="Name the hosts of the site in ALLOWED_HOSTS, such as "
        '["www.example.com"]; a client gets 400 until then.',
        obj="ALLOWED_HOSTS",
        id="tandem.W020",
    )


def application_is_ours(facts: Facts) -> Iterator[CheckMessage]:
    """Find an ASGI application that holds Django's own, where ours switches threads less."""
    if facts.settings.asgi.handler == "django":
        return
    for module in facts.stock_modules:
        yield Warning(
            f"{module} makes Django's own ASGI application: each synchronous middleware causes "
            "a thread switch, and each request with synchronous code takes its own thread "
            "and database connection.",
            hint="Import get_asgi_application from django_tandem.asgi instead: Django's own "
            "middleware runs without thread switches, a synchronous view takes one, and threads "
            "and their connections are bounded and reused.",
            obj=module,
            id="tandem.W009",
        )


def read_entry_points(asgi: str | None) -> Iterator[EntryPoint]:
    """Yield wsgi.py and asgi.py where they name settings; ``asgi`` is the dotted path of one."""
    for application in (getattr(django_settings, "WSGI_APPLICATION", None), asgi):
        file = _file(application) if application else None
        named = settings_named_in(file) if file else None
        if file and named:
            yield EntryPoint(file=_shown(file), settings_module=named)


def _file(application: str) -> Path | None:
    try:
        spec = find_spec(application.rpartition(".")[0])
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.has_location and spec.origin else None


def _shown(file: Path) -> str:
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)

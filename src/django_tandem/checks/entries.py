"""The project's wsgi.py and asgi.py, and the settings that each names."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings as django_settings

from django_tandem.checks.facts import EntryPoint
from django_tandem.project.location import settings_named_in


def read_entry_points(asgi: str | None) -> Iterator[EntryPoint]:
    """Yield those that name settings; ``asgi`` is the path of the ASGI application."""
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

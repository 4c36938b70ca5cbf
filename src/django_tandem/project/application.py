"""The project's ASGI application: where it is, and its import."""

from importlib.util import find_spec

from django.conf import settings
from django.utils.module_loading import import_string

from django_tandem.project.importing import trying


def asgi_application_path() -> str | None:
    """Return the dotted path of the project's ASGI application; None when it has none."""
    named = getattr(settings, "ASGI_APPLICATION", None)
    if named:
        return str(named)
    beside = [
        getattr(settings, "WSGI_APPLICATION", None),
        getattr(settings, "ROOT_URLCONF", None),
    ]
    for dotted in beside:
        package = _package(dotted)
        if package is not None and _exists(f"{package}.asgi"):
            return f"{package}.asgi.application"
    return None


def import_application(dotted: str) -> object:
    """Import the application at ``dotted``; raise ProjectError for whatever that raises."""
    module = dotted.rpartition(".")[0] or dotted
    found: object = trying(
        f'The ASGI application "{dotted}"',
        lambda: import_string(dotted),
        # `check` never imports it, or turns what it raised into a message.
        whole_by=f"python manage.py shell -c 'import {module}'",
    )
    return found


def _package(dotted: str | None) -> str | None:
    if not isinstance(dotted, str):
        return None
    # "config.wsgi.application" and "config.urls" both lie in the package "config".
    parts = dotted.split(".")
    depth = -2 if parts[-1] == "application" else -1
    return ".".join(parts[:depth]) or None


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False

"""The project's static files, as far as the edge has to serve them."""

import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings as django_settings
from django.contrib.staticfiles.finders import get_finders

from django_tandem.checks.facts import Static


def read_static() -> Static | None:
    """Return what is known of them; None when there are none, or another serves them."""
    url = django_settings.STATIC_URL
    if not _is_edges(url) or not any(_files()):
        return None
    root = django_settings.STATIC_ROOT
    return Static(
        url=url,
        root=str(root) if root else None,
        is_collected=bool(root) and _holds_any(Path(root)),
    )


def _is_edges(url: str | None) -> bool:
    # With DEBUG they are served as they are written, not as they were collected.
    if django_settings.DEBUG or "django.contrib.staticfiles" not in django_settings.INSTALLED_APPS:
        return False
    # WhiteNoise can serve them from where they were written too.
    whitenoise = getattr(django_settings, "WHITENOISE_USE_FINDERS", False)
    return bool(url) and str(url).startswith("/") and not whitenoise


def _files() -> Iterator[bool]:
    for finder in get_finders():
        for _ in finder.list([]):
            yield True


def _holds_any(directory: Path) -> bool:
    try:
        with os.scandir(directory) as entries:
            return any(True for _ in entries)
    except OSError:
        return False

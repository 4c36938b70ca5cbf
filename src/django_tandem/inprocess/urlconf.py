"""Imports the project's URLconf as its first request would, and before there is one."""

import contextlib
from collections.abc import Iterator

from django.conf import settings
from django.urls import clear_script_prefix, get_resolver, set_script_prefix


def script_name() -> str:
    """Return FORCE_SCRIPT_NAME without a slash at its end, empty if it is not set."""
    return (settings.FORCE_SCRIPT_NAME or "").rstrip("/")


def import_urlconf() -> None:
    """
    Import the URLconf that is the default.

    The first request is too late for forked workers to share it, and too late to refuse a broken
    one.
    """
    if getattr(settings, "ROOT_URLCONF", None):
        with script_prefix():
            get_resolver().url_patterns  # noqa: B018 - reading it imports


@contextlib.contextmanager
def script_prefix() -> Iterator[None]:
    """Set the prefix of a request: Django keeps MEDIA_URL and STATIC_URL as first read."""
    set_script_prefix(f"{script_name()}/")
    try:
        yield
    finally:
        clear_script_prefix()

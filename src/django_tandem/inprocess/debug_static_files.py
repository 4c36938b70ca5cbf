"""Serves the apps' static files in development, on either stack, as runserver does."""

import os
from typing import Any

from django.conf import settings

from django_tandem import environment
from django_tandem.inprocess.urlconf import script_name, script_prefix
from django_tandem.model import Stack


def with_static_files(application: Any, stack: Stack) -> Any:
    """Serve the apps' static files in front of ``application``, if the environment says so."""
    is_wanted = os.environ.get(environment.STATIC) == "1" and settings.DEBUG
    if not is_wanted or "django.contrib.staticfiles" not in settings.INSTALLED_APPS:
        return application
    # Its module needs the apps to be loaded.
    from django.contrib.staticfiles.handlers import (  # noqa: PLC0415
        ASGIStaticFilesHandler,
        StaticFilesHandler,
    )

    handler: Any = StaticFilesHandler if stack is Stack.WSGI else ASGIStaticFilesHandler

    class StaticFiles(handler):  # type: ignore[misc]
        """
        The handler of runserver below a script name.

        Of the paths that it compares, some begin with the script name and some do not.
        """

        def get_base_url(self) -> str:
            return str(super().get_base_url()).removeprefix(script_name())

        def _should_handle(self, path: str) -> bool:
            return bool(super()._should_handle(path.removeprefix(script_name())))

        def file_path(self, url: str) -> str:
            return str(super().file_path(url.removeprefix(script_name())))

    with script_prefix():
        return StaticFiles(application)

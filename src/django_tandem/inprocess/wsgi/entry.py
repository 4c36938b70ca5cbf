"""The application that a WSGI server is told to serve: the project's own, in our layers."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver
from django.utils.module_loading import import_string

from django_tandem.inprocess import handover
from django_tandem.inprocess.counts import from_environment
from django_tandem.inprocess.loading import telling
from django_tandem.inprocess.policy import read_pins
from django_tandem.inprocess.wsgi.awaited import Awaited
from django_tandem.inprocess.wsgi.chunked import Chunked
from django_tandem.inprocess.wsgi.handover import HandOver
from django_tandem.inprocess.wsgi.memory import settle
from django_tandem.inprocess.wsgi.parity import Parity
from django_tandem.inprocess.wsgi.protocol import Application
from django_tandem.inprocess.wsgi.ready import Ready
from django_tandem.model import Stack


def load() -> Application:
    """Return the application that the environment names, else the one Django makes."""
    dotted = os.environ.get("TANDEM_WSGI_APPLICATION")
    application: Application = import_string(dotted) if dotted else get_wsgi_application()
    # Django imports the URLconf at the first request: too late to be shared by the
    # workers that are forked from here, and too late to refuse what can't be imported.
    if getattr(settings, "ROOT_URLCONF", None):
        get_resolver().url_patterns  # noqa: B018 - to read it is to import it
    return application


def with_static_files(application: Application) -> Application:
    """Serve the apps' static files as runserver does, when the environment asks for it."""
    wanted = os.environ.get("TANDEM_STATIC") == "1" and settings.DEBUG
    if not wanted or "django.contrib.staticfiles" not in settings.INSTALLED_APPS:
        return application
    # Its module needs the apps to be loaded.
    from django.contrib.staticfiles.handlers import StaticFilesHandler  # noqa: PLC0415

    # Its stubs ask for Django's own handler, but it calls any application.
    return StaticFilesHandler(application)  # type: ignore[arg-type]


with telling(Stack.WSGI):
    # Before the project is loaded: handlers it makes from then on ask.
    if handover.is_enabled():
        handover.install(Stack.WSGI, read_pins())
    project = with_static_files(load())
    if handover.is_enabled():
        project = HandOver(project, from_environment())
    application = Ready(Awaited(Chunked(Parity(project, settings.FORCE_SCRIPT_NAME or ""))))
    # uWSGI too forks after it has loaded this module; for servers that do not, it is harmless.
    settle()

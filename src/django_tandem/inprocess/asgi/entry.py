"""The application that an ASGI server is told to serve: the project's own, in our layers."""

import os
from typing import Any, cast

from django.conf import settings
from django.urls import get_resolver
from django.utils.module_loading import import_string

from django_tandem.asgi import get_asgi_application
from django_tandem.handler.consumers import Threads
from django_tandem.handler.protocol import Application
from django_tandem.inprocess import handover
from django_tandem.inprocess.asgi import lasting
from django_tandem.inprocess.asgi.drain import Drain
from django_tandem.inprocess.asgi.handover import HandOver
from django_tandem.inprocess.asgi.lifespan import Lifespan
from django_tandem.inprocess.asgi.parity import Parity
from django_tandem.inprocess.asgi.ready import Ready
from django_tandem.inprocess.asgi.refusal import Refusal
from django_tandem.inprocess.asgi.stock import replaced
from django_tandem.inprocess.asgi.streams import Streams
from django_tandem.inprocess.asgi.watch import own_watch
from django_tandem.inprocess.counts import from_environment
from django_tandem.inprocess.loading import telling
from django_tandem.inprocess.policy import read_pins
from django_tandem.model import Stack


def load() -> Application:
    """Return the application that the environment names, with our handler; else our own."""
    dotted = os.environ.get("TANDEM_ASGI_APPLICATION")
    application: Any = replaced(import_string(dotted)) if dotted else get_asgi_application()
    # Django imports the URLconf at the first request: too late to refuse a broken one.
    if getattr(settings, "ROOT_URLCONF", None):
        get_resolver().url_patterns  # noqa: B018 - reading it imports
    # Channels' routers are untyped.
    return cast(Application, application)


with telling(Stack.ASGI):
    # Before the project is loaded: handlers it makes from then on ask.
    if handover.is_enabled():
        handover.install(Stack.ASGI, read_pins())
    project: Application = Streams(Refusal(Threads(load())))
    # Once the project is loaded it is known whether it uses Channels.
    lasting.install()
    if handover.is_enabled():
        project = HandOver(project, from_environment())
    project = Lifespan(Parity(project, settings.FORCE_SCRIPT_NAME or ""))
    if watch := own_watch():
        project = Drain(project, watch)
    application = Ready(project)

"""The application that a WSGI server loads: the project's own, in our layers."""

import os
from wsgiref.types import WSGIApplication

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

from django_tandem import environment
from django_tandem.inprocess import channel_layers, handover, handover_counts
from django_tandem.inprocess.debug_static_files import with_static_files
from django_tandem.inprocess.disconnected_clients import SkipDisconnectedClients
from django_tandem.inprocess.handover import WsgiHandover
from django_tandem.inprocess.manage_py import run_named_manage_py
from django_tandem.inprocess.policy import read_pins
from django_tandem.inprocess.prefork import prepare_for_fork, restart_uwsgi_unless_forkable
from django_tandem.inprocess.proxy_headers import WsgiProxyHeaders
from django_tandem.inprocess.readiness import WsgiReadiness
from django_tandem.inprocess.standard_streams import ignore_write_errors
from django_tandem.inprocess.startup_failures import record_startup_failure
from django_tandem.inprocess.streaming import with_request_limit
from django_tandem.inprocess.urlconf import import_urlconf
from django_tandem.model import Stack


def load() -> WSGIApplication:
    """Return the application that the environment names, else Django's own."""
    dotted = os.environ.get(environment.WSGI_APPLICATION)
    if not dotted:
        run_named_manage_py()
    application: WSGIApplication = import_string(dotted) if dotted else get_wsgi_application()
    import_urlconf()
    return application


with record_startup_failure(Stack.WSGI):
    ignore_write_errors()
    # Before the project is loaded, as it applies to handlers that are made from then on.
    pins = read_pins()
    handover.install(Stack.WSGI, pins)
    project = with_static_files(load(), Stack.WSGI)
    channel_layers.install_reconnecting()
    project = WsgiHandover(project, pins, handover_counts.from_environment())
    project = WsgiProxyHeaders(project, settings.FORCE_SCRIPT_NAME or "")
    application = WsgiReadiness(SkipDisconnectedClients(with_request_limit(project)))
    restart_uwsgi_unless_forkable()
    # uWSGI forks after it has loaded this module; for servers that don't fork it is harmless.
    prepare_for_fork()

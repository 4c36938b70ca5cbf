"""The application that a WSGI server loads: the project's own, in our layers."""

from django_tandem.inprocess import telemetry
from django_tandem.inprocess.prefork import (
    prepare_for_fork,
    restart_uwsgi_unless_forkable,
)
from django_tandem.inprocess.process_start import prepare_process
from django_tandem.inprocess.startup_failures import record_startup_failure
from django_tandem.inprocess.wsgi_layers import add_wsgi_layers, load_wsgi
from django_tandem.model import Stack

with record_startup_failure(Stack.WSGI):
    prepare_process()
    application = add_wsgi_layers(load_wsgi())
    restart_uwsgi_unless_forkable()
    telemetry.start_after_uwsgi_forks()
    telemetry.start(Stack.WSGI)
    # uWSGI forks after it has loaded this module; for servers that don't fork it is harmless.
    prepare_for_fork()

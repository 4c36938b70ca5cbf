"""The application that an ASGI server loads: the project's own, in our layers."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

from django_tandem import environment
from django_tandem.asgi import get_asgi_application
from django_tandem.handler.application import should_serve
from django_tandem.handler.protocol import Application
from django_tandem.handler.switching import ParallelConsumers
from django_tandem.inprocess import (
    channel_layers,
    drain_monitor,
    handler_status,
    handover,
    handover_counts,
)
from django_tandem.inprocess.debug_static_files import with_static_files
from django_tandem.inprocess.drainable import Drain
from django_tandem.inprocess.handler_choice import (
    count_threads,
    handler_name,
    new_handler,
    with_our_handler,
)
from django_tandem.inprocess.handover import AsgiHandover
from django_tandem.inprocess.manage_py import run_named_manage_py
from django_tandem.inprocess.policy import read_pins
from django_tandem.inprocess.prefork import close_connections
from django_tandem.inprocess.protocol_fallbacks import ProtocolFallbacks, drop_uvicorns_errors
from django_tandem.inprocess.proxy_headers import AsgiProxyHeaders
from django_tandem.inprocess.readiness import AsgiReadiness
from django_tandem.inprocess.standard_streams import ignore_write_errors
from django_tandem.inprocess.startup_failures import record_startup_failure
from django_tandem.inprocess.streaming import stream_sync_iterators
from django_tandem.inprocess.urlconf import import_urlconf
from django_tandem.model import Stack


def load() -> Application:
    """Return the application that the environment names, with our handler; else our own."""
    dotted = os.environ.get(environment.ASGI_APPLICATION)
    if not dotted:
        run_named_manage_py()
    application: Any = with_our_handler(import_string(dotted)) if dotted else get_asgi_application()
    import_urlconf()
    # Channels' routers are untyped.
    return cast(Application, application)


@contextlib.contextmanager
def no_running_loop() -> Iterator[None]:
    """
    Hide the server's event loop from the code that is imported.

    Uvicorn imports this module inside its running loop, where a query in ``AppConfig.ready()``
    would raise SynchronousOnlyOperation. Elsewhere no loop runs at that time.
    """
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        yield
        # Not when the import fails: without settings it would hide the reason.
        close_connections()
    finally:
        asyncio._set_running_loop(running)


with record_startup_failure(Stack.ASGI), no_running_loop():
    ignore_write_errors()
    # Before the project is loaded, as it applies to handlers that are made from then on.
    if handover.is_enabled():
        handover.install(Stack.ASGI, read_pins())
    stream_sync_iterators()
    drop_uvicorns_errors()
    project: Application = with_static_files(load(), Stack.ASGI)
    if should_serve():
        project = ParallelConsumers(project)
    project = handler_status.from_environment(
        ProtocolFallbacks(project, new_handler), handler_name(), count_threads
    )
    channel_layers.install_reconnecting()
    if handover.is_enabled():
        project = AsgiHandover(project, handover_counts.from_environment())
    project = AsgiProxyHeaders(project, settings.FORCE_SCRIPT_NAME or "")
    if monitor := drain_monitor.from_environment():
        project = Drain(project, monitor)
    application = AsgiReadiness(project)

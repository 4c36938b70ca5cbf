"""The application that an ASGI server loads: the project's own, in our layers."""

import asyncio
import contextlib
from collections.abc import Iterator

from django_tandem.inprocess import telemetry
from django_tandem.inprocess.asgi_layers import add_asgi_layers, load_asgi
from django_tandem.inprocess.prefork import close_connections
from django_tandem.inprocess.process_start import prepare_process
from django_tandem.inprocess.startup_failures import record_startup_failure
from django_tandem.model import Stack


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
    prepare_process()
    application = add_asgi_layers(load_asgi())
    telemetry.start(Stack.ASGI)

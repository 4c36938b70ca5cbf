import asyncio
import os
import time
from pathlib import Path

from channels.consumer import SyncConsumer
from channels.layers import get_channel_layer
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

if "INSTRUMENTS" in os.environ:
    from opentelemetry.instrumentation.django import DjangoInstrumentor

    DjangoInstrumentor().instrument()

django = get_asgi_application()
# Made before the fork, as a project's module may.
layer = get_channel_layer()

if "ASGI_SETS" in os.environ:
    os.environ["PROJECT_STACK"] = "asgi"


class Note(SyncConsumer):
    """Writes the process that consumed a message."""

    def note(self, message):
        from django.conf import settings
        from django.urls import get_script_prefix

        (settings.DIRECTORY / "prefix").write_text(get_script_prefix())
        if message["s"]:
            (settings.DIRECTORY / "taken").touch()
            time.sleep(message["s"])
        (settings.DIRECTORY / "noted").write_text(f"{os.getpid()} {message['text']}")


async def echo(scope, receive, send):
    while True:
        message = await receive()
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif message["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": f"{os.getpid()}"})
        else:
            return


async def lifespan(scope, receive, send):
    """Notes each event, and fails or hangs at one whose file has that content."""
    directory = Path(os.environ["PROJECT_DIRECTORY"])
    while True:
        event = (await receive())["type"]
        with (directory / "lifespan").open("a") as file:
            file.write(f"{os.getpid()} {event}\n")
        fault = directory / event
        if fault.exists() and fault.read_text() == "hang":
            # The loop holds a timer. Nothing holds an event of this frame alone, nor the task that
            # waits for it: Python would collect both, and the shutdown be complete.
            await asyncio.sleep(3600)
        await send({"type": f"{event}.{'failed' if fault.exists() else 'complete'}"})
        if event == "lifespan.shutdown":
            return


application = ProtocolTypeRouter(
    {
        "lifespan": lifespan,
        "http": django,
        "websocket": URLRouter([path("ws/echo", echo)]),
        "channel": ChannelNameRouter({"notes": Note.as_asgi()}),
    }
)

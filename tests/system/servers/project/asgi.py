"""A project with WebSockets: an echo, and Channels' routing around it."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path
from project.broadcasting import Broadcasting

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")


async def echo(scope, receive, send):
    while True:
        message = await receive()
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif message["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": "echo " + message["text"]})
        else:
            return


http = get_asgi_application()
websockets = [path("ws/echo", echo), path("ws/broadcasting", Broadcasting.as_asgi())]
application = ProtocolTypeRouter({"http": http, "websocket": URLRouter(websockets)})

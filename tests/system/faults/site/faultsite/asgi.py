"""The example's ASGI application with a WebSocket that lives by the channel layer alone."""

# Loads the apps, which the imports below need.
from config.asgi import application as example

# isort: split
from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from auctions.routing import websocket_urlpatterns
from faultsite.version import VERSION
from faultsite.views import GROUP


class MarkConsumer(AsyncJsonWebsocketConsumer):
    groups = [GROUP]

    async def connect(self) -> None:
        await self.accept()
        await self.send_json({"version": VERSION})

    async def receive(self, text_data: str = "0", bytes_data: bytes | None = None) -> None:
        """Send as many bytes as a client asks for: one that does not read them stalls."""
        await self.send("x" * int(text_data))

    async def announced(self, event: dict) -> None:
        await self.send_json({"announced": event["text"]})


routes = URLRouter([path("ws/marks/", MarkConsumer.as_asgi()), *websocket_urlpatterns])
application = ProtocolTypeRouter(
    {
        **example.application_mapping,
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(routes)),
    }
)

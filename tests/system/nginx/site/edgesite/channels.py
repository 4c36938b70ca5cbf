import json

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path


class Describe(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
        headers = {name.decode(): value.decode() for name, value in self.scope["headers"]}
        reported = {
            "scheme": self.scope["scheme"],
            "client": self.scope["client"],
            "headers": headers,
        }
        await self.send(text_data=json.dumps(reported))


application = ProtocolTypeRouter(
    {"http": get_asgi_application(), "websocket": URLRouter([path("socket/", Describe.as_asgi())])}
)

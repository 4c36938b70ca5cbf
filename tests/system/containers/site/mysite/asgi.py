import os

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from django_tandem.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
django_application = get_asgi_application()


class Greeter(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.send_json({"greeting": self.channel_name})


application = ProtocolTypeRouter(
    {"http": django_application, "websocket": URLRouter([path("ws/", Greeter.as_asgi())])}
)

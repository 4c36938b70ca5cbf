import os

from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django_application = get_asgi_application()

from project.consumers import Background, Chat  # noqa: E402 - the apps are loaded above

# No `ws/` in front: the edge strips it.
application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": URLRouter([path("chat/<slug:room>/", Chat.as_asgi())]),
        "channel": ChannelNameRouter({"channels": Background.as_asgi()}),
    }
)

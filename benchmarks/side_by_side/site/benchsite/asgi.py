"""The example's ASGI application with the broadcast beside it."""

# Loads the apps, which the imports below need.
from config.asgi import application as example

# isort: split
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from auctions.routing import websocket_urlpatterns
from benchsite.consumers import BroadcastConsumer

routes = URLRouter(
    [
        path("ws/broadcast/", BroadcastConsumer.as_asgi()),
        # The hybrid by hand takes "/ws/" off on the way.
        path("broadcast/", BroadcastConsumer.as_asgi()),
        *websocket_urlpatterns,
    ]
)
application = ProtocolTypeRouter({**example.application_mapping, "websocket": routes})

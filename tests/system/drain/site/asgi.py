"""The project's ASGI application."""

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path
from drain.site.consumers import (
    Async,
    AsyncJson,
    Closing,
    Flood,
    Quiet,
    SlowToLeave,
    Sync,
    SyncJson,
)

KINDS = {
    "quiet": Quiet,
    "closing": Closing,
    "flood": Flood,
    "slow": SlowToLeave,
    "async": Async,
    "sync": Sync,
    "async-json": AsyncJson,
    "sync-json": SyncJson,
}

application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": URLRouter(
            [path(f"{kind}/<int:number>/", each.as_asgi()) for kind, each in KINDS.items()]
        ),
    }
)

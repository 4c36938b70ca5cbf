"""The ASGI entry point: HTTP, WebSockets and the Channels worker."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# Loads the apps, which the imports below need.
http_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from auctions.announcements import CLOSING_CHANNEL  # noqa: E402
from auctions.routing import websocket_urlpatterns  # noqa: E402
from auctions.worker import CloseLotConsumer  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http_application,
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        ),
        "channel": ChannelNameRouter({CLOSING_CHANNEL: CloseLotConsumer.as_asgi()}),
    }
)

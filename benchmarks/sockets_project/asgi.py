"""Its ASGI application: the same group by consumers as they are, and by one frame for all."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
# Loads the apps, which the imports below need.
http = get_asgi_application()

# isort: split
import consumers  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

routes = [path("ws/plain/", consumers.PlainConsumer.as_asgi())]
if consumers.FrameConsumer is not None:
    routes.append(path("ws/frame/", consumers.FrameConsumer.as_asgi()))
application = ProtocolTypeRouter({"http": http, "websocket": URLRouter(routes)})

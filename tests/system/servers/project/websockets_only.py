"""A project whose router knows WebSockets alone, because HTTP was served by WSGI."""

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path
from project.asgi import echo

get_asgi_application()
application = ProtocolTypeRouter({"websocket": URLRouter([path("ws/echo", echo)])})

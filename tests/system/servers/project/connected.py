"""A project that keeps a connection open that it made while it was imported."""

import socket

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
pair = socket.socketpair()

"""One command that runs a Django project on WSGI and ASGI at once."""

__version__ = "0.1.0"

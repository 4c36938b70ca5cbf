"""Django's own ASGI application, for a project that names none."""

from django.core.asgi import get_asgi_application

application = get_asgi_application()

"""Django's own WSGI application, for a project that names none."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

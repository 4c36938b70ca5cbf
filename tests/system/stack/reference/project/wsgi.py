import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django_application = get_wsgi_application()


def application(environ, start_response):
    return django_application({**environ, "project.application": "project.wsgi"}, start_response)

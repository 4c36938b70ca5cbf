"""A project that queries its database while its ASGI application is imported."""

from django.core.asgi import get_asgi_application
from django.db import connection

application = get_asgi_application()
with connection.cursor() as cursor:
    cursor.execute("SELECT 1")

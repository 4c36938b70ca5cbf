"""A project that queries its database while it is imported."""

from django.core.wsgi import get_wsgi_application
from django.db import connection

application = get_wsgi_application()
with connection.cursor() as cursor:
    cursor.execute("SELECT 1")

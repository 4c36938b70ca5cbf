"""The application by our handler."""

import os

from django_tandem.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "soaked.settings")
application = get_asgi_application()

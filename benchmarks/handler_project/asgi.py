"""The ASGI application, by the handler that the environment names: stock or ours."""

import os

from django.core import asgi as stock

from django_tandem import asgi as ours

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
application = {"stock": stock, "ours": ours}[os.environ["BENCH_HANDLER"]].get_asgi_application()

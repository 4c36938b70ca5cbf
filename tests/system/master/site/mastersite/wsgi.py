import os

if "WSGI_PATCHES" in os.environ:
    from gevent import monkey

    monkey.patch_all()

from django.core.wsgi import get_wsgi_application

if "INSTRUMENTS" in os.environ:
    from opentelemetry.instrumentation.django import DjangoInstrumentor

    DjangoInstrumentor().instrument()

application = get_wsgi_application()

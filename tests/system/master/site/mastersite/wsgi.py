import os

if "WSGI_PATCHES" in os.environ:
    from gevent import monkey

    monkey.patch_all()

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

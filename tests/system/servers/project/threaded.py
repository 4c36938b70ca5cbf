"""A project that starts a thread while it is imported, as a consumer in AppConfig.ready() does."""

import threading
import time

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
threading.Thread(target=time.sleep, args=(3600,), name="consumer", daemon=True).start()

"""A client library that starts a thread, as in AppConfig.ready()."""

import threading
import time


def poll():
    while True:
        time.sleep(1)


threading.Thread(target=poll, name="flags-poller", daemon=True).start()

"""The configuration that Hypercorn reads: what has no switch on its command line."""

import multiprocessing
import signal
from typing import Any

from hypercorn.config import Config
from hypercorn.logging import Logger


class WorkerLogger(Logger):
    """Hypercorn's own logger, which is the first that a worker makes."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        # As soon as one worker has ended, the parent terminates the others: with requests in
        # flight. They have been told to end by other means, and do so within the grace.
        if multiprocessing.parent_process():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)


logger_class: type[Any] = WorkerLogger
worker_class = "uvloop"
include_server_header = False
websocket_ping_interval = 20.0
# NGINX lets 32 kB of headers in; the default is half of that.
h11_max_incomplete_size = 64 * 1024

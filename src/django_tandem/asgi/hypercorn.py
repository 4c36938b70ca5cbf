"""The configuration that Hypercorn reads: what has no switch on its command line."""

import signal
from typing import Any

from hypercorn.config import Config
from hypercorn.logging import Logger


class WorkerLogger(Logger):
    """Hypercorn's own logger, which is the first that a worker makes."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        # Only one of several workers leaves SIGTERM to the system. They are told to end by other
        # means, but when the first has ended, the parent sends it to those that still answer.
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)


logger_class: type[Any] = WorkerLogger
worker_class = "uvloop"
include_server_header = False
# The edge lets 64 kB of headers in, four times the default.
h11_max_incomplete_size = 128 * 1024

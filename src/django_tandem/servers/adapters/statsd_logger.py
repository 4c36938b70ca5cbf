"""Gunicorn's logger with StatsD, without what the monitor sends for both stacks."""

from typing import Any

from gunicorn.glogging import Logger
from gunicorn.instrument.statsd import Statsd


class LogCounts(Statsd):  # type: ignore[misc]
    """Sends ``gunicorn.log.error`` and the like alone; the monitor counts requests and workers."""

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Write the access log, if there is one."""
        Logger.access(self, resp, req, environ, request_time)

    def gauge(self, name: str, value: float) -> None:
        """Send a gauge that Gunicorn's arbiter or a worker measures."""
        if name != "gunicorn.workers":
            super().gauge(name, value)

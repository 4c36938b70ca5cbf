"""The request id in the project's own logs: a function, and a filter for LOGGING."""

import logging
from contextvars import ContextVar

# Set by inprocess/request_id.py for the length of a request or of a WebSocket.
CURRENT: ContextVar[str] = ContextVar("django_tandem_request_id", default="")
# In a log line of no request, as in NGINX's access log.
NONE = "-"


def get_request_id() -> str:
    """Return the id of the current request or WebSocket, as the edge sent it; empty outside."""
    return CURRENT.get()


class RequestIdFilter(logging.Filter):
    """Adds ``request_id`` to each log record, for the format string of a formatter."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Set the attribute, ``-`` outside of a request, and keep the record."""
        record.request_id = CURRENT.get() or NONE
        return True

"""The request id in the project's own logs: a function, and a filter for LOGGING."""

import logging
from contextvars import ContextVar
from typing import Any

# Set by inprocess/request_id.py for the length of a request or of a WebSocket.
CURRENT_REQUEST_ID: ContextVar[str] = ContextVar("django_tandem_request_id", default="")
# In a log line of no request, as in NGINX's access log.
NONE = "-"
# Of a log record. A project may pass an ``extra`` of the name request_id, which may not exist yet.
STAMP = "_tandem_request_id"


def get_request_id() -> str:
    """Return the id of the current request or WebSocket, as the edge sent it; empty outside."""
    return CURRENT_REQUEST_ID.get()


def stamp_records() -> None:
    """
    Have each log record keep the id of the request that logs it.

    The thread of a QueueListener, which handles the record later, has no context of a request.
    """
    create = logging.getLogRecordFactory()
    if getattr(create, STAMP, False):
        return

    def create_stamped(*values: Any, **named: Any) -> logging.LogRecord:
        record = create(*values, **named)
        setattr(record, STAMP, CURRENT_REQUEST_ID.get())
        return record

    setattr(create_stamped, STAMP, True)
    logging.setLogRecordFactory(create_stamped)


def request_id_of(record: logging.LogRecord) -> str:
    """Return the id of the request that logged the record; empty outside."""
    return getattr(record, STAMP, "") or CURRENT_REQUEST_ID.get()


class RequestIdFilter(logging.Filter):
    """Adds ``request_id`` to each log record, for the format string of a formatter."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Set the attribute, ``-`` outside of a request, and keep the record."""
        record.request_id = request_id_of(record) or NONE
        return True

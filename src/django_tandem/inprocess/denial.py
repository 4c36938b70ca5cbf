"""The answer to a handshake or a request that the project never gets."""

import logging
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus

from django_tandem.handler.protocol import Receive, Scope, Send

DENIAL = "websocket.http.response"

# Whether the handshake of the current task was answered by an HTTP response.
_is_denied: ContextVar[bool] = ContextVar("is_denied", default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """
    An HTTP response of ours: ``status``, and ``retry_after_s`` unless it is 0.

    ``close_code`` is that of the close before the accept, which a server without the extension
    for denials turns into a 403.
    """

    status: int
    retry_after_s: int = 0
    close_code: int = 1013

    @property
    def text(self) -> str:
        """The body: the name of the status, and nothing for one that has no body."""
        return "" if self.status == HTTPStatus.NO_CONTENT else _phrase(self.status)

    @property
    def line(self) -> str:
        """The status with its name, as WSGI has it."""
        return f"{self.status} {_phrase(self.status)}"

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers; no cache keeps the response."""
        headers = [("Cache-Control", "no-store")]
        if self.text:
            headers += [("Content-Type", "text/plain"), ("Content-Length", str(len(self.text)))]
        if self.retry_after_s:
            headers.append(("Retry-After", str(self.retry_after_s)))
        return headers


async def deny(denial: Denial, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or a handshake before its accept."""
    if scope["type"] == "http":
        await respond(denial, send)
        return
    await receive()
    await deny_handshake(denial, scope, send)


async def deny_handshake(denial: Denial, scope: Scope, send: Send) -> None:
    """Answer a handshake whose connect was received."""
    if DENIAL not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": denial.close_code})
        return
    note_denial()
    await respond(denial, send, DENIAL)


async def respond(denial: Denial, send: Send, kind: str = "http.response") -> None:
    """Send the response, as messages of this ``kind``."""
    headers = [(name.lower().encode(), value.encode()) for name, value in denial.headers]
    await send({"type": f"{kind}.start", "status": denial.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": denial.text.encode()})


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else str(status)


def note_denial() -> None:
    """Note that an HTTP response answers the handshake of the current task."""
    _is_denied.set(True)


def drop_uvicorns_errors() -> None:
    """Drop the error that Uvicorn logs for each handshake that an HTTP response answered."""
    # It expects an accept or a close (websockets_sansio_impl.py, run_asgi).
    logging.getLogger("uvicorn.error").addFilter(_is_no_denial)


def _is_no_denial(record: logging.LogRecord) -> bool:
    is_complaint = record.msg == "ASGI callable returned without completing handshake."
    return not (is_complaint and _is_denied.get())

"""Hands a WSGI request over to ASGI when its view, or its response, belongs there."""

from collections.abc import Iterable
from typing import Any

from django_tandem.inprocess.counts import Counts
from django_tandem.inprocess.forwarded import EDGE_HEADER
from django_tandem.inprocess.handover import (
    HANDED_HEADER,
    LOCATIONS,
    PASSAGE,
    REDIRECT_HEADER,
    Passage,
    location_of,
)
from django_tandem.inprocess.wsgi.parity import header_key
from django_tandem.inprocess.wsgi.protocol import Application, Body, Environ, StartResponse
from django_tandem.model import Stack

EVENT_STREAM = "text/event-stream"
Headers = Iterable[tuple[str, str]]


class HandOver:
    """Holds the start of each response until it is known to stay on this stack."""

    def __init__(self, application: Application, counts: Counts | None) -> None:
        self.application = application
        self.counts = counts

    def __call__(self, environ: Environ, start_response: StartResponse) -> Body:
        # Only the edge can replay a request, and only once.
        was_handed = environ.pop(header_key(HANDED_HEADER), "") == "1"
        passage = Passage(may_leave=bool(environ.get(header_key(EDGE_HEADER))) and not was_handed)
        environ[PASSAGE] = passage
        start = HeldStart(start_response)
        body = self.application(environ, start)
        if passage.may_leave and belongs_elsewhere(environ, start.headers, passage):
            close(body)
            if self.counts is not None:
                self.counts.add(passage.route, Stack.ASGI)
            return redirect(start_response)
        start.release()
        return body


class HeldStart:
    """A ``start_response`` that keeps what it is told until it is released."""

    def __init__(self, start_response: StartResponse) -> None:
        self._start_response = start_response
        self._held: tuple[Any, ...] | None = None
        self._is_released = False

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers it was told so far."""
        return self._held[1] if self._held else []

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        arguments = (status, headers) if exc_info is None else (status, headers, exc_info)
        if self._is_released:
            # An application that starts only when it is iterated.
            return self._start_response(*arguments)
        self._held = arguments
        return self._write

    def _write(self, data: bytes) -> None:
        self.release()(data)

    def release(self) -> Any:
        """Pass on what was kept; returns the server's ``write``."""
        held, self._held, self._is_released = self._held, None, True
        return self._start_response(*held) if held else None


def belongs_elsewhere(environ: Environ, headers: Headers, passage: Passage) -> bool:
    """
    Return whether the response is one for ASGI: by the hand-over's own word, or as a stream.

    A stream is known only once its view has run, which for other methods than GET
    and HEAD must not happen twice. The project's WSGI middleware may have wrapped the
    body, so that Django's own response is asked.
    """
    known = {name.lower(): value for name, value in headers}
    if location_of(known.get(REDIRECT_HEADER.lower(), "")) is Stack.ASGI:
        return True
    if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
        return False
    is_events = known.get("content-type", "").lower().startswith(EVENT_STREAM)
    return (is_events and passage.is_stream) or passage.is_async_stream


def close(body: object) -> None:
    """Close what won't be sent."""
    end = getattr(body, "close", None)
    if end is not None:
        end()


def redirect(start_response: StartResponse) -> Body:
    """Send the edge on; of what the project said nothing is passed, for it will say it again."""
    headers = [(REDIRECT_HEADER, LOCATIONS[Stack.ASGI]), ("Content-Length", "0")]
    start_response("200 OK", headers)
    return []

"""
Streamed responses: each part reaches the client when it is made, on either stack.

On ASGI the edge does not buffer, and Django's own handler would collect a synchronous iterator
before it sends the first part. On WSGI the edge buffers, and a server limits a whole response.
"""

import functools
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.http import StreamingHttpResponse

from django_tandem import fingerprints
from django_tandem.handler.sync_stream import SyncStream
from django_tandem.inprocess.views import EVENT_STREAM_TYPES
from django_tandem.inprocess.wsgi_responses import close_body

BUFFERING = "X-Accel-Buffering"
# Types of responses without an end. Cut short, any other response would look complete.
LIVE_TYPES = (
    b"text/event-stream",
    b"multipart/x-mixed-replace",
    b"application/x-ndjson",
    b"application/json-seq",
    b"application/stream+json",
)
FILE_HEADERS = frozenset({b"content-length", b"content-disposition"})

Headers = Sequence[tuple[str, str]]

logger = logging.getLogger("django_tandem")

PATCHED = ("django.http.response.StreamingHttpResponse.__aiter__",)

# Restarts the server's limit on the current request, if it has one that can be restarted.
_renew_limit: Callable[[], None] | None = None


def is_live_stream(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether the headers are those of a response without an end."""
    known = {bytes(name).lower(): bytes(value).lower() for name, value in headers}
    # A file to save may be of such a type.
    return known.get(b"content-type", b"").startswith(LIVE_TYPES) and not FILE_HEADERS & set(known)


def has_length(headers: Headers) -> bool:
    """Return whether a WSGI response has a Content-Length, as a file has."""
    return any(name.lower() == "content-length" for name, _ in headers)


def is_event_stream(headers: Headers) -> bool:
    """Return whether a WSGI response lasts for as long as its client listens."""
    types = (value.lower() for name, value in headers if name.lower() == "content-type")
    return any(each.startswith(EVENT_STREAM_TYPES) for each in types)


def without_buffering(headers: Headers) -> Headers:
    """Return the header that has the edge pass on each part, unless the project sets it."""
    is_set = any(name.lower() == BUFFERING.lower() for name, _ in headers)
    return [] if is_set else [(BUFFERING, "no")]


@functools.cache
def warn_of_held_worker(view: str) -> None:
    """Log once that the event streams of ``view`` hold WSGI workers, and the pin against it."""
    logger.warning(
        "An event stream of %s holds a WSGI worker while its client listens. "
        'Pin it to ASGI: TANDEM["ROUTES"] = [("%s", "asgi")].',
        view,
        view,
    )


class TimeLimitedBody:
    """The body of a stream, whose every part has the time limit of a whole response."""

    def __init__(self, body: Iterable[bytes]) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        for part in self._body:
            if _renew_limit is not None:
                _renew_limit()
            yield part

    def close(self) -> None:
        """Close the project's body, which ends its generator."""
        close_body(self._body)


def set_renewal(renew: Callable[[], None]) -> None:
    """Set the function with which a stream renews the time limit of its request."""
    global _renew_limit  # noqa: PLW0603 - a server has one for all requests of a process
    _renew_limit = renew


def with_request_limit(application: WSGIApplication) -> WSGIApplication:
    """Limit each request under uWSGI, whose own limit a stream can't renew."""
    uwsgi = sys.modules.get("uwsgi")
    limit_s = int(uwsgi.opt.get("tandem-timeout", b"0")) if uwsgi else 0
    if uwsgi is None or not limit_s:
        return application

    def limited(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        uwsgi.set_user_harakiri(limit_s)
        return application(environ, start_response)

    set_renewal(lambda: uwsgi.set_user_harakiri(limit_s))
    return limited


def stream_sync_iterators() -> None:
    """Have every ASGI handler of Django iterate a synchronous stream part by part, on a thread."""
    if not fingerprints.are_known(
        PATCHED, otherwise="With Django's own handler a synchronous stream arrives all at once."
    ):
        return
    iterate = StreamingHttpResponse.__aiter__

    async def iterate_by_part(response: Any) -> AsyncIterator[bytes]:
        if response.is_async:
            async for part in iterate(response):
                yield part
            return
        stream = SyncStream(response.streaming_content)
        try:
            async for part in stream.iterate():
                yield part
        finally:
            stream.stop()

    StreamingHttpResponse.__aiter__ = iterate_by_part  # type: ignore[method-assign,assignment]

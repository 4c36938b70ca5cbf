"""Gives a body its length when the client did not say it: without one Django reads nothing."""

import sys
from collections.abc import Callable
from tempfile import SpooledTemporaryFile
from typing import IO

from django_tandem.inprocess.wsgi.protocol import Application, Body, Environ, StartResponse

PIECE_BYTES = 64 * 1024
# What is larger goes to a file on disk.
MEMORY_BYTES = 1024 * 1024


class Chunked:
    """Reads a chunked body to its end before the project sees the request, as ASGI does."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Body:
        chunked = environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
        if not chunked or environ.get("CONTENT_LENGTH"):
            return self.application(environ, start_response)
        body = read_whole(reader(environ))
        known = {"wsgi.input": body, "CONTENT_LENGTH": str(body.tell())}
        body.seek(0)
        return self.application({**environ, **known}, start_response)


def reader(environ: Environ) -> Callable[[], bytes]:
    """Return what reads the next piece of the body, and nothing at its end."""
    if "uwsgi.version" in environ:
        # Its wsgi.input is empty then. The module exists in uWSGI's own process only.
        chunked_read: Callable[[], bytes] = sys.modules["uwsgi"].chunked_read
        return chunked_read
    return lambda: environ["wsgi.input"].read(PIECE_BYTES)


def read_whole(read: Callable[[], bytes]) -> IO[bytes]:
    """Read to the end, into a file that is left there."""
    # Left open: the response may read the request while it is being sent.
    body = SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115
    while piece := read():
        body.write(piece)
    return body

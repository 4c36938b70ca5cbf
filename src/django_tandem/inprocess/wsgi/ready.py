"""Answers whether this server is ready, to whoever asks its socket directly."""

from django_tandem.inprocess.forwarded import EDGE_HEADER, READY_PATH
from django_tandem.inprocess.wsgi.parity import header_key
from django_tandem.inprocess.wsgi.protocol import Application, Body, Environ, StartResponse

EDGE_KEY = header_key(EDGE_HEADER)


class Ready:
    """Answers the question itself; what the edge sends passes it by."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Body:
        if environ.get("PATH_INFO") != READY_PATH or environ.get(EDGE_KEY):
            return self.application(environ, start_response)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
        return [b"ready"]

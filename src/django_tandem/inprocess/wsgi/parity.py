"""Makes a WSGI request say what the same request says on ASGI."""

from urllib.parse import quote

from django_tandem.inprocess.forwarded import (
    HOP_BY_HOP,
    Forwarded,
    Target,
    read_forwarded,
    split_target,
)
from django_tandem.inprocess.wsgi.protocol import Application, Body, Environ, StartResponse

# All else that servers add (RAW_URI, gunicorn.socket, the environment of the process)
# would tell the view which stack and server it is on.
KEPT = frozenset(
    {
        "REQUEST_METHOD",
        "SERVER_PROTOCOL",
        "wsgi.version",
        "wsgi.input",
        "wsgi.errors",
        "wsgi.run_once",
        "wsgi.file_wrapper",
    }
)
# Some servers set these to nothing when the client did not send them.
KEPT_IF_ANY = ("CONTENT_TYPE", "CONTENT_LENGTH")
# PEP 3333 knows no raw target. Granian has none, and does not alter the path.
RAW_TARGETS = ("RAW_URI", "REQUEST_URI")


class Parity:
    """Rewrites the environ of a request that came through the edge."""

    def __init__(self, application: Application, script_name: str = "") -> None:
        self.application = application
        self.script_name = script_name

    def __call__(self, environ: Environ, start_response: StartResponse) -> Body:
        forwarded = read_forwarded(lambda name: environ.get(header_key(name), ""))
        if forwarded:
            target = split_target(raw_target(environ), self.script_name)
            environ = rewrite(environ, forwarded, target)
        return self.application(environ, start_response)


def header_key(name: str) -> str:
    """Return the environ's key of the header."""
    return "HTTP_" + name.upper().replace("-", "_")


DROPPED = frozenset(map(header_key, HOP_BY_HOP))


def raw_target(environ: Environ) -> bytes:
    """Return the target of the request line, put together again if the server keeps none."""
    for key in RAW_TARGETS:
        if key in environ:
            return str(environ[key]).encode("latin-1")
    path = quote(environ.get("PATH_INFO", "").encode("latin-1"))
    return f"{path}?{environ.get('QUERY_STRING', '')}".encode("latin-1")


def rewrite(environ: Environ, forwarded: Forwarded, target: Target) -> Environ:
    """Return the environ that the view is to see."""
    said = {
        key: value
        for key, value in environ.items()
        if key in KEPT or (key.startswith("HTTP_") and key not in DROPPED)
    }
    said |= {key: environ[key] for key in KEPT_IF_ANY if environ.get(key)}
    return said | {
        "SCRIPT_NAME": target.script_name,
        "PATH_INFO": target.path_info.decode("latin-1"),
        "QUERY_STRING": target.query,
        "REMOTE_ADDR": forwarded.client,
        "REMOTE_HOST": forwarded.client,
        # Nothing tells it; ASGI has no way to leave it out.
        "REMOTE_PORT": "0",
        "SERVER_NAME": forwarded.server,
        "SERVER_PORT": str(forwarded.port),
        "wsgi.url_scheme": forwarded.scheme,
        # What Django says of every ASGI request; it is never wrong to expect either.
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
    }

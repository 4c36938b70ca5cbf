"""
Normalizes a request by the edge's headers, so that a view sees the same on either stack.

The edge overwrites these headers on every request. A request without them reached the socket
directly, and stays as the server read it.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote_to_bytes
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.utils.encoding import repercent_broken_unicode

from django_tandem.handler.protocol import Application, Receive, Scope, Send
from django_tandem.inprocess.scoreboard import REQUEST

EDGE_HEADER = "x-real-ip"
SECURE_SCHEMES = frozenset({"https", "wss"})
DEFAULT_PORTS = {"http": 80, "https": 443}
# Headers of the connection between the edge and the server: the client did not send them.
HOP_BY_HOP = frozenset({"connection", "keep-alive", "te", "transfer-encoding", "upgrade"})
# A query may contain all of ASCII but the control characters and the space.
QUERY_SAFE = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """The client's address, and the scheme, host name and port of its request."""

    client: str
    scheme: str
    server: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTarget:
    """The request target, split as in CGI: ``path_info`` is octets, ``query`` ASCII."""

    script_name: str
    path_info: bytes
    query: str


def read_forwarded(header: Callable[[str], str]) -> Forwarded | None:
    """
    Return what the edge's headers say, or ``None`` if the edge did not send the request.

    ``header`` takes a name in lower case and returns the value, empty if there is none.
    """
    client = header(EDGE_HEADER)
    if not client:
        return None
    # A chain of proxies makes a list, of which the first is the client's own connection.
    given = header("x-forwarded-proto").partition(",")[0].strip().lower()
    scheme = "https" if given in SECURE_SCHEMES else "http"
    server, port = split_host(header("host"))
    given_port = header("x-forwarded-port").partition(",")[0].strip()
    return Forwarded(
        client=client,
        scheme=scheme,
        server=server or "localhost",
        port=parse_port(given_port) or port or DEFAULT_PORTS[scheme],
    )


def split_host(host: str) -> tuple[str, int]:
    """Split a Host header into its name and its port, which is 0 if it has none."""
    name, colon, port = host.rpartition(":")
    # The last colon of `[::1]` is a part of the address.
    if not colon or port.endswith("]"):
        return host, 0
    return name, parse_port(port)


def parse_port(text: str) -> int:
    """Return ``text`` as a port, or 0 if it is not one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def split_target(raw: bytes, script_name: str) -> RequestTarget:
    """
    Split the target of a request line, and take the script name off its path.

    The path may lack the script name, as some proxies strip it; each of Django's two handlers
    expects only one of the two forms.
    """
    # A fragment is no part of a target; some servers drop it, others pass it on.
    path, _, query = raw.partition(b"#")[0].partition(b"?")
    octets = unquote_to_bytes(path)
    prefix = script_name.rstrip("/").encode()
    if prefix and (octets == prefix or octets.startswith(prefix + b"/")):
        octets = octets[len(prefix) :]
    # A raw octet above ASCII and its percent-encoding are the same to the view.
    safe_query = query.decode() if query.isascii() else quote(query, safe=QUERY_SAFE)
    return RequestTarget(script_name=script_name, path_info=octets or b"/", query=safe_query)


def environ_key(header: str) -> str:
    """Return the key of ``header`` in a WSGI environ."""
    return "HTTP_" + header.upper().replace("-", "_")


# The raw target, which PEP 3333 does not define: Gunicorn's name, and that of uWSGI and Waitress.
# Granian has none, and does not alter the path.
RAW_TARGET_KEYS = ("RAW_URI", "REQUEST_URI")
# Anything else that servers add (gunicorn.socket, the environment of the process) would reveal to
# the view which stack and server it runs on.
KEPT_KEYS = frozenset(
    {
        "REQUEST_METHOD",
        "SERVER_PROTOCOL",
        "wsgi.version",
        "wsgi.input",
        "wsgi.errors",
        "wsgi.run_once",
        "wsgi.file_wrapper",
        REQUEST,
        *RAW_TARGET_KEYS,
    }
)
# Some servers set these to nothing when the client did not send them.
KEPT_KEYS_IF_SET = ("CONTENT_TYPE", "CONTENT_LENGTH")
HOP_BY_HOP_KEYS = frozenset(map(environ_key, HOP_BY_HOP))


class WsgiProxyHeaders:
    """Normalizes the environ of a request that the edge sent."""

    def __init__(self, application: WSGIApplication, script_name: str = "") -> None:
        self.application = application
        self.script_name = script_name

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        forwarded = read_forwarded(lambda name: environ.get(environ_key(name), ""))
        if forwarded:
            target = split_target(raw_target_of_environ(environ), self.script_name)
            environ = _normalized_environ(environ, forwarded, target)
        return self.application(environ, start_response)


def raw_target_of_environ(environ: WSGIEnvironment) -> bytes:
    """Return the target of the request line, or what is left of it."""
    for key in RAW_TARGET_KEYS:
        if key in environ:
            return str(environ[key]).encode("latin-1")
    path = quote(environ.get("PATH_INFO", "").encode("latin-1"))
    return f"{path}?{environ.get('QUERY_STRING', '')}".encode("latin-1")


def _normalized_environ(
    environ: WSGIEnvironment, forwarded: Forwarded, target: RequestTarget
) -> WSGIEnvironment:
    kept = {
        key: value
        for key, value in environ.items()
        if key in KEPT_KEYS or (key.startswith("HTTP_") and key not in HOP_BY_HOP_KEYS)
    }
    kept |= {key: environ[key] for key in KEPT_KEYS_IF_SET if environ.get(key)}
    return kept | {
        "SCRIPT_NAME": target.script_name,
        "PATH_INFO": target.path_info.decode("latin-1"),
        "QUERY_STRING": target.query,
        "REMOTE_ADDR": forwarded.client,
        "REMOTE_HOST": forwarded.client,
        # Not known, but ASGI can't leave it out.
        "REMOTE_PORT": "0",
        "SERVER_NAME": forwarded.server,
        "SERVER_PORT": str(forwarded.port),
        "wsgi.url_scheme": forwarded.scheme,
        # Django sets both for every ASGI request, and to expect either is never wrong.
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
    }


AsgiHeader = tuple[bytes, bytes]

HOP_BY_HOP_NAMES = frozenset(name.encode() for name in HOP_BY_HOP)
DROPPED_IF_EMPTY = frozenset({b"content-type", b"content-length"})
SCOPE_SCHEMES = {
    "http": {"http": "http", "https": "https"},
    "websocket": {"http": "ws", "https": "wss"},
}


class AsgiProxyHeaders:
    """Normalizes the scope of a request or handshake that the edge sent."""

    def __init__(self, application: Application, script_name: str = "") -> None:
        self.application = application
        self.script_name = script_name

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] in SCOPE_SCHEMES:
            headers = _join_repeated(scope["headers"])
            forwarded = read_forwarded(
                lambda name: headers.get(name.encode(), b"").decode("latin-1")
            )
            if forwarded:
                target = split_target(raw_target_of_scope(scope), self.script_name)
                normalized = _normalized(scope, headers, forwarded, target)
                if scope["type"] == "websocket":
                    # It lasts, and each copy of its scope with it.
                    scope.update(normalized)
                else:
                    scope = {**scope, **normalized}
        return self.application(scope, receive, send)


def _join_repeated(headers: Iterable[AsgiHeader]) -> dict[bytes, bytes]:
    # As Gunicorn joins the values of a repeated header.
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        key = name.lower()
        separator = b"; " if key == b"cookie" else b","
        joined[key] = joined[key] + separator + value if key in joined else value
    return joined


def raw_target_of_scope(scope: Scope) -> bytes:
    """Return the target of the request line, or what is left of it."""
    path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    query: bytes = scope.get("query_string") or b""
    return path + b"?" + query


def _normalized(
    scope: Scope, headers: dict[bytes, bytes], forwarded: Forwarded, target: RequestTarget
) -> dict[str, Any]:
    return {
        "scheme": SCOPE_SCHEMES[scope["type"]][forwarded.scheme],
        "client": (forwarded.client, 0),
        "server": (forwarded.server, forwarded.port),
        "root_path": target.script_name,
        "path": decoded_path(target),
        "query_string": target.query.encode(),
        "headers": _client_headers(headers, scope["type"]),
    }


def decoded_path(target: RequestTarget) -> str:
    """Return the path of an ASGI scope, with the script name in front."""
    path_info: str = repercent_broken_unicode(target.path_info).decode()
    return target.script_name.rstrip("/") + path_info


def _client_headers(headers: dict[bytes, bytes], scope_type: str) -> list[AsgiHeader]:
    # A handshake consists of them.
    dropped = frozenset() if scope_type == "websocket" else HOP_BY_HOP_NAMES
    empty = {name for name in DROPPED_IF_EMPTY if not headers.get(name)}
    return [(name, value) for name, value in headers.items() if name not in dropped | empty]

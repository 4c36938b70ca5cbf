"""Makes an ASGI request say what the same request says on WSGI."""

from collections.abc import Iterable
from urllib.parse import quote

from django.utils.encoding import repercent_broken_unicode

from django_tandem.handler.protocol import Application, Receive, Scope, Send
from django_tandem.inprocess.forwarded import (
    HOP_BY_HOP,
    Forwarded,
    Target,
    read_forwarded,
    split_target,
)

Header = tuple[bytes, bytes]

DROPPED = frozenset(name.encode() for name in HOP_BY_HOP)
DROPPED_IF_EMPTY = frozenset({b"content-type", b"content-length"})
SCHEMES = {
    "http": {"http": "http", "https": "https"},
    "websocket": {"http": "ws", "https": "wss"},
}


class Parity:
    """Rewrites the scope of a request or handshake that came through the edge."""

    def __init__(self, application: Application, script_name: str = "") -> None:
        self.application = application
        self.script_name = script_name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in SCHEMES:
            headers = join_repeated(scope["headers"])
            forwarded = read_forwarded(
                lambda name: headers.get(name.encode(), b"").decode("latin-1")
            )
            if forwarded:
                target = split_target(raw_target(scope), self.script_name)
                scope = rewrite(scope, headers, forwarded, target)
        await self.application(scope, receive, send)


def join_repeated(headers: Iterable[Header]) -> dict[bytes, bytes]:
    """Join the values of each header that came more than once, as Gunicorn does."""
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        key = name.lower()
        comma = b"; " if key == b"cookie" else b","
        joined[key] = joined[key] + comma + value if key in joined else value
    return joined


def raw_target(scope: Scope) -> bytes:
    """Return the target of the request line, put together again if the server keeps none."""
    path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    query: bytes = scope.get("query_string") or b""
    return path + b"?" + query


def rewrite(
    scope: Scope, headers: dict[bytes, bytes], forwarded: Forwarded, target: Target
) -> Scope:
    """Return the scope that the view or consumer is to see."""
    return {
        **scope,
        "scheme": SCHEMES[scope["type"]][forwarded.scheme],
        "client": (forwarded.client, 0),
        "server": (forwarded.server, forwarded.port),
        "root_path": target.script_name,
        "path": whole_path(target),
        "query_string": target.query.encode(),
        "headers": headers_of_client(headers, scope["type"]),
    }


def whole_path(target: Target) -> str:
    """Return the decoded path after the script name, as ASGI wants it."""
    path_info: str = repercent_broken_unicode(target.path_info).decode()
    return target.script_name.rstrip("/") + path_info


def headers_of_client(headers: dict[bytes, bytes], kind: str) -> list[Header]:
    """Return the headers that speak for the client; those of a handshake do, too."""
    dropped = () if kind == "websocket" else DROPPED
    empty = [name for name in DROPPED_IF_EMPTY if not headers.get(name)]
    left_out = {*dropped, *empty}
    return [(name, value) for name, value in headers.items() if name not in left_out]

"""A WebSocket without a route is rejected in the handshake."""

import logging

import pytest
from django.urls.exceptions import Resolver404
from inprocess.calling import call, http, websocket

from django_tandem.inprocess.websocket_not_found import WebSocketNotFound

CONNECT = {"type": "websocket.connect"}


def raising(error):
    async def project(_scope, _receive, _send):
        raise error

    return WebSocketNotFound(project)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("No route found for path 'ws/nowhere'."),
        ValueError("No application configured for scope type 'websocket'"),
        ValueError("Django can only handle ASGI/HTTP connections, not websocket."),
        Resolver404("No route found for path 'ws/nowhere'."),
    ],
)
def test_a_missing_route_rejects_the_handshake(error, caplog):
    """Django and Channels raise it in several ways; one line logs it."""
    sent = call(raising(error), websocket(path="/ws/nowhere"), CONNECT)

    assert sent == [{"type": "websocket.close", "code": 4404}]
    assert caplog.record_tuples == [
        (
            "django_tandem.asgi",
            logging.WARNING,
            "WebSocket /ws/nowhere rejected: no route matches.",
        )
    ]


def test_a_server_that_can_answers_with_404():
    """The extension lets an application choose the status."""
    scope = websocket(extensions={"websocket.http.response": {}})

    start, body = call(raising(Resolver404()), scope, CONNECT)

    assert (start["type"], start["status"]) == ("websocket.http.response.start", 404)
    assert body["body"] == b"Not Found"


@pytest.mark.parametrize("scope", [http(), websocket()], ids=["http", "websocket"])
def test_another_error_is_not_hidden(scope):
    """A bug keeps its traceback."""
    with pytest.raises(ValueError, match="a bug"):
        call(raising(ValueError("a bug")), scope, CONNECT)


def test_an_error_after_the_handshake_is_not_hidden():
    """An accepted WebSocket had a route."""

    async def project(_scope, _receive, send):
        await send({"type": "websocket.accept"})
        raise ValueError("No route found for path 'x'.")

    with pytest.raises(ValueError, match="No route"):
        call(WebSocketNotFound(project), websocket(), CONNECT)


def test_a_path_cannot_forge_log_lines(caplog):
    """Control characters are escaped, as Django escapes them."""
    path = "/ws/nope\nwsgi-1 | CRITICAL forged \x1b[31mred \u2028"

    call(raising(Resolver404()), websocket(path=path), CONNECT)

    assert caplog.messages == [
        "WebSocket /ws/nope\\nwsgi-1 | CRITICAL forged \\x1b[31mred \\u2028 "
        "rejected: no route matches."
    ]

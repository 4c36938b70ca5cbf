"""What the project has no route for is answered: a WebSocket, HTTP, the lifespan."""

import asyncio
import logging

import pytest
from asgiref.sync import async_to_sync
from channels.routing import ProtocolTypeRouter
from django.urls.exceptions import Resolver404
from inprocess.calling import call, http, websocket

from django_tandem.inprocess.protocol_fallbacks import ProtocolFallbacks

LIFE = ({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
COMPLETE = [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]
CONNECT = {"type": "websocket.connect"}


def fallbacks(project):
    return ProtocolFallbacks(project, lambda: django)


async def django(_scope, _receive, send):
    await send({"type": "django's"})


def raising(error):
    async def project(_scope, _receive, _send):
        raise error

    return fallbacks(project)


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


def test_a_synchronous_consumer_takes_its_send_for_a_coroutine_function(recwarn):
    """As it is the server's: async_to_sync warns of any other."""

    async def project(_scope, _receive, send):
        async_to_sync(send)

    call(fallbacks(project), websocket())

    assert list(recwarn) == []


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
        call(fallbacks(project), websocket(), CONNECT)


def test_a_path_cannot_forge_log_lines(caplog):
    """Control characters are escaped, as Django escapes them."""
    path = "/ws/nope\nwsgi-1 | CRITICAL forged \x1b[31mred \u2028"

    call(raising(Resolver404()), websocket(path=path), CONNECT)

    assert caplog.messages == [
        "WebSocket /ws/nope\\nwsgi-1 | CRITICAL forged \\x1b[31mred \\u2028 "
        "rejected: no route matches."
    ]


def test_a_router_inside_a_wrapper_is_helped_out():
    """Django serves its HTTP, and the wrapper sees each request first."""

    async def consumer(_scope, _receive, send):
        await send({"type": "websocket.accept"})

    router = ProtocolTypeRouter({"websocket": consumer})
    seen = []

    async def wrapper(scope, receive, send):
        seen.append(scope["type"])
        await router(scope, receive, send)

    assert call(fallbacks(wrapper), http()) == [{"type": "django's"}]
    assert call(fallbacks(wrapper), websocket()) == [{"type": "websocket.accept"}]
    assert seen == ["http", "websocket"]


def test_an_error_after_the_response_has_begun_is_not_hidden():
    """It is raised where the server logs it."""

    async def project(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("No application configured for scope type 'http'")

    with pytest.raises(ValueError, match="No application"):
        asyncio.run(fallbacks(project)(http(), None, ignore))


async def ignore(_message):
    return None


def test_the_lifespan_of_a_project_that_rejects_the_scope_is_completed():
    """Django and Channels raise at a scope they do not know."""

    async def project(scope, _receive, _send):
        raise ValueError(scope["type"])

    assert call(fallbacks(project), {"type": "lifespan"}, *LIFE) == COMPLETE


def test_the_lifespan_of_a_project_that_ignores_the_scope_is_completed():
    """Some return at once."""

    async def project(_scope, _receive, _send):
        return

    assert call(fallbacks(project), {"type": "lifespan"}, *LIFE) == COMPLETE


def test_a_project_with_a_lifespan_has_its_own():
    """Its messages pass through."""

    async def project(_scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    sent = call(fallbacks(project), {"type": "lifespan"}, *LIFE)

    assert sent == [{"type": "lifespan.startup.failed", "message": "no database"}]


def test_a_startup_that_fails_is_not_hidden():
    """An error after the project received the startup is its own."""

    async def project(_scope, receive, _send):
        await receive()
        raise ValueError("no database")

    with pytest.raises(ValueError, match="no database"):
        call(fallbacks(project), {"type": "lifespan"}, *LIFE)


def test_djangos_handler_is_called_for_http_alone():
    """Sentry would report an error for each worker, and for each client that tries a WebSocket."""

    async def project(scope, _receive, send):
        await send({"type": f"called for {scope['type']}"})

    application = ProtocolFallbacks(project, lambda: django, is_http_only=True)

    assert call(application, http()) == [{"type": "called for http"}]
    assert call(application, {"type": "lifespan"}, *LIFE) == COMPLETE
    assert call(application, websocket(extensions={}), CONNECT) == [
        {"type": "websocket.close", "code": 4404}
    ]

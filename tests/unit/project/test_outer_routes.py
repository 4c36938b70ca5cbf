"""Routes that an ASGI application serves in front of Django."""

import pytest
import socketio
from asgiref.wsgi import WsgiToAsgi
from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from fastapi import APIRouter, FastAPI, WebSocket
from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute

from django_tandem.project.asgi_routes import AsgiFacts, read_application

django = get_asgi_application()
PREFIX = "/tools/"


async def hello(request):
    return PlainTextResponse("hello")


async def talk(websocket: WebSocket): ...


async def answers(scope, receive, send):
    if scope["type"] == "http" and scope["path"].startswith("/mcp"):
        await send({"type": "http.response.start", "status": 200})
    else:
        await django(scope, receive, send)


async def dispatches(scope, receive, send):
    application = answers if scope["path"].startswith(PREFIX) else django
    await application(scope, receive, send)


async def opens_sockets(scope, receive, send):
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await django(scope, receive, send)


class Dispatcher:
    def __init__(self):
        self.mounts = {"/a/": answers, "/": django}

    async def __call__(self, scope, receive, send):
        for prefix, application in self.mounts.items():
            if scope["path"].startswith(prefix):
                return await application(scope, receive, send)
        return None


class PairDispatcher:
    def __init__(self):
        self.mounts = [("/a/", answers), ("/", django)]

    async def __call__(self, scope, receive, send):
        found = (each for prefix, each in self.mounts if scope["path"].startswith(prefix))
        await next(found)(scope, receive, send)


class Middleware:
    """It names the protocols, as most do, and passes everything on."""

    def __init__(self, inner):
        self.inner = inner

    async def __call__(self, scope, receive, send):
        if scope["type"] in ("http", "websocket"):
            scope = {**scope, "seen": True}
        await self.inner(scope, receive, send)


def starlette(*routes):
    return Starlette(routes=[*routes, Mount("/", django), Route("/never", hello)])


def http(application) -> list[str]:
    return [route.pattern for route in read_application(application, "").http_routes]


def sockets(application) -> list[str]:
    return [route.pattern for route in read_application(application, "").websocket_routes]


def test_routes_of_starlette_are_found_up_to_django() -> None:
    """In its order; what follows the application that Django is mounted in is never reached."""
    inner = Starlette(routes=[Route("/x", hello), WebSocketRoute("/talk", talk)])
    application = starlette(Route("/hello", hello, name="hello"), Mount("/api", inner))
    found = read_application(application, "")

    assert [(route.pattern, route.name) for route in found.http_routes] == [
        ("/hello", "hello"),
        ("/api/…", None),
    ]
    assert found.http_routes[0].match.literal == "/hello"
    assert found.http_routes[0].view.dotted == f"{__name__}.hello"
    assert found.http_routes[1].match.pcre == "^/api/"
    assert [route.pattern for route in found.websocket_routes] == ["/api/talk"]
    assert found.dispatcher is None


def test_routes_of_fastapi_are_compiled_like_djangos() -> None:
    """Its converters are regular expressions too."""
    application = FastAPI(openapi_url=None)
    application.get("/items/{item:int}")(hello)
    application.mount("/", django)
    (route,) = read_application(application, "").http_routes

    assert (route.match.pcre, route.match.prefix) == (r"^/items/[0-9]+\z", "/items/")


def test_routers_that_fastapi_includes_are_read_with_their_prefixes() -> None:
    """At any depth, with their WebSockets."""
    inner, outer, application = APIRouter(prefix="/inner"), APIRouter(), FastAPI(openapi_url=None)
    inner.get("/{item:int}")(hello)
    inner.websocket("/talk")(talk)
    outer.include_router(inner)
    application.include_router(outer, prefix="/v1")
    application.mount("/", django)
    (route,) = read_application(application, "").http_routes

    assert route.match.pcre == r"^/v1/inner/[0-9]+\z"
    assert route.view.dotted == f"{__name__}.hello"
    assert sockets(application) == ["/v1/inner/talk"]


def test_a_router_of_starlette_is_an_application_by_itself() -> None:
    """Without the class Starlette around it."""
    assert http(Router(routes=[Route("/hello", hello), Mount("/", django)])) == ["/hello"]


@pytest.mark.parametrize(
    ("application", "patterns"),
    [
        (Router(routes=[Route("/v1", hello)]), ["/v1"]),
        (PlainTextResponse("hello"), ["/…"]),
        (django, []),
    ],
)
def test_routes_of_one_host_are_matched_by_their_path(application, patterns) -> None:
    """The edge's rules know no host; for another one ASGI hands over to WSGI."""
    assert http(starlette(Host("api.example.com", application))) == patterns


def test_django_below_a_prefix_is_served_there_by_asgi() -> None:
    """WSGI has it at the root alone."""
    api = FastAPI(openapi_url=None)
    api.mount("/site", django)

    assert http(api) == ["/site/…"]


def test_a_mount_with_a_parameter_matches_each_of_its_values() -> None:
    """Its path is no prefix of theirs."""
    found = read_application(starlette(Mount("/{tenant:int}/api", answers)), "")

    assert found.http_routes[0].pattern == "/{tenant:int}/api"
    assert found.http_routes[0].match.pcre.startswith("^/[0-9]+/api/")
    assert found.http_routes[0].view.dotted == f"{__name__}.answers"


def test_django_in_an_adapter_for_wsgi_is_django() -> None:
    """Its paths are those of the URLconf, and it has no WebSockets."""
    adapted = Mount("/", WsgiToAsgi(get_wsgi_application()))
    application = Starlette(routes=[Route("/hello", hello), adapted])
    found = read_application(application, "")

    assert [route.pattern for route in found.http_routes] == ["/hello"]
    assert not found.has_websocket


@pytest.mark.parametrize(
    "wrap",
    [
        SentryAsgiMiddleware,
        GZipMiddleware,
        Middleware,
        lambda inner: ProtocolTypeRouter({"http": inner}),
        lambda inner: Starlette(routes=[Mount("/", inner)]),
    ],
)
def test_what_wraps_such_an_application_is_looked_through(wrap) -> None:
    """Middleware, also with slots, a router of Channels', and another Starlette."""
    assert http(wrap(starlette(Route("/hello", hello)))) == ["/hello"]


def test_socket_io_serves_its_path_by_both_protocols() -> None:
    """It checks the Origin itself, and its long polling needs one process."""
    server = socketio.AsyncServer(async_mode="asgi")
    found = read_application(socketio.ASGIApp(server, django, static_files={"/s/": "s"}), "")

    assert [route.pattern for route in found.http_routes] == ["/socket.io/…", "/s/…"]
    assert [route.pattern for route in found.websocket_routes] == ["/socket.io/…"]
    assert (found.checks_origin, found.needs_one_process, found.dispatcher) == (True, True, None)


def test_socket_io_over_websockets_alone_needs_no_single_process() -> None:
    """A WebSocket stays with the process that accepted it."""
    server = socketio.AsyncServer(async_mode="asgi", transports=["websocket"])

    assert not read_application(socketio.ASGIApp(server, django), "").needs_one_process


@pytest.mark.parametrize(
    ("application", "paths"),
    [
        (answers, ["/mcp…"]),
        (dispatches, ["/tools/…", "/mcp…"]),
        (Dispatcher(), ["/a/…", "/mcp…"]),
        (PairDispatcher(), ["/a/…", "/mcp…"]),
        (Middleware(Dispatcher()), ["/a/…", "/mcp…"]),
    ],
)
def test_paths_that_a_dispatcher_names_are_found_and_the_dispatcher_is_named(
    application, paths
) -> None:
    """In its code, in globals that it names and in what it holds; there may be others."""
    assert http(application) == paths
    assert read_application(application, "").dispatcher is not None


@pytest.mark.parametrize("application", [Middleware(django), GZipMiddleware(django), django])
def test_middleware_is_no_dispatcher_and_opens_no_websockets(application) -> None:
    """Though it names the protocols."""
    assert read_application(application, "") == AsgiFacts()


def test_websockets_of_a_function_may_have_any_path() -> None:
    """It is the only route that is known of it."""
    found = read_application(opens_sockets, "")

    assert sockets(opens_sockets) == ["/…"]
    assert (found.has_websocket, found.checks_origin) == (True, False)

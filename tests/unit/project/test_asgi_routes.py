"""ASGI applications, as Channels and others build them."""

import functools
import subprocess
import sys

import pytest
import strawberry
from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.middleware import BaseMiddleware
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator, OriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path, re_path
from strawberry.channels import GraphQLProtocolTypeRouter

from django_tandem.model import Protocol
from django_tandem.project.asgi_routes import AsgiFacts, read_application


class Lots(AsyncWebsocketConsumer): ...


class Bids(AsyncWebsocketConsumer): ...


class Closing(AsyncWebsocketConsumer): ...


@strawberry.type
class Query:
    answer: int = 42


def router(*routes):
    return URLRouter([*routes] or [path("ws/lots/<int:pk>/", Lots.as_asgi(), name="lots")])


def project(websocket=None, **others):
    given = {"http": get_asgi_application(), **others}
    return ProtocolTypeRouter({**given, "websocket": websocket} if websocket else given)


def patterns(application) -> list[str]:
    return [route.pattern for route in read_application(application, "").websocket_routes]


class Slots:
    """A middleware that keeps what it wraps in a list."""

    def __init__(self, inner):
        self.inner = [inner]

    async def __call__(self, scope, receive, send):
        await self.inner[0](scope, receive, send)


def closure(inner):
    async def middleware(scope, receive, send):
        await inner(scope, receive, send)

    return middleware


def test_a_websocket_route_has_its_consumer_and_its_pattern() -> None:
    """The consumer's class is what its author would look for."""
    (route,) = read_application(project(router()), "").websocket_routes

    assert route.pattern == "/ws/lots/<int:pk>/"
    assert (route.name, route.protocol) == ("lots", Protocol.WEBSOCKET)
    assert route.view.dotted == f"{__name__}.Lots"
    assert route.view.is_coroutine
    assert route.view.source.startswith(f"{__file__}:")
    assert route.match.pcre == r"^/++ws/lots/[0-9]{1,4300}/\z"


@pytest.mark.parametrize(
    "wrap",
    [
        AuthMiddlewareStack,
        AllowedHostsOriginValidator,
        lambda inner: AllowedHostsOriginValidator(AuthMiddlewareStack(inner)),
        BaseMiddleware,
        Slots,
        closure,
        lambda inner: functools.partial(closure(Slots(inner))),
        lambda inner: Slots(inner).__call__,
    ],
)
def test_middleware_is_looked_through(wrap) -> None:
    """Attributes, closures, partials and bound methods, one in another."""
    assert patterns(project(wrap(router()))) == ["/ws/lots/<int:pk>/"]
    assert patterns(wrap(project(router()))) == ["/ws/lots/<int:pk>/"]


def test_nested_routers_match_what_the_outer_one_left() -> None:
    """Each router strips the slashes in front of what it is given."""
    inner = router(re_path(r"^(?P<n>\d+)/$", Lots.as_asgi()), path("all", Bids.as_asgi()))
    application = project(router(path("ws/", AuthMiddlewareStack(inner)), path("in/", inner)))
    found = read_application(application, "").websocket_routes

    assert [route.pattern for route in found] == [
        r"/ws/(?P<n>\d+)/$",
        "/ws/all",
        r"/in/(?P<n>\d+)/$",
        "/in/all",
    ]
    # The middleware hides the inner router from the outer one, whose pattern stays an endpoint.
    assert found[0].match.pcre == r"^/++ws/\z/*+\p{Nd}+/\z"
    assert found[2].match.pcre == r"^/++in//*+\p{Nd}+/\z"


def test_a_consumer_without_a_router_takes_every_path() -> None:
    """Its one route is shown as what it is."""
    (route,) = read_application(project(AuthMiddlewareStack(Lots.as_asgi())), "").websocket_routes

    assert (route.pattern, route.view.dotted) == ("/…", f"{__name__}.Lots")
    assert (route.match.pcre, route.match.prefix) == ("^/", "/")


def test_channel_names_are_those_of_the_channel_router() -> None:
    """runworker listens to them."""
    names = ChannelNameRouter({"closing": Closing.as_asgi(), "thumbnails": Bids.as_asgi()})

    assert read_application(project(channel=names), "").channel_names == ("closing", "thumbnails")
    assert read_application(project(router()), "").channel_names == ()


@pytest.mark.parametrize(
    ("websocket", "checks"),
    [
        (AllowedHostsOriginValidator(router()), True),
        (AuthMiddlewareStack(OriginValidator(router(), ["*"])), True),
        (router(path("a", OriginValidator(Lots.as_asgi(), ["x"]))), True),
        (
            router(path("a", OriginValidator(Lots.as_asgi(), ["x"])), path("b", Bids.as_asgi())),
            False,
        ),
        (AuthMiddlewareStack(router()), False),
        (None, False),
    ],
)
def test_an_origin_is_checked_when_a_validator_is_in_front_of_every_route(
    websocket, checks: bool
) -> None:
    """One unguarded route is enough to be open to every site."""
    assert read_application(project(websocket), "").checks_origin is checks


def test_strawberrys_router_is_unwrapped() -> None:
    """Its GraphQL over HTTP lives in the ASGI application alone, in front of Django."""
    schema = strawberry.Schema(Query)
    application = GraphQLProtocolTypeRouter(schema, django_application=get_asgi_application())
    found = read_application(application, "")

    assert [route.pattern for route in found.websocket_routes] == ["/graphql"]
    assert [route.pattern for route in found.http_routes] == ["/graphql"]
    assert found.http_routes[0].protocol is Protocol.HTTP
    assert found.http_routes[0].view.dotted.endswith(".GraphQLHTTPConsumer")


def test_routes_behind_django_are_not_reached() -> None:
    """A router that leads to Django before another route never gets to it."""
    http = router(
        path("events", Lots.as_asgi()),
        re_path("", get_asgi_application()),
        path("x", Bids.as_asgi()),
    )

    found = read_application(ProtocolTypeRouter({"http": http}), "")

    assert [route.pattern for route in found.http_routes] == ["/events"]


django = get_asgi_application()
sockets = router(path("ws/", Lots.as_asgi()))


async def by_hand(scope, receive, send):
    await (sockets if scope["type"] == "websocket" else django)(scope, receive, send)


async def echo(scope, receive, send): ...


async def without_channels(scope, receive, send):
    await (echo if scope["type"] in ("websocket", "lifespan") else django)(scope, receive, send)


async def http_only(scope, receive, send):
    await django(scope, receive, send)


def test_a_function_that_tells_the_protocols_apart_is_followed() -> None:
    """The globals that it names lead to the router."""
    assert patterns(by_hand) == ["/ws/"]


@pytest.mark.parametrize(
    ("application", "has_websocket"),
    [
        (project(router()), True),
        (project(), False),
        (by_hand, True),
        (without_channels, True),
        (http_only, False),
        (get_asgi_application(), False),
        (Slots(get_asgi_application()), False),
        (object(), False),
    ],
)
def test_websockets_are_found_by_a_router_or_in_code(application, has_websocket) -> None:
    """By a router's key, or by its code."""
    assert read_application(application, "").has_websocket is has_websocket


def test_nothing_is_found_in_a_plain_application() -> None:
    """Functions and classes without a router have nothing to show."""
    assert read_application(http_only, "") == AsgiFacts()
    assert read_application(Slots, "") == AsgiFacts()


def test_a_circle_of_objects_ends_the_search() -> None:
    """An application that holds itself is looked at once."""
    application = Slots(None)
    application.inner = [application]

    assert read_application(application, "") == AsgiFacts()


def test_a_crowd_of_objects_ends_the_search() -> None:
    """What is further away than any middleware stack is not looked for."""
    nested = []
    for _ in range(5000):
        nested = [nested]

    assert read_application(Slots([nested, router()]), "").has_websocket
    assert not read_application(Slots([nested, [[[nested]]] * 10]), "").has_websocket


def test_channels_need_not_be_installed() -> None:
    """Nothing of it is imported to look for it."""
    code = (
        "import sys; sys.modules['channels'] = None\n"
        "from django.conf import settings; settings.configure()\n"
        "from django.core.asgi import get_asgi_application\n"
        "from django_tandem.project.asgi_routes import AsgiFacts, read_application\n"
        "assert read_application(get_asgi_application(), '') == AsgiFacts()\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True)

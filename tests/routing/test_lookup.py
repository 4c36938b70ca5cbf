"""Which route answers a path."""

import pytest
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import get_resolver, path, re_path

from django_tandem.routing.channels import read_application
from django_tandem.routing.lookup import resolve_http, resolve_path, resolve_websocket
from django_tandem.routing.urlconf import http_routes
from routing.tables import BEYOND, Table, ask_django, mutated, tables


async def first(scope, receive, send): ...


async def second(scope, receive, send): ...


def application() -> ProtocolTypeRouter:
    nested = URLRouter([re_path(r"^(?P<n>\d+)$", first), path("", second)])
    router = URLRouter(
        [path("ws/lots/<int:pk>/", first), path("in/", nested), path("<int:pk>/", second)]
    )
    return ProtocolTypeRouter({"http": get_asgi_application(), "websocket": router})


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.name)
def test_the_route_is_the_one_of_djangos_own_resolver(table: Table) -> None:
    """For every URLconf and path, the route found is that of the view that resolve() picks."""
    resolver = get_resolver(table.module.__name__)
    for near in dict.fromkeys(near for given in table.module.PATHS for near in mutated(given)):
        wanted = ask_django(table, near)
        found = resolve_http(near, table.routes, resolver)
        numbers = {table.numbers[at] for at, route in enumerate(table.routes) if route == found}

        assert (wanted in numbers) or wanted == BEYOND or (wanted is None and found is None)


@pytest.mark.parametrize(
    ("asked", "pattern"),
    [
        ("/ws/lots/1/", "/ws/lots/<int:pk>/"),
        ("//ws/lots/1/", "/ws/lots/<int:pk>/"),
        ("/in/7", r"/in/(?P<n>\d+)$"),
        ("/in//7", r"/in/(?P<n>\d+)$"),
        ("/in/", "/in/"),
        ("/7/", "/<int:pk>/"),
        ("/ws/lots/x/", None),
        ("/in/x", None),
    ],
)
def test_a_websocket_is_found_as_channels_would(asked: str, pattern: str | None) -> None:
    """Nested routers, leading slashes and all."""
    routes = read_application(application(), "").websocket_routes
    found = resolve_websocket(asked, routes, application())

    assert (found.pattern if found else None) == pattern


def test_a_view_is_named_before_a_websocket_on_the_same_path() -> None:
    """Without a handshake a path means the view."""
    routes = (
        *http_routes(get_resolver(), ""),
        *read_application(application(), "").websocket_routes,
    )

    assert resolve_path("/about/", routes, application()).pattern == "/about/"
    assert resolve_path("/7/", routes, application()).pattern == "/<int:pk>/"
    assert resolve_path("/nothing", routes, application()) is None

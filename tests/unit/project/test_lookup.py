"""Which route answers a path."""

import pytest
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.test import override_settings
from django.urls import get_resolver, path, re_path
from oracle.cases import Case, case_of, module_of, names, settings_of
from oracle.resolver import path_of, resolve_with_django
from oracle.targets import targets_of

from django_tandem.model import Route
from django_tandem.project.asgi_routes import read_application
from django_tandem.project.lookup import resolve_http, resolve_websocket


async def first(scope, receive, send): ...


async def second(scope, receive, send): ...


def application() -> ProtocolTypeRouter:
    nested = URLRouter([re_path(r"^(?P<n>\d+)$", first), path("", second)])
    router = URLRouter(
        [path("ws/lots/<int:pk>/", first), path("in/", nested), path("<int:pk>/", second)]
    )
    return ProtocolTypeRouter({"http": get_asgi_application(), "websocket": router})


@pytest.mark.parametrize("name", names())
def test_the_route_is_the_one_of_djangos_own_resolver(name: str) -> None:
    """For every URLconf and path, the route found is that of the view that resolve() picks."""
    module = module_of(name)
    with override_settings(**settings_of(module)):
        case = case_of(module.__name__)
        for target in targets_of(module.PATHS):
            resolution = resolve_with_django(case.urlconf, target)
            found = resolve_http(path_of(target), case.routes, get_resolver(case.urlconf))

            if resolution is None:
                assert found is None
            elif not case.is_below_branch(resolution):
                assert resolution.number in numbers(case, found)


def numbers(case: Case, found: Route | None) -> set[int]:
    pairs = zip(case.numbers, case.routes, strict=True)
    return {number for number, route in pairs if route == found}


@pytest.mark.parametrize(
    ("path", "pattern"),
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
def test_a_websocket_is_found_as_channels_would(path: str, pattern: str | None) -> None:
    """Nested routers, leading slashes and all."""
    routes = read_application(application(), "").websocket_routes
    found = resolve_websocket(path, routes, application())

    assert (found.pattern if found else None) == pattern

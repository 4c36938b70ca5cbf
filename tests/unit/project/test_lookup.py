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
from django_tandem.project.lookup import is_file, pattern_of, resolve_http, resolve_websocket

urlpatterns = [re_path(r"^lots/(\d+)/", lambda request, number: None)]


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


@override_settings(ROOT_URLCONF=__name__)
def test_the_pattern_is_the_one_that_the_logs_have() -> None:
    """Without the caret of a regular expression; None where no route matches."""
    assert pattern_of("/lots/7/") == r"/lots/(\d+)/"
    assert pattern_of("/none/") is None


@pytest.mark.parametrize(
    ("media", "path", "expected"),
    [
        ("/media/", "/static/a.css", True),
        ("/media/", "/media/a.png", True),
        ("/media/", "/lots/", False),
        # The default, and files on another host.
        ("", "/lots/", False),
        ("/", "/lots/", False),
        ("https://cdn.example/media/", "/media/a.png", False),
    ],
)
def test_a_path_below_the_urls_of_files_is_a_file(media, path, expected) -> None:
    """The edge serves them."""
    with override_settings(STATIC_URL="/static/", MEDIA_URL=media):
        assert is_file(path) is expected

"""Files of a site below a URL, and whose ASGI handler answers: Django's own, or ours."""

import pytest
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import LazySettings
from django.core.handlers.asgi import ASGIHandler
from django.urls import re_path

from django_tandem.errors import ProjectError
from django_tandem.handler.application import DjangoApplication
from django_tandem.inprocess.handler_choice import with_our_handler
from django_tandem.model import StaticFiles
from django_tandem.project import loading
from django_tandem.project.loading import holds_stock_handler, site_files
from django_tandem.project.location import Location
from django_tandem.settings import read_settings


def test_a_prefix_ends_with_a_slash(tmp_path) -> None:
    """However the setting is written."""
    expected = StaticFiles(prefix="/media/", directory=str(tmp_path))

    assert site_files("/media", tmp_path) == site_files("/media/", tmp_path) == expected


@pytest.mark.parametrize("url", ["", None, "/", "https://cdn.example/media/", "media/"])
def test_what_is_no_path_of_this_site_is_left_alone(url, tmp_path) -> None:
    """Nor the root, where everything else is."""
    assert site_files(url, tmp_path) is None
    assert site_files("/media/", "") is None


@pytest.mark.parametrize(
    ("settings_module", "message"),
    [
        (
            None,
            'The settings module "site1.settings" was not imported: settings.configure() had been '
            "called.\n"
            "  `opentelemetry-instrument` calls it: start tandem without that command, and install "
            "the extra `otel`, which traces the workers. With another such command, set "
            "DJANGO_SETTINGS_MODULE in the environment.",
        ),
        (
            "site1.settings",
            'ROOT_URLCONF is not set in "site1.settings".\n'
            '  Set it to the module of the URLconf, such as "mysite.urls".',
        ),
    ],
)
def test_settings_without_a_urlconf_have_a_reason(
    settings_module, message, tmp_path, monkeypatch
) -> None:
    """OpenTelemetry's command configures Django without a settings module."""
    found = LazySettings()
    found.configure()
    found.SETTINGS_MODULE = settings_module
    monkeypatch.setattr(loading, "django_settings", found)
    location = Location(directory=tmp_path, settings_module="site1.settings")

    with pytest.raises(ProjectError) as caught:
        loading.read(location, read_settings({}), None)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("middleware", "saves", "expected"),
    [
        (["django.contrib.sessions.middleware.SessionMiddleware"], True, True),
        (["django.contrib.sessions.middleware.SessionMiddleware"], False, False),
        ([], True, False),
    ],
)
def test_each_request_saves_its_session_where_there_is_one(
    middleware, saves, expected, monkeypatch
) -> None:
    """By the setting, which has no effect without the middleware."""
    found = LazySettings()
    found.configure(MIDDLEWARE=middleware, SESSION_SAVE_EVERY_REQUEST=saves)
    monkeypatch.setattr(loading, "django_settings", found)

    assert loading._saves_each_session() is expected


@pytest.mark.parametrize(
    ("middleware", "engine", "expected"),
    [
        (["mysite.SessionMiddleware"], "django.contrib.sessions.backends.cached_db", "sid"),
        (["mysite.SessionMiddleware"], "django.contrib.sessions.backends.signed_cookies", ""),
        ([], "django.contrib.sessions.backends.db", ""),
    ],
)
def test_the_cookie_of_a_session_names_a_client_by_its_value(
    middleware, engine, expected, monkeypatch
) -> None:
    """A session that is in the cookie itself has another value after each change."""
    found = LazySettings()
    found.configure(MIDDLEWARE=middleware, SESSION_ENGINE=engine, SESSION_COOKIE_NAME="sid")
    monkeypatch.setattr(loading, "django_settings", found)

    assert loading._session_cookie() == expected


class Derived(ASGIHandler):
    """A handler of the project, which does all that Django's does."""


class DerivedRouter(ProtocolTypeRouter):
    """A router of a package's, which adds to Channels' own."""


def layer(inner):
    async def application(scope, receive, send):
        await inner(scope, receive, send)

    return application


def router(http, kind=ProtocolTypeRouter):
    return kind({"http": http, "websocket": layer(URLRouter([]))})


@pytest.mark.parametrize(
    "application",
    [
        None,
        ASGIHandler(),
        DjangoApplication(),
        layer(DjangoApplication()),
        router(ASGIHandler()),
        router(ASGIHandler(), DerivedRouter),
        router(DjangoApplication()),
        ProtocolTypeRouter({"websocket": URLRouter([])}),
    ],
)
def test_our_handler_answers(application) -> None:
    """The project has no handler, an untouched one, one in a router of Channels', or ours."""
    assert not holds_stock_handler(application)


@pytest.mark.parametrize(
    "application",
    [
        layer(ASGIHandler()),
        Derived(),
        layer(Derived()),
        router(Derived()),
        router(layer(ASGIHandler())),
        router(URLRouter([re_path("", ASGIHandler())])),
        layer(router(ASGIHandler())),
    ],
)
def test_djangos_handler_answers(application) -> None:
    """Inside of a layer, and as a class of the project's own: what is served is as it was."""
    assert holds_stock_handler(application)
    assert with_our_handler(application) is application
    assert holds_stock_handler(application)


def test_a_bare_handler_is_replaced() -> None:
    """As startproject makes it."""
    assert type(with_our_handler(ASGIHandler())) is DjangoApplication


@pytest.mark.parametrize("kind", [ProtocolTypeRouter, DerivedRouter])
def test_a_handler_in_a_router_is_replaced_there(kind) -> None:
    """As Channels' documentation has it; the router is the project's own, and its rest too."""
    given = router(ASGIHandler(), kind)
    websocket = given.application_mapping["websocket"]

    assert with_our_handler(given) is given
    assert type(given.application_mapping["http"]) is DjangoApplication
    assert given.application_mapping["websocket"] is websocket

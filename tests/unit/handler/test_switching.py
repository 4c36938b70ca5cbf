"""Where a request runs: on the event loop as long as nothing may block, then on one thread."""

import threading

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.utils.deprecation import MiddlewareMixin

from django_tandem.inprocess import routed_request
from handler.client import request_once, thread_switches

URLS = "handler.urls"
HERE = "handler.test_switching."
SECURITY = "django.middleware.security.SecurityMiddleware"
SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
FETCH = "django.middleware.cache.FetchFromCacheMiddleware"
DEFAULT = (
    SECURITY,
    SESSION,
    "django.middleware.common.CommonMiddleware",
    CSRF,
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)
COOKIES = {"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"}


class Own(MiddlewareMixin):
    """Middleware of the project."""

    def process_request(self, request):
        request.own_thread = threading.get_ident()

    def process_response(self, request, response):
        response["X-Own"] = str(request.own_thread)
        return response


def sync_only(get_response):
    def middleware(request):
        response = get_response(request)
        response["X-Thread"] = str(threading.get_ident())
        return response

    return middleware


def test_an_async_view_behind_startprojects_middleware_takes_no_switch(serve):
    """Nothing of it may block, so everything runs on the event loop."""
    application = serve(URLS, *DEFAULT, **COOKIES)

    assert thread_switches(application, "/async/") == 0
    assert thread_switches(ASGIHandler(), "/async/") >= 12


@pytest.mark.parametrize(
    "middleware", [(), DEFAULT, ("handler.test_switching.sync_only", *DEFAULT)]
)
def test_a_sync_view_takes_one_switch(serve, middleware):
    """With Django's own middleware around it, and with synchronous middleware."""
    application = serve(URLS, *middleware, **COOKIES)

    assert thread_switches(application, "/sync/") == 1


def test_a_sync_middleware_in_between_takes_no_further_switch(serve):
    """Django's own middleware inside of it runs on the same thread, and so does the view."""
    application = serve(URLS, *DEFAULT[:3], f"{HERE}sync_only", *DEFAULT[3:], **COOKIES)

    client = request_once(application, "/sync/")

    assert client.headers["x-thread"] == client.text
    assert thread_switches(application, "/sync/") == 1


def test_middleware_of_the_project_switches_as_in_django(serve):
    """Once for each hook, and all on one thread."""
    application = serve(URLS, SECURITY, f"{HERE}Own", *DEFAULT[2:3])

    client = request_once(application, "/sync/")

    assert client.headers["x-own"] == client.text
    # Two for the hooks, one for the view.
    assert thread_switches(application, "/sync/") == 3
    assert thread_switches(application, "/async/") == 2


@pytest.fixture
def with_handover(monkeypatch):
    """Install the handover of the ASGI stack for the handlers made in the test."""
    monkeypatch.setattr(BaseHandler, "load_middleware", BaseHandler.load_middleware)
    routed_request.install(())


TOKEN = b"t" * 32
FORM = {"method": "POST", "headers": [(b"cookie", b"csrftoken=" + TOKEN), (b"x-csrftoken", TOKEN)]}


@pytest.mark.usefixtures("with_handover")
@pytest.mark.parametrize(
    ("middleware", "request_"),
    [((CSRF,), FORM), ((FETCH, CSRF), {}), ((f"{HERE}sync_only", CSRF), {}), (DEFAULT, FORM)],
)
def test_the_handover_takes_no_further_switch(serve, middleware, request_):
    """It runs where the view and the middleware before it run."""
    application = serve(URLS, *middleware, **COOKIES)

    assert request_once(application, "/sync/", **request_).status == 200
    assert thread_switches(application, "/sync/", **request_) == 1


def test_a_template_response_is_rendered_on_the_thread(serve):
    """A template may query the database, also for an async view."""
    application = serve(URLS, SECURITY)

    assert request_once(application, "/renders/").text != str(threading.get_ident())
    assert thread_switches(application, "/renders/") == 1


@pytest.mark.parametrize("path", ["/sync/", "/async/", "/nowhere/", "/fails/", "/fails-too/"])
@pytest.mark.parametrize("middleware", [(), DEFAULT, (f"{HERE}sync_only", f"{HERE}Own", SECURITY)])
def test_the_response_is_that_of_django(serve, middleware, path):
    """Status and headers are those of stock Django with the same middleware."""
    application = serve(URLS, *middleware, **COOKIES)

    ours, stock = request_once(application, path), request_once(ASGIHandler(), path)

    own = ("x-own", "x-thread")
    assert ours.status == stock.status
    assert [name for name in ours.headers if name not in own] == [
        name for name in stock.headers if name not in own
    ]

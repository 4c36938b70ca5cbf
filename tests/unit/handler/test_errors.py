"""An error while an error is answered: caught by the next middleware, as by Django's handler."""

import logging

import pytest
from django.core import signals
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path
from django.utils.deprecation import MiddlewareMixin
from django.views.defaults import server_error

from handler.client import request_once

HERE = "handler.test_errors."
SECURITY = "django.middleware.security.SecurityMiddleware"
FRAMES = "django.middleware.clickjacking.XFrameOptionsMiddleware"
OWN = "handler.test_switching.Own"
SYNC_ONLY = "handler.test_switching.sync_only"
CHAINS = [
    (),
    (SECURITY,),
    (SECURITY, FRAMES),
    (SYNC_ONLY, SECURITY, FRAMES),
    (SECURITY, SYNC_ONLY, FRAMES),
    (SECURITY, OWN, FRAMES),
    (FRAMES, f"{HERE}Failing", SECURITY),
    (FRAMES, SECURITY, f"{HERE}Failing"),
]


def fails(request):
    raise ValueError("a bug in the view")


async def fails_too(request):
    raise ValueError("a bug in the view")


def works(request):
    return HttpResponse("works")


class Failing(MiddlewareMixin):
    """Fails on the way out."""

    def process_response(self, request, response):
        if response.status_code == 200:
            raise ValueError("a bug in the middleware")
        return response


def handler500(request):
    """Fails as a template of an error page may, more or less often."""
    request.failed = getattr(request, "failed", 0) + 1
    if request.failed <= int(request.GET.get("times", 0)):
        raise PermissionDenied if "denied" in request.GET else LookupError("a bug in 500.html")
    return server_error(request)


urlpatterns = [path("sync/", fails), path("async/", fails_too), path("works/", works)]


def outcome(application, where, **request):
    try:
        client = request_once(application, where, **request)
    except Exception as error:  # noqa: BLE001
        return repr(error)
    skipped = ("x-own", "x-thread")
    return client.status, [name for name in client.headers if name not in skipped]


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("where", ["/sync/", "/async/", "/works/"])
@pytest.mark.parametrize("query", [b"denied&times=1", b"times=1", b"times=2", b"times=9"])
def test_a_failing_error_page_is_converted_as_by_django(serve, chain, where, query):
    """By the next middleware, or by none: then the error leaves the application."""
    application = serve(__name__, *chain)

    with override_settings(LOGGING_CONFIG=None):
        ours = outcome(application, where, query=query)
        stock = outcome(ASGIHandler(), where, query=query)

    assert ours == stock


class FailingHandler(logging.Handler):
    """A log handler that fails once, as AdminEmailHandler does for a form that can't be parsed."""

    def emit(self, record):
        raise PermissionDenied


@pytest.mark.parametrize("where", ["/sync/", "/async/"])
def test_a_failing_log_handler_is_answered_as_by_django(serve, where):
    """Django logs the error before it makes the page."""
    application = serve(__name__, SECURITY, FRAMES)
    logger = logging.getLogger("django.request")
    failing = FailingHandler(level=logging.ERROR)
    finished = []

    def note(**_):
        finished.append(where)

    signals.request_finished.connect(note)
    logger.addHandler(failing)
    try:
        ours, stock = outcome(application, where), outcome(ASGIHandler(), where)
    finally:
        logger.removeHandler(failing)
        signals.request_finished.disconnect(note)

    assert ours == stock
    assert ours[0] == 403
    assert len(finished) == 2


def test_a_form_that_cannot_be_parsed_is_answered_as_by_django(serve):
    """DEBUG's page reads it, and fails."""
    application = serve(__name__, SECURITY, FRAMES)
    request = {
        "method": "POST",
        "headers": [(b"content-type", b"multipart/form-data")],
    }

    with override_settings(DEBUG=True):
        ours = outcome(application, "/async/", **request)
        stock = outcome(ASGIHandler(), "/async/", **request)

    assert ours == stock
    assert ours[0] == 400

"""Context variables go from the middleware to the view and back, and to no other request."""

import asyncio

import pytest
from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from handler.client import run, send_request
from handler.urls import SEEN

URLS = "handler.urls"
SECURITY = "django.middleware.security.SecurityMiddleware"
HERE = "handler.test_contexts."


class Native:
    """Async middleware that sets a variable, and returns its value after the view."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response):
        self.get_response = get_response
        assert iscoroutinefunction(get_response)
        markcoroutinefunction(self)

    async def __call__(self, request):
        SEEN.set("the middleware")
        response = await self.get_response(request)
        response["X-Seen"] = SEEN.get()
        return response


def synchronous(get_response):
    def middleware(request):
        SEEN.set("the middleware")
        response = get_response(request)
        response["X-Seen"] = SEEN.get()
        return response

    return middleware


@pytest.mark.parametrize("middleware", ["Native", "synchronous"])
@pytest.mark.parametrize(
    ("path", "left"), [("/sees/", "the sync view"), ("/sees-too/", "the async view")]
)
def test_a_context_variable_reaches_the_view_and_returns(serve, middleware, path, left):
    """Across a thread switch, and across Django's own middleware."""
    application = serve(URLS, SECURITY, f"{HERE}{middleware}", SECURITY)

    client = run(send_request(application, path))

    assert (client.text, client.headers["x-seen"]) == ("the middleware", left)


def test_a_context_variable_does_not_reach_the_next_request(serve):
    """A server may answer both in one task, as on a kept-alive connection."""
    application = serve(URLS, SECURITY)

    async def both():
        return [(await send_request(application, "/sees/")).text for _ in range(2)]

    assert run(both()) == ["nothing", "nothing"]


def test_concurrent_requests_have_separate_contexts(serve):
    """Each of twenty."""
    application = serve(URLS, f"{HERE}Native")

    async def many():
        return await asyncio.gather(*(send_request(application, "/sees/") for _ in range(20)))

    assert {client.text for client in run(many())} == {"the middleware"}

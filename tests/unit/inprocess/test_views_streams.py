"""An event stream is recognized by the code of its view."""

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.views import View

from django_tandem.inprocess.views import facts_of

EVENTS = "text/event-stream; charset=utf-8"


def by_its_own_code(_request):
    return StreamingHttpResponse([], content_type="text/event-stream")


def by_a_constant(_request):
    return StreamingHttpResponse([], content_type=EVENTS)


def respond():
    return StreamingHttpResponse([], headers={"Content-Type": "multipart/x-mixed-replace"})


def by_a_function(_request):
    return respond()


class EventStream(StreamingHttpResponse):
    def __init__(self, parts):
        super().__init__(parts, content_type=EVENTS)


def by_a_response_class(_request):
    return EventStream([])


class ByAMethod(View):
    def get(self, request):
        return self.stream()

    def stream(self):
        def inner():
            return EventStream([])

        return inner()


class ByAnAttribute(View):
    content_type = EVENTS

    def get(self, request):
        return StreamingHttpResponse([], content_type=self.content_type)


class Client:
    """Not a response, so what it accepts says nothing about the view."""

    accept = EVENTS

    def fetch(self):
        return {"Accept": "text/event-stream"}


def by_a_client(_request):
    return HttpResponse(Client().fetch())


def export(_request):
    return StreamingHttpResponse([], content_type="text/csv")


@pytest.mark.parametrize(
    "view",
    [
        by_its_own_code,
        by_a_constant,
        by_a_function,
        by_a_response_class,
        ByAMethod.as_view(),
        ByAnAttribute.as_view(),
    ],
)
def test_the_type_is_named_in_code_that_the_view_calls(view) -> None:
    """In the view, a constant, a function of its package, a class, its method or attribute."""
    assert facts_of(view).is_event_stream


@pytest.mark.parametrize("view", [by_a_client, export, View.as_view()])
def test_another_view_is_no_event_stream(view) -> None:
    """A client of somebody else's events is none."""
    assert not facts_of(view).is_event_stream


async def parts():
    yield b"part"


def by_a_generator(_request):
    return StreamingHttpResponse(parts())


def by_a_nested_generator(_request):
    async def own():
        yield b"part"

    return StreamingHttpResponse(own())


def by_a_sync_generator(_request):
    def own():
        yield b"part"

    return StreamingHttpResponse(own())


@pytest.mark.parametrize("view", [by_a_generator, by_a_nested_generator])
def test_an_async_stream_calls_an_async_generator(view) -> None:
    """Of its module, or in its own code."""
    assert facts_of(view).is_async_stream
    assert not facts_of(by_a_sync_generator).is_async_stream

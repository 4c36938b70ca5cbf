"""Facts about views, read from real frameworks' ones."""

import functools
import inspect
import sys
from pathlib import Path
from types import ModuleType

import adrf.decorators
import adrf.views
import adrf.viewsets
import pytest
import strawberry
from asgiref.sync import iscoroutinefunction
from django.contrib.auth.decorators import login_required
from django.views.generic import View
from rest_framework.decorators import api_view
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet
from strawberry.django.views import AsyncGraphQLView, GraphQLView

from django_tandem.inprocess.views import consumer_view, view_of
from django_tandem.marks import on_asgi
from django_tandem.model import Stack

HERE = str(Path(__file__).parent)


def plain(request): ...


async def waiting(request): ...


def hidden(view):
    def inner(request):
        return view(request)

    return inner


class Page(View):
    def get(self, request): ...


class AsyncPage(View):
    async def get(self, request): ...


class Callable:
    def __call__(self, request): ...


class AsyncCallable:
    async def __call__(self, request): ...


class Api(APIView):
    def get(self, request): ...


class AsyncApi(adrf.views.APIView):
    async def get(self, request): ...


class Things(ViewSet):
    def list(self, request): ...


class AsyncThings(adrf.viewsets.ViewSet):
    async def list(self, request): ...


@api_view(["GET"])
def by_drf(request): ...


@adrf.decorators.api_view(["GET"])
async def by_adrf(request): ...


@strawberry.type
class Query:
    answer: int = 42


schema = strawberry.Schema(Query)


class Operation:
    """As Django Ninja's: what a path does for one HTTP method."""

    def __init__(self, view_func):
        self.view_func = view_func


class NinjaPath:
    """As Django Ninja's PathView: a method in older versions, a closure in newer ones."""

    def __init__(self, *functions):
        self.operations = [Operation(function) for function in functions]

    async def method(self, request): ...

    def closure(self):
        def view(request):
            return self.operations[0].view_func(request)

        return view


VIEWS = {
    "plain": plain,
    "waiting": waiting,
    "Page": Page.as_view(),
    "AsyncPage": AsyncPage.as_view(),
    "Callable": Callable(),
    "AsyncCallable": AsyncCallable(),
    "Api": Api.as_view(),
    "AsyncApi": AsyncApi.as_view(),
    "Things": Things.as_view({"get": "list"}),
    "AsyncThings": AsyncThings.as_view({"get": "list"}),
    "by_drf": by_drf,
    "by_adrf": by_adrf,
    "hidden.<locals>.inner": hidden(plain),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_named_by_what_its_author_wrote(name: str) -> None:
    """The class behind as_view(), the function behind a decorator, never the wrapper."""
    assert view_of(VIEWS[name], "").dotted == f"{__name__}.{name}"


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_a_coroutine_when_django_would_await_it(name: str) -> None:
    """Django's handler asks this one function, and so do the facts."""
    expected = {"waiting", "AsyncPage", "AsyncApi", "AsyncThings", "by_adrf"}

    assert view_of(VIEWS[name], "").is_coroutine is (name in expected)
    assert iscoroutinefunction(VIEWS[name]) is (name in expected)


def test_strawberrys_two_views_are_distinguished() -> None:
    """Its async view is awaited, its other one is not."""
    awaited = view_of(AsyncGraphQLView.as_view(schema=schema), "")
    called = view_of(GraphQLView.as_view(schema=schema), "")

    assert awaited.dotted == "strawberry.django.views.AsyncGraphQLView"
    assert (awaited.is_coroutine, called.is_coroutine) == (True, False)


@pytest.mark.parametrize(
    "wrap",
    [
        login_required,
        functools.partial,
        lambda view: functools.partial(login_required(view)),
        lambda view: NinjaPath(view, plain).method,
        lambda view: NinjaPath(view, plain).closure(),
    ],
)
def test_wrappers_are_looked_through(wrap) -> None:
    """Decorators that use functools.wraps, partials, and Django Ninja's paths."""
    assert view_of(wrap(waiting), "").dotted == f"{__name__}.waiting"


def test_a_mark_is_read_from_the_wrapper_or_from_what_it_wraps() -> None:
    """A mark below Django Ninja's closure is found as well."""

    def marked(request): ...

    on_asgi(marked)

    assert view_of(login_required(marked), "").mark is Stack.ASGI
    assert view_of(NinjaPath(marked).closure(), "").mark is Stack.ASGI
    assert view_of(plain, "").mark is None


def test_the_source_is_relative_inside_the_project() -> None:
    """A file of the project's is named as its author knows it, another one in full."""
    line = inspect.getsourcelines(plain)[1]

    assert view_of(plain, HERE).source == f"test_views.py:{line}"
    assert view_of(plain, "/elsewhere").source == f"{__file__}:{line}"


@pytest.mark.parametrize("name", ["Page", "AsyncThings", "by_drf", "by_adrf", "Callable"])
def test_the_source_of_a_class_is_its_own_line(name: str) -> None:
    """Also where the class was made by a decorator: then the function's line counts."""
    source = view_of(VIEWS[name], HERE).source
    file, _, line = source.partition(":")
    text = Path(HERE, file).read_text().splitlines()[int(line) - 1]

    assert text.startswith((f"class {name}", f"def {name}", f"async def {name}", "@"))


def test_a_view_without_a_file_has_no_source() -> None:
    """What C code or an interactive session defines is nowhere."""
    module = ModuleType("made_up")
    sys.modules["made_up"] = module
    made = type("Made", (), {"__module__": "made_up", "__call__": lambda self: None})

    assert view_of(made(), HERE).source is None
    del sys.modules["made_up"]


def test_a_consumer_is_named_by_its_class() -> None:
    """What as_asgi() returns has the class; a plain ASGI application stands for itself."""

    class Consumer: ...

    async def application(scope, receive, send): ...

    assert consumer_view(application, "").dotted.endswith("<locals>.application")
    application.consumer_class = Consumer
    found = consumer_view(application, "")

    assert found.dotted.endswith("<locals>.Consumer")
    assert found.is_coroutine

"""A served process decides by the plan's own rules."""

from types import SimpleNamespace

import pytest
from django.urls import ResolverMatch

from django_tandem.inprocess.policy import decide_request, narrowest_pin, route_text
from django_tandem.inprocess.views import view_of
from django_tandem.marks import on_asgi
from django_tandem.model import PathMatch, Pin, Route, Stack
from django_tandem.routing.policy import decide_all


class Api:
    def hello(self, request): ...


class Unhashable:
    __hash__ = None

    def __call__(self, request): ...


def marked(request): ...


def behind(view):
    operations = [SimpleNamespace(view_func=view)]

    class Path:
        def closure(self):
            def inner(request):
                return self.operations[0].view_func(request)

            return inner

    made = Path()
    made.operations = operations
    return made.closure()


on_asgi(marked)
VIEWS = {
    "method": Api().hello,
    "object": Unhashable(),
    "function": behind,
    "closure": behind(behind),
    "marked": behind(marked),
}


def _both(view, pins, *, name=None, namespaces=()):
    full = ":".join([*namespaces, name]) if name else None
    match = PathMatch(pcre=r"^/a/\z", prefix="/a/", literal="/a/")
    route = Route(pattern="/a/", name=full, view=view_of(view, ""), match=match)
    found = ResolverMatch(view, (), {}, name, namespaces=namespaces)
    (verdict,) = decide_all([route], pins)
    return verdict.stack, decide_request(found, view, "/a/", pins).stack


@pytest.mark.parametrize("name", VIEWS)
def test_a_pin_by_a_views_dotted_path_means_the_same_view_to_both(name) -> None:
    """A bound method, an object, and what lies below a wrapper."""
    dotted = view_of(VIEWS[name], "").dotted
    pins = (Pin(target=dotted, stack=Stack.ASGI),)

    assert _both(VIEWS[name], pins) == (Stack.ASGI, Stack.ASGI)


def test_a_bound_method_is_named_by_its_class() -> None:
    """As its author would write it."""
    assert view_of(Api().hello, "").dotted == f"{__name__}.Api.hello"


def test_a_mark_below_a_wrapper_means_the_same_to_both() -> None:
    """Also where the wrapper does not say what it wraps."""
    assert _both(VIEWS["marked"], ()) == (Stack.ASGI, Stack.ASGI)


def test_a_namespace_speaks_of_named_routes() -> None:
    """A name and its namespaces are put together as reverse() takes them."""
    pins = (Pin(target="api", stack=Stack.ASGI),)

    assert _both(behind, pins, name="feed", namespaces=("api",)) == (Stack.ASGI, Stack.ASGI)


@pytest.mark.parametrize(
    ("route", "given", "pin"),
    [
        ("live/", {"url_name": "live"}, "=/live/"),
        ("^rooms/(?P<room>[^/]+)/events/$", {"url_name": "events"}, "events"),
        ("api/<int:pk>/", {"url_name": "one", "namespaces": ["api"]}, "api:one"),
        ("chat/<room>/events/", {}, "chat.views.events"),
    ],
)
def test_the_pin_that_is_advised_takes_no_other_route(route, given, pin) -> None:
    """One path, a name, or a view: a prefix may hold other routes."""
    match = ResolverMatch(behind, (), {}, route=route, **given)

    assert narrowest_pin(match, "chat.views.events") == pin


@pytest.mark.parametrize(
    ("route", "text"),
    [("^a/^b/$", "/a/b/$"), ("a/[^/]+", "/a/[^/]+"), ("", "/"), ("a/<int:pk>", "/a/<int:pk>")],
)
def test_a_route_is_shown_as_the_plan_shows_it(route, text) -> None:
    """Without the carets that begin a regular expression."""
    assert route_text(ResolverMatch(behind, (), {}, route=route)) == text

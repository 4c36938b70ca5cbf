"""A class that a tracing agent has wrapped is still Django's own."""

import pytest
import wrapt
from django.test import override_settings
from django.urls import path
from django.urls.converters import IntConverter, StringConverter, UUIDConverter
from django.urls.resolvers import RegexPattern, RoutePattern, URLPattern, URLResolver
from django.utils.deprecation import MiddlewareMixin
from urlconfs import view

from django_tandem.project.inheritance import inherits
from django_tandem.project.middleware import read_middleware
from django_tandem.project.patterns import bound_integers, refusal
from django_tandem.project.urlconf import http_routes


@pytest.fixture
def wrap(monkeypatch):
    """Wrap a method in its class, as the agents of New Relic, Datadog and Elastic do."""

    def wrap_one(cls: type, name: str) -> None:
        def traced(wrapped, instance, args, kwargs):
            return wrapped(*args, **kwargs)

        monkeypatch.setattr(cls, name, wrapt.FunctionWrapper(vars(cls)[name], traced))

    return wrap_one


class Inheriting(URLResolver):
    """A class of a package's, which resolves as Django's."""


class Overriding(URLResolver):
    """One that does not."""

    def resolve(self, path):
        return super().resolve(path)


def test_only_a_method_of_its_own_makes_a_class_another(wrap) -> None:
    """Before and after the agent has wrapped Django's."""
    before = [inherits(cls, URLResolver, "resolve") for cls in (Inheriting, Overriding)]
    wrap(URLResolver, "resolve")
    after = [inherits(cls, URLResolver, "resolve") for cls in (Inheriting, Overriding)]

    assert before == after == [True, False]


def test_what_lacks_the_method_does_not_inherit_it() -> None:
    """A middleware may be a function."""
    assert not inherits(lambda get_response: get_response, MiddlewareMixin, "__acall__")


def test_the_routes_are_those_without_an_agent(wrap) -> None:
    """Otherwise the URLconf would be one route of unknown paths, which WSGI serves."""
    patterns = [path("a/<int:n>/<slug:s>/", view()), path("b/", view())]
    root = URLResolver(RegexPattern(r"^/"), [*patterns, Inheriting(RoutePattern("c/"), patterns)])
    without = http_routes(root, "")
    for cls in (URLResolver, URLPattern):
        wrap(cls, "resolve")
    for cls in (RegexPattern, RoutePattern):
        wrap(cls, "match")

    assert http_routes(root, "") == without
    assert len(without) == 4
    assert not any(route.match.why_inexact for route in without)


def test_the_conversions_are_those_without_an_agent(wrap) -> None:
    """They refuse nothing, and integers are bounded."""
    converters = {"n": IntConverter(), "s": StringConverter(), "u": UUIDConverter()}
    without = bound_integers("(?P<n>[0-9]+)/", converters)
    for converter in converters.values():
        wrap(type(converter), "to_python")

    assert refusal(converters) == ""
    assert bound_integers("(?P<n>[0-9]+)/", converters) == without


def test_the_thread_switches_are_those_without_an_agent(wrap) -> None:
    """Each method of a MiddlewareMixin is counted."""
    sessions = "django.contrib.sessions.middleware.SessionMiddleware"
    with override_settings(MIDDLEWARE=[sessions]):
        without = read_middleware(is_stock=True)
        wrap(MiddlewareMixin, "__acall__")
        found = read_middleware(is_stock=True)

    assert found == without
    assert without[0].why == "process_request, process_response"

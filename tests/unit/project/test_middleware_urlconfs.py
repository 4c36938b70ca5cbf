"""URLconfs that a middleware chooses by the host or the tenant."""

import sys
import types
from types import SimpleNamespace

import pytest
from django.conf import settings as django_settings
from django.test import override_settings
from django.urls import path
from urlconfs import view

from django_tandem.project.middleware import read_other_urlconfs, urlconf_setters

BY_NAME = {"live.example.com": "live_urls"}


class Middleware:
    def __init__(self, get_response):
        self.get_response = get_response


class ByHost(Middleware):
    def __call__(self, request):
        if request.get_host().startswith("live."):
            request.urlconf = "live_urls"
        return self.get_response(request)


def by_table(get_response):
    def middleware(request):
        request.urlconf = BY_NAME[request.get_host()]
        return get_response(request)

    return middleware


class ByAttribute(Middleware):
    URLCONFS = (("live.example.com", "live_urls"),)

    def __call__(self, request):
        setattr(request, "urlconf", dict(self.URLCONFS)[request.get_host()])  # noqa: B010
        return self.get_response(request)


class BySetting(Middleware):
    def __call__(self, request):
        request.urlconf = django_settings.HOST_URLCONFS[request.get_host()]
        return self.get_response(request)


def choose(request):
    request.urlconf = "live_urls"


class ByFunction(Middleware):
    def __call__(self, request):
        choose(request)
        return self.get_response(request)


class ByFunctionOfModule(Middleware):
    def __call__(self, request):
        this_module.choose(request)
        return self.get_response(request)


class ByDatabase(Middleware):
    def __call__(self, request):
        request.urlconf = request.tenant.urlconf
        return self.get_response(request)


class Reads(Middleware):
    def __call__(self, request):
        request.seen = getattr(request, "urlconf", "live_urls")
        return self.get_response(request)


this_module = sys.modules[__name__]


@pytest.fixture(autouse=True)
def _modules(monkeypatch):
    for name in ("live_urls", "tenant_urls"):
        module = types.ModuleType(name)
        module.urlpatterns = [path("live/", view())]
        module.__spec__ = SimpleNamespace(name=name)
        monkeypatch.setitem(sys.modules, name, module)


def _found(*middleware, named=(), **settings):
    dotted = [f"{__name__}.{each}" for each in middleware]
    setters = SimpleNamespace(**{each: globals()[each] for each in middleware})
    sys.modules.setdefault(__name__, setters)
    with override_settings(MIDDLEWARE=dotted, **settings):
        others = [each.module for each in read_other_urlconfs(named, "")]
        return others, [each.rpartition(".")[2] for each in urlconf_setters()]


@pytest.mark.parametrize(
    "middleware", ["ByHost", "by_table", "ByAttribute", "ByFunction", "ByFunctionOfModule"]
)
def test_a_urlconf_that_a_middleware_names_is_read(middleware) -> None:
    """In its code, in a table or an attribute, or in a function that it calls."""
    assert _found(middleware) == (["live_urls"], [middleware])


def test_a_urlconf_in_a_setting_that_a_middleware_names_is_read() -> None:
    """By any name, as there is no convention for it."""
    found = _found("BySetting", HOST_URLCONFS={"live.example.com": "live_urls"})

    assert found == (["live_urls"], ["BySetting"])


def test_a_middleware_that_sets_another_urlconf_is_named() -> None:
    """What it takes from a database is not known."""
    assert _found("ByDatabase") == ([], ["ByDatabase"])
    assert _found("ByDatabase", named=["live_urls"]) == (["live_urls"], ["ByDatabase"])


def test_a_middleware_that_only_reads_it_sets_none() -> None:
    """Many do, to resolve a path."""
    assert _found("Reads") == ([], [])


@pytest.mark.parametrize(
    "settings",
    [
        {"PUBLIC_SCHEMA_URLCONF": "tenant_urls"},
        {"TENANT_TYPES": {"public": {"URLCONF": "tenant_urls"}}},
        {"SUBDOMAIN_URLCONFS": {None: "urlconfs.plain_paths", "api": "tenant_urls"}},
    ],
)
def test_urlconfs_of_packages_are_read_from_their_settings(settings) -> None:
    """django-tenants' and django-subdomains'."""
    with override_settings(ROOT_URLCONF="urlconfs.plain_paths"):
        assert _found(**settings) == (["tenant_urls"], [])


def test_urlconfs_of_django_hosts_are_those_of_its_patterns(monkeypatch) -> None:
    """Its module has a list of hosts."""
    hosts = types.ModuleType("hosts")
    hosts.host_patterns = [SimpleNamespace(urlconf="tenant_urls")]
    monkeypatch.setitem(sys.modules, "hosts", hosts)

    assert _found(ROOT_HOSTCONF="hosts") == (["tenant_urls"], [])

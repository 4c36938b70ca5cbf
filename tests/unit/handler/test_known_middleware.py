"""Which middleware is known: exactly Django's own class, unchanged."""

import ast
import threading
from pathlib import Path

import django
import pytest
from django.http import HttpResponse
from django.middleware.security import SecurityMiddleware
from django.test import override_settings

from django_tandem.handler.known_middleware import (
    DECLARATIONS,
    find_declaration,
    read_middleware,
)
from handler.client import request_once, thread_switches

URLS = "handler.urls"
SECURITY = "django.middleware.security.SecurityMiddleware"
# Since Django 6.0.
LATER = {"django.middleware.csp.ContentSecurityPolicyMiddleware"}


class Heir(SecurityMiddleware):
    """A subclass that changes nothing."""


class WithThread(SecurityMiddleware):
    """A subclass that needs its thread."""

    def process_response(self, request, response):
        response["X-Thread"] = str(threading.get_ident())
        return super().process_response(request, response)


def of_django():
    """Every middleware class in the installed Django; read, as models can't be imported here."""
    root = Path(django.__file__).parent
    for file in [*root.glob("middleware/*.py"), *root.glob("contrib/*/middleware.py")]:
        module = ".".join(["django", *file.relative_to(root).with_suffix("").parts])
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef) and node.name.endswith("Middleware"):
                yield f"{module}.{node.name}"


def test_each_middleware_of_django_is_declared():
    """A new one in a new Django fails here."""
    found = set(of_django())

    assert found <= set(DECLARATIONS)
    assert set(DECLARATIONS) - found <= LATER


def test_each_declaration_has_a_reason():
    """In a sentence."""
    for declared in DECLARATIONS.values():
        assert declared.why.endswith(".")


def test_a_subclass_switches_as_in_django(serve):
    """Even one that changes nothing: nobody knows what its next version does."""
    assert find_declaration(Heir) is None
    assert thread_switches(serve(URLS, "handler.test_known_middleware.Heir"), "/async/") == 2
    telling = serve(URLS, "handler.test_known_middleware.WithThread")
    assert request_once(telling, "/async/").headers["x-thread"] != str(threading.get_ident())


def test_a_class_with_a_replaced_hook_switches_as_in_django(serve, monkeypatch):
    """What replaces a hook expects it where Django calls it."""
    seen = []

    def process_response(self, request, response):
        seen.append(threading.get_ident())
        return response

    monkeypatch.setattr(SecurityMiddleware, "process_response", process_response)

    assert thread_switches(serve(URLS, SECURITY), "/async/") == 2
    assert seen
    assert threading.get_ident() not in seen


def test_a_class_with_a_replaced_helper_switches_as_in_django(serve, monkeypatch):
    """A hook that only computes calls the helper."""
    monkeypatch.setattr(
        "django.middleware.clickjacking.XFrameOptionsMiddleware.get_xframe_options_value",
        lambda *_: "SAMEORIGIN",
    )
    application = serve(URLS, "django.middleware.clickjacking.XFrameOptionsMiddleware")

    assert thread_switches(application, "/async/") == 1


def test_an_instance_with_an_added_hook_is_unknown():
    """Some test tools make such instances."""
    middleware = SecurityMiddleware(lambda _: HttpResponse())
    middleware.process_response = lambda _, response: response

    assert read_middleware(middleware) is None


def test_a_custom_session_store_switches_as_in_django(serve):
    """Its constructor may block."""
    session = "django.contrib.sessions.middleware.SessionMiddleware"
    own = serve(URLS, session, SESSION_ENGINE="handler.sessions_of_our_own")

    assert thread_switches(own, "/async/") == 2


@pytest.mark.parametrize("backend", ["django.core.cache.backends.locmem.LocMemCache"])
def test_a_cached_session_is_known_if_its_cache_is_djangos(backend):
    """A custom cache may connect in its constructor."""
    from django.contrib.sessions.middleware import SessionMiddleware

    engine = "django.contrib.sessions.backends.cache"
    for known, path in ((True, backend), (False, "handler.sessions_of_our_own.Cache")):
        with override_settings(SESSION_ENGINE=engine, CACHES={"default": {"BACKEND": path}}):
            layer = read_middleware(SessionMiddleware(lambda _: HttpResponse()))
        assert (layer is not None) is known

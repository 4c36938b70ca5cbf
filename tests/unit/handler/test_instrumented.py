"""The response is Django's where something wraps, replaces or rewrites its functions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.handlers import base
from django.core.handlers import exception as django_exception
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.dispatch import Signal

from django_tandem.handler import internals
from django_tandem.handler.application import DjangoApplication
from django_tandem.handler.internals import is_original
from django_tandem.inprocess.handler_choice import with_our_handler
from handler.client import request_once
from handler.instrumented import TOOLS

pytestmark = pytest.mark.processes

TESTS = Path(__file__).parents[1]
OURS = "django_tandem.handler.application:DjangoApplication"
STOCK = "django.core.handlers.asgi:ASGIHandler"


@pytest.mark.parametrize("tool", TOOLS)
def test_responses_and_traces_are_those_of_django(tool):
    """Each status and header is stock Django's, and the tool records what it records there."""
    stock, ours = serve_with(tool, "stock"), serve_with(tool, "ours")

    assert ours["answers"] == stock["answers"]
    assert sorted(name.replace(OURS, STOCK) for name in ours["recorded"]) == stock["recorded"]
    assert bool(stock["recorded"]) is (tool in RECORDING)


RECORDING = {"plain wrapper", "newrelic", "ddtrace", "opentelemetry", "elasticapm", "sentry"}


def serve_with(tool: str, handler: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "handler.instrumented", tool, handler],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(TESTS)])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (ASGIHandler, "__call__"),
        (ASGIHandler, "handle"),
        (ASGIHandler, "run_get_response"),
        (ASGIHandler, "send_response"),
        (BaseHandler, "get_response_async"),
        (BaseHandler, "_get_response_async"),
        (BaseHandler, "resolve_request"),
        (BaseHandler, "check_response"),
        (BaseHandler, "make_view_atomic"),
        (BaseHandler, "adapt_method_mode"),
        (base, "convert_exception_to_response"),
        (base, "set_urlconf"),
        (Signal, "asend"),
        (Signal, "send"),
    ],
)
@pytest.mark.parametrize("path", ["/sync/", "/async/"])
def test_a_replaced_function_is_called(serve, monkeypatch, owner, name, path):
    """The response is that of stock Django with the same replacement."""
    chain = ("django.middleware.csrf.CsrfViewMiddleware", "handler.test_switching.sync_only")
    calls = []
    monkeypatch.setattr(owner, name, counting(vars(owner)[name], calls))
    ours = request_once(serve("handler.urls", *chain), path)
    assert calls

    stock = request_once(ASGIHandler(), path)
    assert (ours.status, list(ours.headers)) == (stock.status, list(stock.headers))


@pytest.mark.parametrize("path", ["/fails/", "/fails-too/", "/nowhere/"])
def test_a_replaced_conversion_of_exceptions_is_called(serve, monkeypatch, path):
    """It is looked up at each call, as by Django."""
    calls = []
    convert = django_exception.response_for_exception
    monkeypatch.setattr(
        django_exception, "response_for_exception", lambda *args: calls.append(1) or convert(*args)
    )
    request_once(serve("handler.urls"), path)

    assert calls == [1]


def test_a_handler_with_a_replaced_method_is_left_alone(serve, monkeypatch) -> None:
    """Ours would bypass the replacement."""
    monkeypatch.setattr(ASGIHandler, "handle", counting(ASGIHandler.handle, []))
    serve("handler.urls")
    handler = ASGIHandler()

    assert with_our_handler(handler) is handler


def test_an_unchanged_function_is_original():
    """In a class, and not one that does not exist."""
    assert is_original(ASGIHandler, "handle")
    assert is_original(BaseHandler, "get_response_async")
    assert not is_original(DjangoApplication, "no_such_method")


def test_a_function_that_is_rewritten_later_is_not_original(monkeypatch):
    """An agent may replace its bytecode in place after the first requests."""

    async def rewritten(self, request):
        return request

    before = is_original(BaseHandler, "get_response_async")
    monkeypatch.setattr(BaseHandler.get_response_async, "__code__", rewritten.__code__)

    assert before
    assert not is_original(BaseHandler, "get_response_async")


def test_without_sources_nothing_is_original(monkeypatch):
    """As with Django installed as bytecode alone: its own handler serves."""
    monkeypatch.setattr(internals, "_known", {})
    monkeypatch.setattr(base, "__file__", f"{base.__file__}c")
    internals._codes_of.cache_clear()
    try:
        assert not is_original(BaseHandler, "load_middleware")
    finally:
        internals._codes_of.cache_clear()


def counting(function, calls):
    """Return a plain wrapper, as a tool without wrapt writes it."""

    def counted(*args, **kwargs):
        calls.append(1)
        return function(*args, **kwargs)

    return counted

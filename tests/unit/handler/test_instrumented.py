"""What instruments Django's handler finds its functions called, once a request, as by Django."""

import json
import os
import subprocess
import sys
from pathlib import Path

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler

from django_tandem.inprocess.django_handler import with_our_handler
from handler.asking import answer

TESTS = Path(__file__).parents[1]


def test_sentry_is_told_what_it_is_told_by_django() -> None:
    """Requests at once, with their errors and messages: each of its own, and by our threads."""
    stock, ours = _sentried("stock"), _sentried("ours")

    assert ours["told"] == stock["told"]
    assert len(ours["told"]) == 20
    assert "200 django-tandem" in ours["answers"]
    assert "200 django-tandem" not in stock["answers"]


def test_who_replaces_a_function_is_asked_around_ours(serve, monkeypatch) -> None:
    """Each of them once, in the order of Django's calls; the view still runs on our thread."""
    called = []
    for cls, name in ((ASGIHandler, "__call__"), (BaseHandler, "get_response_async")):
        monkeypatch.setattr(cls, name, _noting(getattr(cls, name), name, called))
    application = serve("handler.urls")

    assert answer(application, "/sync/").status == 200
    assert called == ["__call__", "get_response_async"]


def test_a_handler_whose_work_was_replaced_is_left_alone(serve, monkeypatch) -> None:
    """Ours does that part in its own way, and would not ask."""
    monkeypatch.setattr(ASGIHandler, "handle", _noting(ASGIHandler.handle, "handle", []))
    serve("handler.urls")
    handler = ASGIHandler()

    assert with_our_handler(handler) is handler


def _noting(function, name, called):
    async def noted(*args):
        called.append(name)
        return await function(*args)

    return noted


def _sentried(handler: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "handler.sentried", handler],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(TESTS)])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)

"""What must change in a view is found in its source, and in what it calls."""

import pytest

from builders import project, verdict
from django_tandem.advisor.code import Change, Framework
from django_tandem.advisor.source import read_code
from django_tandem.model import Middleware, Stack, View

VIEWS = """
import functools
import time
import urllib.request
from time import sleep as pause

import boto3
import requests
from django.contrib.auth import authenticate
from django.core.cache import cache
from django.db import connections, transaction
from django.shortcuts import get_object_or_404
from django.views import View
from django.views.decorators.cache import cache_page, never_cache
from rest_framework.decorators import api_view
from rest_framework.views import APIView

from shop import clients
from shop.base import Fetching
from shop.models import Lot

session = requests.Session()


def audited(view):
    return view


def http(request):
    requests.get("http://supplier/")
    session.post("http://supplier/")
    urllib.request.urlopen("http://supplier/")
    boto3.client("s3").list_buckets()


def sleeps(request):
    pause(1)
    time.sleep(1)


def queries(request):
    lot = Lot.objects.filter(open=True).first()
    get_object_or_404(Lot, pk=1)
    for each in Lot.objects.all():
        print(each)
    list(Lot.objects.filter(open=True))
    cache.get("lots")
    authenticate(request)
    {}.get("lots")
    with transaction.atomic(), connections["ledger"].cursor() as cursor:
        cursor.execute("SELECT 1")


def calls(request):
    return clients.quote()


@cache_page(60)
@never_cache
@audited
def decorated(request):
    return None


@api_view(["GET"])
def rest(request):
    return None


class Quote(APIView):
    def get(self, request):
        return self.fetch()

    def fetch(self):
        return requests.get("http://supplier/")


class Inherits(Fetching, View):
    pass


def plain(request):
    return None
"""
CLIENTS = """
import socket


def quote():
    return connect()


def connect():
    return socket.create_connection(("warehouse", 1))
"""
BASE = """
import subprocess


class Fetching:
    def get(self, request):
        return subprocess.run(["fetch"])
"""


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "shop").mkdir()
    for name, text in (("views", VIEWS), ("clients", CLIENTS), ("base", BASE)):
        (tmp_path / "shop" / f"{name}.py").write_text(text)
    return project(directory=str(tmp_path))


def code_of(shop, name: str, *, stack: Stack = Stack.WSGI, **changes):
    view = View(dotted=f"shop.views.{name}", source="shop/views.py:1", **changes)
    return read_code(verdict("/", stack, view=view), shop)


def texts(code) -> list[str]:
    return [each.text for each in code.changes[1:]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "http",
            [
                "requests.get() blocks: use httpx.AsyncClient",
                "requests.Session.post() blocks: use httpx.AsyncClient",
                "urllib.request.urlopen() blocks: use httpx.AsyncClient",
                "boto3.client() blocks: use aioboto3",
            ],
        ),
        ("sleeps", ["time.sleep() blocks: use asyncio.sleep"] * 2),
        (
            "queries",
            [
                "get_object_or_404(): await aget_object_or_404()",
                "for over a queryset: async for",
                "list() of a queryset: [each async for each in …]",
                "get(): await cache.aget()",
                "authenticate(): await aauthenticate()",
                "atomic() has no async form: call its function by sync_to_async",
                "cursor() has no async form: call its function by sync_to_async",
                ".first(): await .afirst()",
            ],
        ),
        ("calls", ["socket.create_connection() blocks: use asyncio.open_connection"]),
        ("Inherits", ["subprocess.run() blocks: use asyncio.create_subprocess_exec"]),
        ("Quote", ["requests.get() blocks: use httpx.AsyncClient"]),
        (
            "decorated",
            [
                "@django.views.decorators.cache.cache_page is for synchronous views: cache in the "
                "view, by cache.aget() and aset().",
                "The decorator @audited must await the view.",
            ],
        ),
        ("plain", []),
    ],
)
def test_each_call_that_must_change_is_named(shop, name, expected) -> None:
    """Also in functions and classes of other files of the project."""
    assert sorted(texts(code_of(shop, name))) == sorted(expected)


def test_a_change_has_its_place(shop) -> None:
    """The file is relative to the project, and may be another one than the view's."""
    assert code_of(shop, "calls").blocking == (
        Change(
            text="socket.create_connection() blocks: use asyncio.open_connection",
            place="shop/clients.py:10",
            blocks=True,
        ),
    )


@pytest.mark.parametrize(
    ("dotted", "framework", "first"),
    [
        ("shop.views.plain", Framework.DJANGO, "Make the view async."),
        (
            "shop.views.Quote",
            Framework.REST,
            "Take the class or decorator from adrf, not rest_framework, and make its handlers "
            "async; serializers, permissions and renderers stay.",
        ),
        (
            "graphene_django.views.GraphQLView",
            Framework.GRAPHENE,
            "Graphene's view is synchronous: serve the schema by Strawberry's AsyncGraphQLView, "
            "with async resolvers.",
        ),
        (
            "pages.views.Page",
            Framework.OTHER,
            "The view is of another package: use its async variant, if it has one.",
        ),
    ],
)
def test_the_first_change_is_that_of_the_framework(shop, dotted, framework, first) -> None:
    """By the bases and decorators of the view, or by the package that it is of."""
    source = "shop/views.py:1" if dotted.startswith("shop") else "/site-packages/views.py:1"
    code = read_code(verdict("/", view=View(dotted=dotted, source=source)), shop)

    assert (code.framework, code.changes[0].text) == (framework, first)
    assert code.is_read is dotted.startswith("shop")


def test_rest_decorators_are_of_the_framework(shop) -> None:
    """They are replaced with ADRF's, and need not await the view."""
    code = code_of(shop, "rest")

    assert (code.framework, texts(code)) == (Framework.REST, [])


def test_an_async_view_needs_its_mark_removed_alone(shop) -> None:
    """On ASGI it needs nothing."""
    pinned = code_of(shop, "plain", is_coroutine=True, mark=Stack.WSGI)
    served = code_of(shop, "plain", is_coroutine=True, stack=Stack.ASGI)

    assert [each.text for each in pinned.changes] == [
        "Remove what keeps it on WSGI: as the test has it."
    ]
    assert (pinned.is_pinned, served.is_pinned, served.changes) == (True, False, ())


def test_settings_that_stand_in_the_way_are_named(shop) -> None:
    """Transactions of requests, and middleware without an async mode."""
    shop = project(
        directory=shop.directory,
        middleware=(
            Middleware(dotted="shop.middleware.Audit", is_sync_only=True),
            Middleware(dotted="shop.middleware.Log", thread_switches=1, why="process_view"),
            Middleware(dotted="django.middleware.common.CommonMiddleware"),
        ),
    )
    view = View(dotted="shop.views.plain", source="shop/views.py:1")

    code = read_code(verdict("/", view=view), shop, atomic=("default", "ledger"))

    assert texts(code) == [
        'DATABASES["default"]["ATOMIC_REQUESTS"] is True, and an async view has no transaction: '
        "decorate it with @transaction.non_atomic_requests.",
        'DATABASES["ledger"]["ATOMIC_REQUESTS"] is True, and an async view has no transaction: '
        'decorate it with @transaction.non_atomic_requests(using="ledger").',
        "The middleware shop.middleware.Audit has no async mode, and holds a thread until the view "
        "returns.",
        "The middleware shop.middleware.Log switches to a thread for each request on ASGI: "
        "process_view.",
    ]


@pytest.mark.parametrize("text", ["def broken(:", "\0"])
def test_a_source_that_is_not_python_is_not_read(tmp_path, text) -> None:
    """The advice is then on the measured times alone."""
    (tmp_path / "views.py").write_text(text)
    view = View(dotted="views.broken", source="views.py:1")

    code = read_code(verdict("/", view=view), project(directory=str(tmp_path)))

    assert (code.is_read, code.blocking) == (False, ())

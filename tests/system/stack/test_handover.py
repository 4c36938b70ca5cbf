"""A request at the wrong stack is handed over once, whole, and the project sees one request."""

import hashlib
import json
import time
import urllib.error
import urllib.request

import pytest

from django_tandem.inprocess.handover_counts import WRITE_EVERY_S, read
from harness.client import wait_for
from harness.projects import EVEN, startproject
from harness.stack import Up, tandem

URLS = (
    EVEN
    + """
import asyncio
import functools
import hashlib
import time

from django.test import AsyncClient, Client
from django.http import HttpResponse, HttpResponseForbidden, JsonResponse, StreamingHttpResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt
from django_tandem.marks import on_asgi, on_wsgi


def describe(request, **more):
    return JsonResponse({
        "kind": type(request).__name__,
        "method": request.method,
        "target": request.get_full_path(),
        "body": hashlib.sha256(request.body).hexdigest(),
        "length": len(request.body),
        "seen": {k: v for k, v in request.headers.items() if k.lower().startswith("x-tandem")},
        **more,
    })


@csrf_exempt
def sync(request, **_):
    return describe(request)


@csrf_exempt
async def coroutine(request, **_):
    return describe(request)


async def guarded(request):
    return describe(request)


def nested(request):
    answer = Client().get("/async/")
    return describe(request, inner=answer.status_code, redirect=answer.get("X-Accel-Redirect"))


async def nested_async(request):
    answer = await AsyncClient().get("/sync/")
    return describe(request, inner=answer.status_code, redirect=answer.get("X-Accel-Redirect"))


def meta(request):
    own = [key for key in request.META if "tandem.routed_request" in key.lower()]
    return describe(request, own=own)


class Api:
    def hello(self, request):
        return describe(request)


def hidden(view):
    @functools.wraps(view)
    def inner(request):
        return asyncio.run(view(request))
    return inner


def events(request):
    def lines():
        for number in range(3):
            yield f"data: {type(request).__name__} {number}\\n\\n"
    return StreamingHttpResponse(lines(), content_type="text/event-stream")


async def stream(request):
    async def lines():
        yield type(request).__name__.encode()
    return StreamingHttpResponse(lines())


class Lines:
    def __init__(self, text):
        self.parts = [text.encode()]

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.parts:
            raise StopAsyncIteration
        return self.parts.pop()


@csrf_exempt
def async_stream(request):
    return StreamingHttpResponse(Lines(type(request).__name__))


def generator_stream(request):
    async def lines():
        yield type(request).__name__.encode()
    return StreamingHttpResponse(lines())


urlpatterns = [
    path("sync/", sync),
    path("async/", coroutine),
    path("even/<even:n>/", coroutine),
    path("even/<int:n>/", sync),
    path("events/", events),
    path("once/<even:n>/", coroutine),
    path("async-stream/", async_stream),
    path("generator-stream/", generator_stream),
    path("guarded/", guarded),
    path("nested/", nested),
    path("nested-async/", nested_async),
    path("meta/", meta),
    path("method/", Api().hello),
    path("hidden/", hidden(coroutine)),
    path("pinned/", sync, name="pinned"),
    path("asgi-prefix/sync/", on_wsgi(lambda request: describe(request))),
]
"""
)

OTHER = """
from django.urls import path
from mysite.urls import coroutine, sync

urlpatterns = [path("sync/", coroutine), path("async/", sync)]
"""

MIDDLEWARE = """
from pathlib import Path

from django.http import HttpResponseForbidden


def by_host(get_response):
    def middleware(request):
        if request.get_host().startswith("other."):
            request.urlconf = "mysite.other"
        if request.headers.get("X-Refuse"):
            return HttpResponseForbidden("refused")
        with Path(__file__).with_name("passes").open("a") as passes:
            passes.write("one\\n")
        response = get_response(request)
        response.set_cookie("seen", "1")
        return response
    return middleware
"""

WRAPPED = """
from mysite.wsgi import application as inner


class Body:
    def __init__(self, body):
        self.body = body

    def __iter__(self):
        return iter(self.body)

    def close(self):
        self.body.close()


def application(environ, start_response):
    body = inner(environ, start_response)
    return Body(body) if environ["QUERY_STRING"] == "wrapped" else body
"""

SETTINGS = """
ALLOWED_HOSTS = ["*"]
MIDDLEWARE = [*MIDDLEWARE, "mysite.by_host.by_host"]
TANDEM = {
    "ROUTES": [("pinned", "asgi"), ("mysite.urls.Api.hello", "asgi")],
    "ASGI": {"WORKERS": 1},
    "WSGI": {"WORKERS": 2},
    "MONITOR": False,
}
WSGI_APPLICATION = "mysite.wrapped.application"
"""


def _project(directory, more=""):
    startproject(directory)
    (directory / "mysite" / "urls.py").write_text(URLS.replace("\\\\\\\\", "\\\\"))
    (directory / "mysite" / "other.py").write_text(OTHER)
    (directory / "mysite" / "by_host.py").write_text(MIDDLEWARE)
    (directory / "mysite" / "wrapped.py").write_text(WRAPPED)
    settings = directory / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + SETTINGS + more)
    return directory


@pytest.fixture(scope="module")
def up(nginx_program, tmp_path_factory):
    edge = f'\nTANDEM["EDGE"] = {{"NGINX": "{nginx_program.program}"}}\n'
    with Up(_project(tmp_path_factory.mktemp("p"), edge)) as running:
        yield running


def _ask(up, path, *, method="GET", data=None, **headers):
    request = urllib.request.Request(f"{up.url}{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers, answer.read()


def _kind(up, path, **headers) -> str:
    return json.loads(_ask(up, path, **headers)[1])["kind"]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_an_exact_route_needs_no_handover(up) -> None:
    """The edge sends each request to the stack of its view."""
    assert _kind(up, "/sync/") == "WSGIRequest"
    assert _kind(up, "/async/") == "ASGIRequest"
    assert _kind(up, "/pinned/") == "ASGIRequest"
    assert json.loads(tandem(up.directory, "status", "--json").stdout)["handed_over"] == []


def test_a_urlconf_chosen_by_host_is_handed_over(up) -> None:
    """The edge knows the default one alone; requests go either way."""
    assert _kind(up, "/sync/", Host="other.example") == "ASGIRequest"
    assert _kind(up, "/async/", Host="other.example") == "WSGIRequest"


def test_a_converter_that_rejects_a_value_is_handed_over(up) -> None:
    """The edge can't know which numbers are even."""
    assert _kind(up, "/even/4/") == "ASGIRequest"
    assert _kind(up, "/even/5/") == "WSGIRequest"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_method_target_and_body_are_preserved(up, method) -> None:
    """80 kB of body, an encoded slash and a repeated key."""
    body = None if method == "GET" else bytes(range(256)) * 320
    target = "/async/?a=1&a=%2F&b"

    _, answer = _ask(up, target, method=method, data=body, Host="other.example")

    described = json.loads(answer)
    assert described["kind"] == "WSGIRequest"
    assert (described["method"], described["target"]) == (method, target)
    assert (described["length"], described["body"]) == (len(body or b""), _digest(body or b""))
    assert described["seen"] == {}


def test_an_event_stream_of_a_plain_view_is_routed_to_asgi(up) -> None:
    """On WSGI it would hold a worker for as long as a client listens."""
    before = _counts(up)
    headers, body = _ask(up, "/events/")

    assert _counts(up) == before

    assert headers["Content-Type"] == "text/event-stream"
    assert body == b"".join(b"data: ASGIRequest %d\n\n" % number for number in range(3))


def test_an_async_generator_of_a_plain_view_is_routed_to_asgi(up) -> None:
    """Neither the view nor its middleware runs twice."""
    before = _passes(up)

    assert _ask(up, "/generator-stream/")[1] == b"ASGIRequest"
    assert _passes(up) == before + 1


def test_another_async_stream_of_a_plain_view_is_handed_over(up) -> None:
    """Only its response shows it."""
    assert _ask(up, "/async-stream/")[1] == b"ASGIRequest"


def test_an_async_stream_is_found_below_wsgi_middleware(up) -> None:
    """Django's own response counts, not the body that the server gets."""
    assert _ask(up, "/async-stream/?wrapped")[1] == b"ASGIRequest"


def test_a_request_of_the_test_client_is_not_handed_over(up) -> None:
    """The edge sees the outer request alone, and could answer no other."""
    for path, kind in [("/nested/", "WSGIRequest"), ("/nested-async/", "ASGIRequest")]:
        described = json.loads(_ask(up, path)[1])
        assert (described["kind"], described["inner"], described["redirect"]) == (kind, 200, None)


def test_a_view_sees_no_trace_of_the_handover(up) -> None:
    """META is the environ on WSGI, and holds the same names on ASGI."""
    assert json.loads(_ask(up, "/meta/")[1])["own"] == []


def test_a_bound_method_is_pinned_by_the_path_its_author_would_write(up) -> None:
    """The stack agrees with the table, without a handover."""
    before = _counts(up)
    assert _kind(up, "/method/") == "ASGIRequest"
    assert _counts(up) == before


def test_an_async_stream_is_handed_over_for_get_and_head_alone(up) -> None:
    """The view has run by then, and a POST must not run twice."""
    assert _ask(up, "/async-stream/", method="POST", data=b"")[1] == b"WSGIRequest"


def test_middleware_runs_once_where_the_path_alone_decides(up) -> None:
    """The edge can't know which numbers are even, but the URLconf does."""
    for path, kind in [("/once/4/", "ASGIRequest"), ("/async/", "ASGIRequest")]:
        before = _passes(up)
        assert _kind(up, path) == kind
        assert _passes(up) == before + 1


def _passes(up) -> int:
    passes = up.directory / "mysite" / "passes"
    return len(passes.read_text().splitlines()) if passes.exists() else 0


def test_middleware_rejects_a_request_before_the_handover(up) -> None:
    """A process_request or process_view rejects it on the stack that received it."""
    before = _counts(up)
    for headers, path in [({"X-Refuse": "1"}, "/sync/"), ({}, "/guarded/")]:
        with pytest.raises(urllib.error.HTTPError) as refused:
            _ask(up, path, method="POST", data=b"x", **headers)
        assert refused.value.code == 403
    assert _counts(up) == before


def _counts(up) -> dict[str, int]:
    # By then each process has written what it counted before.
    time.sleep(1.5 * WRITE_EVERY_S)
    found = json.loads(tandem(up.directory, "status", "--json").stdout)["handed_over"]
    return {each["route"]: each["times"] for each in found}


def test_headers_of_middleware_are_sent_once(up) -> None:
    """NGINX would keep the first answer's cookies beside the second's."""
    headers, _ = _ask(up, "/async/", Host="other.example")

    assert headers.get_all("Set-Cookie") == ["seen=1; Path=/"]
    assert headers["X-Accel-Redirect"] is None


def test_a_client_can_neither_request_nor_prevent_the_handover(up) -> None:
    """The edge overwrites the header that says a request was handed over."""
    forged = {
        "X-Tandem-Handed": "1",
        "X-Accel-Redirect": "@tandem_handed_wsgi",
        "Host": "other.example",
    }

    assert _kind(up, "/sync/", **forged) == "ASGIRequest"


def test_the_handover_is_counted_with_the_pin_that_avoids_it(up) -> None:
    """Shown by `tandem status` and, while the stack runs, by `tandem plan`, a second later."""
    _ask(up, "/async-stream/")

    def found():
        rows = json.loads(tandem(up.directory, "status", "--json").stdout)["handed_over"]
        return next((row for row in rows if row["route"] == "/async-stream/"), None)

    row = wait_for(found)
    assert (row["to"], row["pin"]) == ("asgi", '("=/async-stream/", "asgi")')
    assert '("=/async-stream/", "asgi")' in tandem(up.directory, "plan").stdout


def test_uwsgi_writes_the_counts_between_requests(tmp_path) -> None:
    """By a thread of the worker, which old uWSGIs let run only with an option."""
    with Up(_project(tmp_path, '\nTANDEM["WSGI"] = {"SERVER": "uwsgi", "WORKERS": 1}\n')) as up:
        for _ in range(3):
            _ask(up, "/async-stream/")
        assert wait_for(lambda: [each.count for each in read(up.run_dir)] == [3], within_s=5)


def test_the_handover_can_be_turned_off(tmp_path) -> None:
    """Then each stack responds itself, as Django does."""
    with Up(_project(tmp_path, '\nTANDEM["HANDOVER"] = False\n')) as up:
        assert _kind(up, "/sync/", Host="other.example") == "WSGIRequest"
        assert _kind(up, "/even/4/") == "WSGIRequest"

"""A streamed response of an ordinary view reaches its client part by part, on every server."""

import json
import socket
import time
from contextlib import closing

import pytest

from django_tandem.runtime.host import nginx_from_wheel
from harness.client import ask, wait_for
from harness.projects import startproject
from harness.stack import Up, tandem

URLS = """
import time
from pathlib import Path

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

HIDDEN = "-".join(["text/event", "stream"])


def parts(request, count):
    # As a client closes it, and as the end of the project's process does.
    closed = Path(__file__).with_name(f"closed-{request.GET.get('name', 'x')}")
    try:
        for number in range(count):
            yield f"data: {type(request).__name__} {number}\\n\\n"
            time.sleep(0.3)
    finally:
        closed.touch()


def stream(count, content_type, **headers):
    @csrf_exempt
    def view(request):
        return StreamingHttpResponse(
            parts(request, count), content_type=content_type, headers=headers
        )
    return view


def events(request):
    return StreamingHttpResponse(parts(request, 1000), content_type="text/event-stream")


def pinned(request):
    return events(request)


def pinned_async(request):
    async def one():
        yield type(request).__name__
    return StreamingHttpResponse(one())


def plain(request):
    return HttpResponse(type(request).__name__)


async def coroutine(request):
    return HttpResponse(type(request).__name__)


def sync_on_asgi(request):
    return HttpResponse(type(request).__name__)


urlpatterns = [
    path("plain/", plain),
    path("async/", coroutine),
    path("sync-on-asgi/", sync_on_asgi, name="sync-on-asgi"),
    path("events/", events),
    path("pinned/", pinned, name="pinned"),
    path("pinned-async/", pinned_async, name="pinned-async"),
    path("hidden/", stream(1000, HIDDEN), name="hidden"),
    path("ndjson/", stream(4, "application/x-ndjson")),
    path("ndjson-on-asgi/", stream(4, "application/x-ndjson"), name="ndjson-on-asgi"),
    path("mixed/", stream(4, "multipart/x-mixed-replace; boundary=x")),
    path("download/", stream(4, "text/csv", **{"Content-Disposition": "attachment"})),
    path("long/", stream(20, "text/csv")),
]
"""

SETTINGS = """
ALLOWED_HOSTS = ["*"]
TANDEM = {{
    "ROUTES": [
        ("pinned", "wsgi"),
        ("pinned-async", "wsgi"),
        ("sync-on-asgi", "asgi"),
        ("ndjson-on-asgi", "asgi"),
    ],
    "EDGE": {{"NGINX": {nginx!r}}},
    "WSGI": {{"SERVER": "{wsgi}", "WORKERS": 2, "TIMEOUT_S": 2}},
    "ASGI": {{"SERVER": "{asgi}", "WORKERS": 1, "THREADS": 3}},
    "MONITOR": False,
}}
"""

PAIRS = [
    ("gunicorn", "uvicorn"),
    ("uwsgi", "daphne"),
    ("waitress", "hypercorn"),
    ("granian", "granian"),
]


# The first behind the other NGINX too: whose version it is makes no difference to a server.
BEHIND = [*((*pair, None) for pair in PAIRS), (*PAIRS[0], nginx_from_wheel())]


@pytest.fixture(
    scope="module",
    params=BEHIND,
    ids=lambda each: "+".join((*each[:2], *(["wheel"] if each[2] else []))),
)
def up(request, tmp_path_factory):
    """Two WSGI workers with a short timeout, and three threads on ASGI."""
    wsgi, asgi, nginx = request.param
    directory = startproject(tmp_path_factory.mktemp("p"))
    (directory / "mysite" / "urls.py").write_text(URLS)
    settings = directory / "mysite" / "settings.py"
    own = SETTINGS.format(nginx=nginx, wsgi=wsgi, asgi=asgi)
    settings.write_text(settings.read_text() + own)
    with Up(directory) as running:
        yield running


class Client:
    """One request whose response is read as it comes."""

    def __init__(self, up, target, method="GET"):
        self.connection = socket.create_connection(("127.0.0.1", up.port), timeout=10)
        head = f"{method} {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
        self.connection.sendall(head.encode())
        self.received = b""

    def until(self, text: bytes, within_s: float = 5) -> float:
        """Read until the text has come; return when."""
        until = time.monotonic() + within_s
        while text not in self.received:
            assert time.monotonic() < until, self.received
            read = self.connection.recv(65536)
            assert read, self.received
            self.received += read
        return time.monotonic()

    def close(self):
        self.connection.close()


@pytest.mark.parametrize(
    ("target", "method", "kind"),
    [
        ("/events/", "GET", "ASGIRequest"),
        ("/mixed/", "GET", "WSGIRequest"),
        ("/pinned/", "GET", "WSGIRequest"),
        ("/hidden/", "GET", "WSGIRequest"),
        ("/ndjson/", "GET", "WSGIRequest"),
        ("/ndjson/", "POST", "WSGIRequest"),
        ("/ndjson-on-asgi/", "GET", "ASGIRequest"),
        ("/ndjson-on-asgi/", "POST", "ASGIRequest"),
        ("/download/", "GET", "WSGIRequest"),
    ],
)
def test_each_part_arrives_when_it_is_made(up, target, method, kind) -> None:
    """On the stack that the policy or a pin names, by GET and by POST."""
    with closing(Client(up, target, method)) as client:
        first = client.until(f"data: {kind} 0".encode())
        third = client.until(f"data: {kind} 2".encode())

    # Two pauses of 0.3 s lie between them; a busy machine may delay the first.
    assert third - first > 0.3


@pytest.mark.parametrize("target", ["/events/", "/pinned/", "/hidden/", "/ndjson-on-asgi/"])
def test_a_client_that_leaves_ends_the_generator_and_frees_its_worker(up, target) -> None:
    """More clients than there are workers and threads have left, and both stacks serve."""
    for number in range(5):
        name = f"{target.strip('/')}-{number}"
        with closing(Client(up, f"{target}?name={name}")) as client:
            client.until(b"data: ")
        wait_for((up.directory / "mysite" / f"closed-{name}").exists, within_s=5)

    assert ask(up.port, "/plain/").text == "WSGIRequest"
    assert ask(up.port, "/sync-on-asgi/").text == "ASGIRequest"


def test_a_stream_outlasts_the_timeout_of_a_response(up) -> None:
    """TIMEOUT_S limits each part of it: 2 s, and the server's margin, are over before its end."""
    with closing(Client(up, "/long/")) as client:
        client.until(b"data: WSGIRequest 19", within_s=20)

        assert client.received.count(b"data: WSGIRequest ") == 20


def test_open_event_streams_hold_no_wsgi_worker(up) -> None:
    """Three are open, more than there are WSGI workers."""
    clients = [Client(up, f"/events/?name=open-{number}") for number in range(3)]
    try:
        for client in clients:
            client.until(b"data: ASGIRequest 0")

        assert ask(up.port, "/plain/").text == "WSGIRequest"
        assert ask(up.port, "/async/").text == "ASGIRequest"
    finally:
        for client in clients:
            client.close()


def test_a_pin_is_obeyed_although_the_stream_is_async(up) -> None:
    """WSGI collects it, as the user decided."""
    assert ask(up.port, "/pinned-async/").text == "WSGIRequest"


def test_nothing_is_handed_over(up) -> None:
    """The middleware of each stream ran once, and `tandem status` recommends no pin."""
    assert json.loads(tandem(up.directory, "status", "--json").stdout)["handed_over"] == []


def test_status_names_the_handler_and_counts_its_threads(up) -> None:
    """Each ASGI process."""
    assert ask(up.port, "/async/").text == "ASGIRequest"
    found, until = [], time.monotonic() + 10
    while not found and time.monotonic() < until:
        found = json.loads(tandem(up.directory, "status", "--json").stdout)["handlers"]

    assert {each["handler"] for each in found} == {"django-tandem"}
    assert {each["generation"] for each in found} == {1}
    assert "is django-tandem's: " in tandem(up.directory, "status").stdout


def test_a_stream_that_holds_a_worker_is_logged_with_its_pin(up) -> None:
    """Once for a view, where its code does not name the type and nobody pinned it."""
    view = "mysite.urls.stream.<locals>.view"
    line = (
        f"An event stream of {view} holds a WSGI worker while its client listens. "
        f'Pin it to ASGI: TANDEM["ROUTES"] = [("{view}", "asgi")].'
    )
    with closing(Client(up, "/hidden/")) as client:
        client.until(b"data: ")

    wait_for(lambda: line in up.output)
    assert "An event stream of mysite.urls.pinned " not in up.output


@pytest.mark.parametrize("target", ["=/events/", "pinned"])
def test_a_blocked_stream_ends_and_its_route_answers_with_the_status(up, target) -> None:
    """On either stack, until it is unblocked; a stream on WSGI is left to its worker."""
    path = "/events/" if target.startswith("=") else "/pinned/"
    with closing(Client(up, f"{path}?name=blocked")) as client:
        client.until(b"data: ")
        done = tandem(up.directory, "block", target, "--status", "204", "--drain", "0")
        assert (done.returncode, done.stdout) == (
            0,
            f'Blocked "{target}" (1 route and 0 WebSockets) with 204; open WebSockets and event '
            "streams end within 0 s.\n",
        )
        wait_for(lambda: _answers(up, path, 204), within_s=5)
        if path == "/events/":
            # The last chunk: the body ends normally.
            client.until(b"\r\n0\r\n\r\n")

    blocked = json.loads(tandem(up.directory, "status", "--json").stdout)["blocked"]
    assert [(each["route"], each["status"], each["close"]) for each in blocked] == [
        (target, 204, 1013)
    ]
    assert ask(up.port, "/plain/").status == 200
    assert tandem(up.directory, "unblock", target).returncode == 0
    wait_for(lambda: _answers(up, path, 200), within_s=5)


def _answers(up, path, status) -> bool:
    """Not its body: a process reads the blocks a moment later, and until then a stream goes on."""
    with closing(Client(up, f"{path}?name=again")) as client:
        client.until(b"\r\n")
        return client.received.startswith(b"HTTP/1.1 %d " % status)
